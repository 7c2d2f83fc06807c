"""A trip to the provider: one deadline for all of it, and nothing secret in a report of its failure."""

import signal
import threading
from collections.abc import Callable, Iterator
from traceback import TracebackException

import pytest
from sign_ins import Visitor, code_grant, endpoint, machine_grant
from wire import PATIENCE_SECONDS, RawServer

from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.client import ClientSecretPost
from requests_auth_profiles._oauth2.form import Form
from requests_auth_profiles._oauth2.grants import TokenEndpoint
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._token import RefreshUnusable, Token
from requests_auth_profiles.errors import ProviderUnavailable, TimeoutOccurred
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

TIMEOUT_SECONDS = 1.0
MOST_OF_IT = 0.7
JSON = {"Content-Type": "application/json"}
SECRET = "s3cret-of-web"
REFRESH_TOKEN = "r3fresh-of-web"


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """An authorization server that knows `web`."""
    with AuthorizationServer() as server:
        server.clients["web"] = Client(secret=SECRET)
        yield server


def web(server: AuthorizationServer, timeout_seconds: float = PATIENCE_SECONDS) -> TokenEndpoint:
    """The token endpoint as `web` sees it."""
    channel = Channel(timeout_seconds)
    auth = ClientSecretPost("web", lambda: SECRET)
    where = Server({"issuer": server.issuer}, channel)
    return endpoint(server.issuer, "web", server=where, channel=channel, client_auth=auth)


def refreshed(at: TokenEndpoint) -> Token:
    """What a refresh gives; where its answer is lost, why."""
    try:
        return at.refresh(REFRESHED)
    except RefreshUnusable as lost:
        raise lost.error from None


REFRESHED = Token(access_token="a", refresh_token=REFRESH_TOKEN)
TRIPS: dict[str, Callable[[TokenEndpoint], Token]] = {
    "refresh": refreshed,
    "client credentials": lambda at: machine_grant(at).fetch(),
}


@pytest.mark.parametrize("go", TRIPS.values(), ids=TRIPS.keys())
def test_discovery_and_token_request_share_one_deadline(
    server: AuthorizationServer, go: Callable[[TokenEndpoint], Token]
) -> None:
    """What takes most of the time twice is over in the middle of the second time."""
    server.replies["discovery"].append(Reply(delay_seconds=MOST_OF_IT))
    server.replies["token"].append(Reply(200, JSON, b'{"access_token": "late"}', MOST_OF_IT))
    with pytest.raises(TimeoutOccurred, match="within 1 s"):
        go(web(server, TIMEOUT_SECONDS))


def test_the_places_of_discovery_share_one_deadline(server: AuthorizationServer) -> None:
    """A provider that is slow to say that it announces nothing does not get the time for each place."""
    server.replies["discovery"].extend([Reply(404, delay_seconds=MOST_OF_IT)] * 2)
    with pytest.raises(TimeoutOccurred, match="within 1 s"):
        Server({"issuer": server.issuer}, Channel(TIMEOUT_SECONDS)).url("token_url")


# --- what a report of variables tells


def test_a_form_is_shown_by_its_names() -> None:
    """A report sees what was sent, and not what it was."""
    form = Form({"code": "c0de", "redirect_uri": "http://127.0.0.1/"})
    assert (repr(form), dict(form)) == ("Form(code, redirect_uri)", dict(form.fields))


def report(error: BaseException) -> str:
    """What a reporter of errors that shows variables would write."""
    return "".join(TracebackException.from_exception(error, capture_locals=True).format())


def test_no_secret_in_the_report_of_a_sign_in(server: AuthorizationServer) -> None:
    """Where the token request fails, code, verifier and client secret are in no variable."""
    server.replies["token"].append(Reply(503))
    visitor = Visitor()
    with pytest.raises(ProviderUnavailable) as caught:
        code_grant(visitor, web(server)).fetch()
    told = report(caught.value)
    sent = dict(server.requests[-1].form)
    assert "code_verifier" in told
    assert [name for name in ("code", "code_verifier", "client_secret") if sent[name] in told] == []


@pytest.mark.platform("linux", "darwin")
def test_no_secret_in_the_report_of_ctrl_c() -> None:
    """Who gives up while the provider is silent gets no refresh token and no client secret to see."""

    def interrupt(connection: object, over: threading.Event) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        over.wait(PATIENCE_SECONDS)

    with RawServer(interrupt) as silent, pytest.raises(KeyboardInterrupt) as caught:
        auth = ClientSecretPost("web", lambda: SECRET)
        endpoint({"token_url": silent.url}, "web", client_auth=auth).refresh(REFRESHED)
    told = report(caught.value)
    assert "refresh_token" in told
    assert [secret for secret in (SECRET, REFRESH_TOKEN) if secret in told] == []
