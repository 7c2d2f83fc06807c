"""Each example of the documentation of requests_auth runs with nothing but its import changed.

Their hosts are servers of this machine: an address of the examples that has no provider behind it is replaced,
and where a class knows its provider's, a session brings the token request here. Their redirect port is a free
one. Those that do not say who they are get a client_id, without which no provider takes anybody to a sign-in.
The examples of NTLM and of the fixtures for tests stand with their own tests.
"""

# ruff: noqa: E501  the page's own lines

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from wire_traces import CLIENT, IMPLICIT_TOKEN, SECRET, World, world

from requests_auth_profiles import OAuth2, TokenMemoryCache
from requests_auth_profiles.testing import Client

OKTA = "https://testserver.okta-emea.com/oauth2/default/v1"
ENTRA = "https://login.microsoftonline.com/45239d18-c68c-4c47-8bdd-ce71ea1d50cd/oauth2"
WAKATIME = "https://wakatime.com/oauth"


@dataclass(frozen=True, kw_only=True)
class Example:
    """An example of the page.

    Args:
        text: as it stands there.
        path: what of the API is called.
        browser: where the browser is sent, without its query; `{server}` is the provider here; None = nowhere.
        token_url: where the token request is meant for; None = a provider here, or there is none.
    """

    text: str
    path: str = "/me"
    browser: str | None = None
    token_url: str | None = None


EXAMPLES = {
    "OAuth2AuthorizationCode": Example(
        text="""
        import requests
        from requests_auth import OAuth2AuthorizationCode

        requests.get('https://www.example.com', auth=OAuth2AuthorizationCode('https://www.authorization.url', 'https://www.token.url'))
        """,
        browser="{server}/authorize",
    ),
    "OktaAuthorizationCode": Example(
        text="""
        import requests
        from requests_auth import OktaAuthorizationCode


        okta = OktaAuthorizationCode(instance='testserver.okta-emea.com', client_id='54239d18-c68c-4c47-8bdd-ce71ea1d50cd')
        requests.get('https://www.example.com', auth=okta)
        """,
        browser=f"{OKTA}/authorize",
        token_url=f"{OKTA}/token",
    ),
    "WakaTimeAuthorizationCode": Example(
        text="""
        import requests
        from requests_auth import WakaTimeAuthorizationCode


        waka_time = WakaTimeAuthorizationCode(client_id="aPJQV0op6Pu3b66MWDi9b1wB", client_secret="waka_sec_0c5MB", scope="email")
        requests.get('https://wakatime.com/api/v1/users/current', auth=waka_time)
        """,
        browser=f"{WAKATIME}/authorize",
        token_url=f"{WAKATIME}/token",
    ),
    "OAuth2AuthorizationCodePKCE": Example(
        text="""
        import requests
        from requests_auth import OAuth2AuthorizationCodePKCE

        requests.get('https://www.example.com', auth=OAuth2AuthorizationCodePKCE('https://www.authorization.url', 'https://www.token.url'))
        """,
        browser="{server}/authorize",
    ),
    "OktaAuthorizationCodePKCE": Example(
        text="""
        import requests
        from requests_auth import OktaAuthorizationCodePKCE


        okta = OktaAuthorizationCodePKCE(instance='testserver.okta-emea.com', client_id='54239d18-c68c-4c47-8bdd-ce71ea1d50cd')
        requests.get('https://www.example.com', auth=okta)
        """,
        browser=f"{OKTA}/authorize",
        token_url=f"{OKTA}/token",
    ),
    "OAuth2ResourceOwnerPasswordCredentials": Example(
        text="""
        import requests
        from requests_auth import OAuth2ResourceOwnerPasswordCredentials

        requests.get('https://www.example.com', auth=OAuth2ResourceOwnerPasswordCredentials('https://www.token.url', 'user name', 'user password'))
        """,
    ),
    "OktaResourceOwnerPasswordCredentials": Example(
        text="""
        import requests
        from requests_auth import OktaResourceOwnerPasswordCredentials


        okta = OktaResourceOwnerPasswordCredentials(instance='testserver.okta-emea.com', username='user name', password='user password', client_id='54239d18-c68c-4c47-8bdd-ce71ea1d50cd', client_secret="0c5MB")
        requests.get('https://www.example.com', auth=okta)
        """,
        token_url=f"{OKTA}/token",
    ),
    "OAuth2ClientCredentials": Example(
        text="""
        import requests
        from requests_auth import OAuth2ClientCredentials

        requests.get('https://www.example.com', auth=OAuth2ClientCredentials('https://www.token.url', client_id='id', client_secret='secret'))
        """,
    ),
    "OktaClientCredentials": Example(
        text="""
        import requests
        from requests_auth import OktaClientCredentials


        okta = OktaClientCredentials(instance='testserver.okta-emea.com', client_id='54239d18-c68c-4c47-8bdd-ce71ea1d50cd', client_secret="secret", scope=["scope1", "scope2"])
        requests.get('https://www.example.com', auth=okta)
        """,
        token_url=f"{OKTA}/token",
    ),
    "OAuth2Implicit": Example(
        text="""
        import requests
        from requests_auth import OAuth2Implicit

        requests.get('https://www.example.com', auth=OAuth2Implicit('https://www.authorization.url'))
        """,
        browser="{server}/authorize",
    ),
    "AzureActiveDirectoryImplicit": Example(
        text="""
        import requests
        from requests_auth import AzureActiveDirectoryImplicit


        aad = AzureActiveDirectoryImplicit(tenant_id='45239d18-c68c-4c47-8bdd-ce71ea1d50cd', client_id='54239d18-c68c-4c47-8bdd-ce71ea1d50cd')
        requests.get('https://www.example.com', auth=aad)
        """,
        browser=f"{ENTRA}/authorize",
    ),
    "AzureActiveDirectoryImplicitIdToken": Example(
        text="""
        import requests
        from requests_auth import AzureActiveDirectoryImplicitIdToken


        aad = AzureActiveDirectoryImplicitIdToken(tenant_id='45239d18-c68c-4c47-8bdd-ce71ea1d50cd', client_id='54239d18-c68c-4c47-8bdd-ce71ea1d50cd')
        requests.get('https://www.example.com', auth=aad)
        """,
        path="/echo",
        browser=f"{ENTRA}/authorize",
    ),
    "OktaImplicit": Example(
        text="""
        import requests
        from requests_auth import OktaImplicit


        okta = OktaImplicit(instance='testserver.okta-emea.com', client_id='54239d18-c68c-4c47-8bdd-ce71ea1d50cd')
        requests.get('https://www.example.com', auth=okta)
        """,
        browser=f"{OKTA}/authorize",
    ),
    "OktaImplicitIdToken": Example(
        text="""
        import requests
        from requests_auth import OktaImplicitIdToken


        okta = OktaImplicitIdToken(instance='testserver.okta-emea.com', client_id='54239d18-c68c-4c47-8bdd-ce71ea1d50cd')
        requests.get('https://www.example.com', auth=okta)
        """,
        path="/echo",
        browser=f"{OKTA}/authorize",
    ),
    "HeaderApiKey": Example(
        text="""
        import requests
        from requests_auth import HeaderApiKey

        requests.get('https://www.example.com', auth=HeaderApiKey('my_api_key'))
        """,
        path="/key",
    ),
    "QueryApiKey": Example(
        text="""
        import requests
        from requests_auth import QueryApiKey

        requests.get('https://www.example.com', auth=QueryApiKey('my_api_key'))
        """,
        path="/key",
    ),
    "Basic": Example(
        text="""
        import requests
        from requests_auth import Basic

        requests.get('https://www.example.com', auth=Basic('username', 'password'))
        """,
        path="/basic",
    ),
    "several at once": Example(
        text="""
        import requests
        from requests_auth import HeaderApiKey, OAuth2Implicit

        api_key = HeaderApiKey('my_api_key')
        oauth2 = OAuth2Implicit('https://www.example.com')
        requests.get('https://www.example.com', auth=api_key + oauth2)
        """,
        path="/partner",
        browser="{server}/authorize",
    ),
}
BROWSER_CALL = re.compile(r"(\w*(?:AuthorizationCode|Implicit)\w*\(.+?)\)")
TOKEN_CALL = re.compile(r"((?:Okta|WakaTime)\w*(?<!Implicit)(?<!ImplicitIdToken)\(.+?)\)")


@pytest.fixture
def where(home: Path) -> Iterator[World]:
    """A world that knows who the examples say they are; some of them do not say it."""
    kept = OAuth2.token_cache, OAuth2.display
    OAuth2.token_cache = TokenMemoryCache()
    with world() as one:
        secrets = {CLIENT: None, "aPJQV0op6Pu3b66MWDi9b1wB": "waka_sec_0c5MB", "id": "secret", "": None}
        one.server.clients |= {name: Client(secret=secret) for name, secret in secrets.items()}
        one.api.tokens.add(IMPLICIT_TOKEN)
        one.api.api_keys.add("my_api_key")
        one.api.users["username"] = "password"
        yield one
    OAuth2.token_cache, OAuth2.display = kept


def run(where: World, example: Example) -> list[str]:
    """Runs an example; tells what its token requests were meant for."""
    session, forwarding = where.session()
    text = dedent(example.text).replace("from requests_auth import", "from requests_auth_profiles import")
    text = text.replace(
        "OAuth2Implicit('https://www.example.com'", "OAuth2Implicit('https://www.authorization.url'"
    )
    client = "" if "client_id" in text else ", client_id='public'"
    text = BROWSER_CALL.sub(rf"\1, redirect_uri_port={where.port}, timeout=10{client})", text)
    text = TOKEN_CALL.sub(r"\1, session=session)", text)
    for fixed, here in {
        "https://www.authorization.url": f"{where.server.url}/authorize",
        "https://www.token.url": f"{where.server.url}/token",
        "https://www.example.com": where.api.url + example.path,
        "https://wakatime.com/api/v1/users/current": where.api.url + example.path,
    }.items():
        text = text.replace(fixed, here)
    exec(text, {"session": session})  # the page's own text
    return forwarding.urls


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_lets_its_program_in(where: World, example: Example) -> None:
    """The API takes what the example sends."""
    if 'client_secret="0c5MB"' in example.text or 'client_secret="secret"' in example.text:
        secret = SECRET if "0c5MB" in example.text else "secret"
        where.server.clients[CLIENT] = Client(secret=secret)
    meant = run(where, example)
    assert [received.status for received in where.api.requests] == [200]
    assert meant == ([example.token_url] if example.token_url else [])


@pytest.mark.parametrize(
    "example",
    [one for one in EXAMPLES.values() if one.browser],
    ids=[k for k, v in EXAMPLES.items() if v.browser],
)
def test_an_example_sends_the_person_where_its_provider_is(where: World, example: Example) -> None:
    """The browser is sent to the address of the provider that the example names, once."""
    run(where, example)
    addresses = [urlsplit(url)._replace(query="").geturl() for url in where.browser.urls]
    assert addresses == [(example.browser or "").replace("{server}", where.server.url)]


def test_the_example_of_an_id_token_sends_one(where: World) -> None:
    """What the API gets from the classes for ID tokens is the ID token."""
    run(where, EXAMPLES["OktaImplicitIdToken"])
    sent = where.api.requests[-1].credentials("Bearer")
    assert sent.count(".") == 2
    assert sent != IMPLICIT_TOKEN


def test_the_example_of_a_token_file_keeps_tokens_there(
    where: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the example of `JsonTokenFileCache`, the next token is in the file that it names."""
    monkeypatch.chdir(tmp_path)
    Path("path/to").mkdir(parents=True)
    text = """
    from requests_auth_profiles import OAuth2, JsonTokenFileCache

    OAuth2.token_cache = JsonTokenFileCache('path/to/my_token_cache.json')
    """
    with pytest.warns(UserWarning, match="encrypted"):
        exec(dedent(text))
    run(where, EXAMPLES["OAuth2ClientCredentials"])
    kept = json.loads(Path("path/to/my_token_cache.json").read_text())
    assert where.api.requests[-1].credentials("Bearer") in json.dumps(kept)


def test_the_example_of_the_display_sets_what_is_documented(where: World) -> None:
    """After the example of `DisplaySettings`, pages are shown for the documented times."""
    text = """
    from requests_auth_profiles import OAuth2, DisplaySettings

    OAuth2.display = DisplaySettings()
    """
    exec(dedent(text))
    run(where, EXAMPLES["OAuth2AuthorizationCode"])
    assert (OAuth2.display.success_display_time, OAuth2.display.failure_display_time) == (1, 10_000)


def test_the_example_of_an_own_class_can_be_put_together(
    where: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class of one's own that mixes in `SupportMultiAuth` can be added to others."""
    (tmp_path / "my_package.py").write_text(
        dedent("""
        from requests.auth import AuthBase

        class MyAuth(AuthBase):
            def __call__(self, r):
                r.headers["X-Mine"] = "mine"
                return r
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_package", raising=False)
    text = """
    from requests_auth_profiles import SupportMultiAuth, HeaderApiKey
    from my_package import MyAuth

    class MyMultiAuth(MyAuth, SupportMultiAuth):
        pass
    """
    names: dict[str, Any] = {}
    exec(dedent(text), names)
    auth = names["MyMultiAuth"]() + names["HeaderApiKey"]("my_api_key")
    requests.get(f"{where.api.url}/key", auth=auth, timeout=10)
    received = where.api.requests[-1]
    assert (received.status, received.headers["X-Mine"]) == (200, "mine")
