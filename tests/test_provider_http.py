"""[profiles.NAME.http]: by which way a provider is called, with a real TLS server and a real proxy."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from references import folder
from tls import PASSPHRASE, Authority, Provider, Proxy, provider, proxy
from wire import words_of

from requests_auth_profiles import profile
from requests_auth_profiles.errors import (
    ConfigurationError,
    ProviderUnavailable,
    RequestsAuthException,
    SecretUnavailable,
)

__all__ = ["folder"]

PASSWORD = "s3cret@of:the/proxy"
QUOTED = "s3cret%40of%3Athe%2Fproxy"
AUTHORIZATION = f"Basic {base64.b64encode(f'ada:{PASSWORD}'.encode()).decode()}"
Token = Callable[..., str]


@pytest.fixture
def authority(folder: Path) -> Authority:
    """Who vouches for the provider; its files lie beside the profiles file."""
    return Authority(folder)


@pytest.fixture
def login(authority: Authority) -> Iterator[Provider]:
    """A provider that anybody may call."""
    with provider(authority) as login:
        yield login


@pytest.fixture
def guarded(authority: Authority) -> Iterator[Provider]:
    """A provider that wants a certificate."""
    with provider(authority, clients=authority) as guarded:
        yield guarded


@pytest.fixture
def gate() -> Iterator[Proxy]:
    """A proxy that wants a password."""
    with proxy(AUTHORIZATION) as gate:
        yield gate


@pytest.fixture
def token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    """The token of a profile that has these entries under `http`."""
    for name in (
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")

    def token(login: Provider, **entries: str) -> str:
        path = folder / "profiles.toml"
        lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
        path.write_text(
            '[profiles.work]\nflow = "client-credentials"\nclient_id = "job"\nclient_secret = "s"\n'
            f'token_url = "{login.url}"\ntimeout = 20\n[profiles.work.http]\n{lines}'
        )
        path.chmod(0o600)
        auth = profile("work", file=path)
        auth.logout()
        return auth.token().access_token

    return token


def line(folder: Path, entry: str) -> str:
    """How an error about an entry in the eighth line begins."""
    return f"{folder / 'profiles.toml'}:8: profile 'work', http.{entry} = "


class TestAuthority:
    """`ca_bundle`: who vouches for the provider."""

    def test_it_is_believed(self, token: Token, login: Provider) -> None:
        """A relative file is beside the profiles file, not in the working directory."""
        assert token(login, ca_bundle='"acme-ca.pem"') == "t"

    def test_without_it(self, token: Token, login: Provider) -> None:
        """Without it the provider is a stranger."""
        with pytest.raises(ProviderUnavailable, match="CERTIFICATE_VERIFY_FAILED") as caught:
            token(login)
        assert "ca_bundle" in caught.value.hint

    def test_another_one(self, token: Token, login: Provider, folder: Path) -> None:
        """So it is with that of somebody else."""
        Authority(folder, "other")
        with pytest.raises(ProviderUnavailable):
            token(login, ca_bundle='"other-ca.pem"')

    def test_over_the_environment(
        self, token: Token, login: Provider, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the profile says counts, whatever REQUESTS_CA_BUNDLE names."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(folder, "other").certificate))
        assert token(login, ca_bundle='"acme-ca.pem"') == "t"

    def test_it_is_not_for_the_api(self, token: Token, login: Provider, folder: Path) -> None:
        """It is read when the provider is first called, and no sooner."""
        with pytest.raises(ConfigurationError) as caught:
            token(login, ca_bundle='"nowhere.pem"')
        assert caught.value.message.startswith(f'{line(folder, "ca_bundle")}"nowhere.pem": cannot read ')
        assert caught.value.hint == f"ls -l {folder / 'nowhere.pem'}"
        profile("work", file=folder / "profiles.toml")

    @pytest.mark.parametrize("content", ["", "s3cret", "-----BEGIN CERTIFICATE-----\n"])
    def test_something_else_in_it(self, token: Token, login: Provider, folder: Path, content: str) -> None:
        """A file that is no certificate is told as such, with its place."""
        (folder / "acme-ca.pem").write_text(content)
        with pytest.raises(ConfigurationError) as caught:
            token(login, ca_bundle='"acme-ca.pem"')
        expected = f'{line(folder, "ca_bundle")}"acme-ca.pem": holds no certificate in PEM'
        assert caught.value.message == expected


class TestClient:
    """`client_cert` and `client_key`: who we are to a provider that asks for a certificate."""

    def test_it_is_shown(self, token: Token, guarded: Provider, authority: Authority) -> None:
        """The provider sees the certificate that the profile names."""
        authority.issued("job")
        entries = {"client_cert": '"job.pem"', "client_key": '"job.key"'}
        assert token(guarded, ca_bundle='"acme-ca.pem"', **entries) == "t"
        assert guarded.clients == ["job"]

    def test_both_in_one_file(self, token: Token, guarded: Provider, authority: Authority) -> None:
        """The key may stand in the file of the certificate."""
        certificate, key = authority.issued("job")
        certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
        assert token(guarded, ca_bundle='"acme-ca.pem"', client_cert='"job.pem"') == "t"
        assert guarded.clients == ["job"]

    def test_without_it(self, token: Token, guarded: Provider) -> None:
        """A provider that wants one lets nobody else in."""
        with pytest.raises(ProviderUnavailable):
            token(guarded, ca_bundle='"acme-ca.pem"')
        assert guarded.clients == []

    def test_one_that_was_replaced(self, token: Token, guarded: Provider, authority: Authority) -> None:
        """The files are read again: whoever renews them does not begin anew."""
        authority.issued("job")
        entries = {"ca_bundle": '"acme-ca.pem"', "client_cert": '"job.pem"', "client_key": '"job.key"'}
        token(guarded, **entries)
        certificate, key = authority.issued("next")
        for old, new in (("job.pem", certificate), ("job.key", key)):
            (certificate.parent / old).write_bytes(new.read_bytes())
        token(guarded, **entries)
        assert guarded.clients == ["job", "next"]

    @pytest.mark.parametrize(
        "wrong", ["key of another", "no key", "closed key", "no certificate", "missing key"]
    )
    def test_something_else(
        self, token: Token, guarded: Provider, authority: Authority, folder: Path, wrong: str
    ) -> None:
        """Files that are not a certificate and its key are told as such; nobody is asked for a passphrase."""
        authority.issued("job", passphrase=PASSPHRASE if wrong == "closed key" else None)
        authority.issued("other")
        cert = "other.key" if wrong == "no certificate" else "job.pem"
        key = {"key of another": "other.key", "no key": "job.pem", "missing key": "nowhere.key"}.get(
            wrong, "job.key"
        )
        with pytest.raises(ConfigurationError) as caught:
            token(guarded, client_cert=f'"{cert}"', client_key=f'"{key}"')
        problem = "cannot read" if wrong == "missing key" else "is not a certificate in PEM, or its key"
        assert problem in caught.value.message
        assert str(folder / "profiles.toml") in caught.value.message

    @pytest.mark.platform("linux", "darwin")
    def test_relative_to_nobodys_home(self, token: Token, guarded: Provider) -> None:
        """A `~` that leads nowhere is told as such."""
        with pytest.raises(ConfigurationError, match="there is no such home folder"):
            token(guarded, client_cert='"~nobody-of-that-name/job.pem"')


class TestProxy:
    """`proxy`: by whom the provider is reached."""

    @pytest.mark.parametrize("how", ["literal", "env"])
    def test_with_a_password(
        self, token: Token, login: Provider, gate: Proxy, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        """The proxy gets the password, be the URL in the file or read elsewhere."""
        url = f"http://ada:{QUOTED}@{gate.host}"
        monkeypatch.setenv("GATE", url)
        token(login, ca_bundle='"acme-ca.pem"', proxy=f'"{url}"' if how == "literal" else '{ env = "GATE" }')
        assert gate.targets == [login.url.removeprefix("https://").removesuffix("/token")]

    def test_over_the_environment(
        self, token: Token, login: Provider, gate: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the profile says counts, whatever HTTPS_PROXY and NO_PROXY say."""
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "*")
        token(login, ca_bundle='"acme-ca.pem"', proxy=f'"http://ada:{QUOTED}@{gate.host}"')
        assert len(gate.targets) == 1

    def test_a_wrong_password(self, token: Token, login: Provider, gate: Proxy) -> None:
        """It is told, without it, and is not sent again and again: proxies count."""
        with pytest.raises(
            ProviderUnavailable, match=r"its proxy wants another user or password \(407\)"
        ) as caught:
            token(
                login, ca_bundle='"acme-ca.pem"', retries="5", proxy=f'"http://ada:s3cret-wrong@{gate.host}"'
            )
        assert (gate.refused, login.clients) == (1, [])
        assert "s3cret" not in words_of(caught.value)

    def test_nobody_there(self, token: Token, login: Provider) -> None:
        """A proxy that is not there is told by the name of its key."""
        with pytest.raises(
            ProviderUnavailable, match=r"the proxy that http\.proxy names does not let us through"
        ):
            token(login, proxy='"http://127.0.0.1:9"')

    def test_no_url_in_its_variable(
        self, token: Token, login: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is read elsewhere is checked too, and not shown."""
        monkeypatch.setenv("GATE", "ada:s3cret@proxy.acme.com")
        with pytest.raises(ConfigurationError) as caught:
            token(login, proxy='{ env = "GATE" }')
        assert 'http.proxy = { env = "GATE" }: is not the URL of a proxy' in caught.value.message
        assert "s3cret" not in words_of(caught.value)

    def test_a_variable_that_is_not_set(self, token: Token, login: Provider) -> None:
        """It is a secret like any other."""
        with pytest.raises(SecretUnavailable, match=r"http\.proxy = "):
            token(login, proxy='{ env = "NOT_SET_ANYWHERE" }')

    def test_only_the_provider_goes_there(self, token: Token, login: Provider, gate: Proxy) -> None:
        """Requests that the token signs do not use it."""
        import requests

        token(login, ca_bundle='"acme-ca.pem"', proxy=f'"http://ada:{QUOTED}@{gate.host}"')
        request = requests.Request("GET", "https://127.0.0.1:9/", auth=None).prepare()
        assert "Proxy-Authorization" not in request.headers
        assert len(gate.targets) == 1


def test_every_error_says_what_to_do(token: Token, login: Provider) -> None:
    """Each has a hint."""
    for entries in (
        {"ca_bundle": '"x.pem"'},
        {"client_cert": '"x.pem"'},
        {"proxy": '{ env = "NOWHERE" }'},
        {},
    ):
        with pytest.raises(RequestsAuthException) as caught:
            token(login, **entries)
        assert caught.value.hint
