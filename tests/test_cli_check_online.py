"""`check --online`: what the providers say of a file, whatever they answer."""

from typing import Any

import pytest
from conftest import RunProgram
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profiles_file import MACHINE, PERSON
from test_cli_check import HOSTS, check, warnings

from requests_auth_profiles.testing import Reply
from requests_auth_profiles.testing._loopback_server import Endpoint, LoopbackServer, Received, redirect_to

__all__ = ["check"]

OPENID = "/.well-known/openid-configuration"


def announcing(scopes: list[str] | None, **more: Any) -> LoopbackServer:
    """A provider that announces these scopes."""

    def answer(_: Received) -> Reply:
        said = {} if scopes is None else {"scopes_supported": scopes}
        return Reply.json({"issuer": server.url, "token_endpoint": f"{server.url}/token", **said, **more})

    server = LoopbackServer({"metadata": Endpoint(answer, ("/.well-known/openid-configuration",))})
    return server


def machine(issuer: str) -> str:
    """A profile of a provider, with two scopes."""
    text = MACHINE.replace("https://login.acme.com", issuer)
    return f'{text}{HOSTS}scopes = ["api.read", "api.reed"]\n'


def test_online_a_scope_that_is_not_announced(check: RunProgram) -> None:
    """A scope that the provider does not announce is told with those that it does."""
    with announcing(["api.read", "api.write"]) as server:
        (warning,) = warnings(check, machine(server.url), "--online")
    assert warning["line"] == 7
    assert f"asks for api.reed, which {server.url} does not announce" in warning["message"]
    assert "it announces api.read, api.write" in warning["hint"]


@pytest.mark.parametrize("scopes", [["api.read", "api.reed"], None], ids=["known", "not said"])
def test_online_nothing_to_say(check: RunProgram, scopes: list[str] | None) -> None:
    """A provider that announces the scopes, or none at all, gives no warning."""
    with announcing(scopes) as server:
        assert warnings(check, machine(server.url), "--online") == []


def test_online_a_provider_that_does_not_answer(check: RunProgram) -> None:
    """A provider that is not there is a warning at its issuer, and the file is as good as before."""
    with announcing([]) as server:
        gone = server.url
    (warning,) = warnings(check, machine(gone), "--online")
    assert warning["line"] == 3
    assert "cannot reach" in warning["message"]


def test_offline_nobody_is_asked(check: RunProgram) -> None:
    """Without --online the provider is not called."""
    with announcing([]) as server:
        assert warnings(check, machine(server.url)) == []
        assert not server.requests


def test_online_each_provider_once(check: RunProgram) -> None:
    """Two profiles of one provider cost one question."""
    with announcing(["api.read", "api.reed"]) as server:
        text = machine(server.url)
        warnings(check, text + text.replace("[profiles.work]", "[profiles.other]"), "--online")
        assert len(server.requests) == 1


NOT_HTTPS = {
    "plain http": "http://login.acme.com/token",
    "a script": "javascript:alert(1)",
    "a relative one": "/token",
    "a password in it": "https://a:b@login.acme.com/token",
    "half an address": "https://[::1",
    "a line break": "https://login.acme.com/\n/token",
}
MISSING = {"nothing": None, "a number": 5, "a list": ["https://login.acme.com/token"], "a table": {}}


@pytest.mark.parametrize("url", NOT_HTTPS.values(), ids=NOT_HTTPS.keys())
def test_an_endpoint_that_is_no_https_url(check: RunProgram, url: str) -> None:
    """It is told at the issuer, with the provider's name for the endpoint, and what to do."""
    with announcing(None, token_endpoint=url) as server:
        (warning,) = warnings(check, machine(server.url), "--online")
    assert (warning["line"], warning["key"]) == (3, "issuer")
    assert warning["message"] == f"the token_endpoint that {server.url} announces is no https URL"
    assert warning["hint"] == 'tell the provider, or say it: token_url = "https://…"'


@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING.keys())
def test_an_endpoint_that_is_missing(check: RunProgram, value: object) -> None:
    """One that the flow calls is told, and how to say it oneself."""
    with announcing(None, token_endpoint=value) as server:
        (warning,) = warnings(check, machine(server.url), "--online")
    assert warning["message"] == f"{server.url} does not announce its token_endpoint"
    assert warning["hint"] == 'say it: token_url = "https://…"'


def test_each_endpoint_has_its_line(check: RunProgram) -> None:
    """All that is wrong is told at once; what no flow here needs, only where it is wrong."""
    person = f"{PERSON}{HOSTS}"
    wrong = {"jwks_uri": "http://a.com/keys", "revocation_endpoint": "ftp://a.com"}
    with announcing(None, token_endpoint="http://a.com/t", **wrong) as server:
        found = warnings(check, person.replace("https://login.acme.com", server.url), "--online")
    assert sorted(one["message"].split(" that ")[0] for one in found) == [
        f"{server.url} does not announce its authorization_endpoint",
        "the jwks_uri",
        "the revocation_endpoint",
        "the token_endpoint",
    ]


def test_what_the_profile_says_itself(check: RunProgram) -> None:
    """It is not asked of the provider, and another profile of that issuer is told of it all the same."""
    with announcing(None, token_endpoint="http://a.com/t") as server:
        text = machine(server.url)
        other = text.replace("[profiles.work]", "[profiles.other]")
        said = f'{text}token_url = "https://login.acme.com/token"\n'
        assert warnings(check, said, "--online") == []
        (warning,) = warnings(check, said + other, "--online")
    assert warning["profile"] == "other"


def answering(reply: Reply) -> LoopbackServer:
    """A provider that answers this wherever it is asked."""
    paths = (OPENID, "/.well-known/oauth-authorization-server")
    return LoopbackServer({"metadata": Endpoint(lambda _: reply, paths)})


ANSWERS = {
    "a page": (Reply(200, {"Content-Type": "text/html"}, b"<html>"), "was 200, and no JSON object"),
    "a page that is missing": (
        Reply(404, {"Content-Type": "text/html"}, b"<html>"),
        "the last answer was 404",
    ),
    "a redirect": (redirect_to("https://login.acme.com/"), "answered 302, a redirect; it was not followed"),
    "a refusal": (Reply(403), "the last answer was 403"),
    "a list": (Reply.json([]), "was 200, and no JSON object"),
    "half of it": (Reply(200, {}, b'{"issuer": '), "was 200, and no JSON object"),
    "nothing": (Reply(200), "was 200, and no JSON object"),
    "of another one": (Reply.json({"issuer": "https://evil.example"}), "names another issuer"),
    "no issuer": (Reply.json({}), "names another issuer"),
    "too much": (Reply(200, {}, b" " * (1 << 20) + b"{}"), "answered more than 1,048,576 bytes"),
    "no answer": (Reply(hang_up=True), "cannot reach"),
}


@pytest.mark.parametrize(("reply", "message"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_provider_that_announces_nothing(check: RunProgram, reply: Reply, message: str) -> None:
    """It is one line, with a hint, and the file is as good as before."""
    with answering(reply) as server:
        (warning,) = warnings(check, f"{machine(server.url)}http.retries = 0\n", "--online")
        done = check(f"{machine(server.url)}http.retries = 0\n", "--online")
    assert (warning["line"], warning["key"]) == (3, "issuer")
    assert message in warning["message"]
    assert warning["hint"]
    assert done.returncode == 0
    assert done.stderr.count("warning: ") == 1


JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["token_endpoint", "jwks_uri", "scopes_supported", "mtls_endpoint_aliases"]), JSON
    )
)
def test_whatever_is_announced(check: RunProgram, said: dict[str, Any]) -> None:
    """It ends in lines that do nothing to a terminal."""
    with announcing(None, **said) as server:
        for warning in warnings(check, machine(server.url), "--online"):
            assert warning["message"].isprintable()
            assert warning["hint"].isprintable()
