"""A person signs in on another device (RFC 8628): how often the provider is asked, and how it ends."""

import logging
from collections.abc import Iterator

import pytest
from devices import AGAIN, START, Person, Time, Watch, confirmed, device_grant, refused
from wire import words_of

from requests_auth_profiles._oauth2.client import ClientSecretPost
from requests_auth_profiles.errors import (
    InvalidGrantRequest,
    InvalidToken,
    ProviderUnavailable,
    RequestsAuthException,
    SignInRefused,
    TimeoutOccurred,
)
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

PENDING = Reply.json({"error": "authorization_pending"}, 400)
SLOWER = Reply.json({"error": "slow_down"}, 400)
LOST = Reply(hang_up=True)
BUSY = Reply(503)
LIFETIME = 600


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server(time: Time) -> Iterator[AuthorizationServer]:
    """A provider whose people answer for themselves, in the test's own time."""
    with AuthorizationServer() as server:
        server.clients |= {"app": Client(), "job": Client(secret="s3cret")}
        server.approve = False
        server.clock = time
        yield server


def forms(server: AuthorizationServer, path: str) -> list[dict[str, str]]:
    """What was sent to an endpoint."""
    return [dict(received.form) for received in server.requests if received.path == path]


def told(answer: dict[str, object]) -> Reply:
    """A device authorization response."""
    usual = {
        "device_code": "d3v1ce",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://idp.example/device",
    }
    return Reply.json(usual | {"expires_in": LIFETIME} | answer)


def test_a_person_signs_in(server: AuthorizationServer, time: Time) -> None:
    """They are shown code and page, are asked after at the interval, and the token is theirs."""
    person = Watch(server, {12: confirmed})
    token = device_grant(server.issuer, person, time).fetch()
    assert server.introspect(token.access_token) is not None
    profile, provider, code = person.shown[0]
    assert (profile, f"http://{provider}", code.page) == ("work", server.url, f"{server.url}/device")
    assert (code.link, code.seconds) == (f"{code.page}?user_code={code.text}", LIFETIME)
    assert (person.polls, server.count("token"), person.ended) == ([5, 10], 3, 1)


def test_the_time_that_is_left(server: AuthorizationServer, time: Time) -> None:
    """It is told about twice a second, and falls."""
    person = Person({3: confirmed})
    device_grant(server.issuer, person, time).fetch()
    assert person.left == [LIFETIME - half / 2 for half in range(10)]


def test_what_is_asked(server: AuthorizationServer, time: Time) -> None:
    """The first request has scope and parameters, the next ones the code; each proves the client."""
    grant = device_grant(
        server.issuer,
        Person({0: confirmed}),
        time,
        client_id="job",
        client_auth=ClientSecretPost("job", lambda: "s3cret"),
        parameters={"audience": "api"},
    )
    grant.fetch()
    client = {"client_id": "job", "client_secret": "s3cret"}
    assert forms(server, "/device_authorization") == [{"scope": "read", "audience": "api"} | client]
    poll = forms(server, "/token")[0]
    assert len(poll.pop("device_code")) > 20
    assert poll == {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"} | client


def test_slow_down(server: AuthorizationServer, time: Time) -> None:
    """Each time that the provider says so, five seconds are added for good."""
    server.replies["token"].extend([SLOWER, PENDING, SLOWER, PENDING])
    person = Watch(server, {58: confirmed})
    device_grant(server.issuer, person, time).fetch()
    assert person.polls == [5, 15, 25, 40, 55]


def test_slow_down_for_ever(server: AuthorizationServer, time: Time) -> None:
    """A provider that only ever says so is asked more and more seldom, until the code ends."""
    server.replies["token"].extend([SLOWER] * 99)
    person = Watch(server)
    with pytest.raises(TimeoutOccurred):
        device_grant(server.issuer, person, time).fetch()
    assert person.polls == [sum(range(5, 5 * (count + 1), 5)) for count in range(1, 15)]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 428])
def test_any_status(server: AuthorizationServer, time: Time, status: int) -> None:
    """GitHub says it with 200, Google with 428: what counts is what is said."""
    server.replies["token"].append(Reply.json({"error": "authorization_pending"}, status))
    person = Watch(server, {6: confirmed})
    device_grant(server.issuer, person, time).fetch()
    assert (person.polls, server.count("token")) == ([5], 2)


@pytest.mark.parametrize("trouble", [LOST, BUSY, Reply.json({"error": "slow_down"}, 429)])
def test_trouble_on_the_way(server: AuthorizationServer, time: Time, trouble: Reply) -> None:
    """Where the provider cannot be reached or is busy, the interval doubles, and the sign-in goes on."""
    server.replies["token"].extend([trouble, trouble, PENDING])
    person = Watch(server, {40: confirmed})
    device_grant(server.issuer, person, time).fetch()
    assert person.polls == [5, 15, 35]


def test_trouble_to_the_end(server: AuthorizationServer, time: Time) -> None:
    """Nobody is made to wait for minutes between two questions, and at the end the trouble is told."""
    server.replies["token"].extend([LOST] * 99)
    person = Watch(server)
    with pytest.raises(ProviderUnavailable):
        device_grant(server.issuer, person, time).fetch()
    assert person.polls[:5] == [5, 15, 35, 75, 135]
    assert time.now == pytest.approx(START + LIFETIME)
    assert person.ended == 1


def test_nobody_comes(server: AuthorizationServer, time: Time) -> None:
    """The code's own end is the end of the wait, and the error says what to type."""
    person = Watch(server)
    with pytest.raises(TimeoutOccurred) as caught:
        device_grant(server.issuer, person, time).fetch()
    assert (caught.value.hint, person.polls[-1], person.ended) == (AGAIN, LIFETIME - 5, 1)
    assert time.now == pytest.approx(START + LIFETIME)


def test_the_provider_ends_it(server: AuthorizationServer, time: Time) -> None:
    """`expired_token` is the end, though by our clock there is time left; nothing is begun anew."""
    server.replies["token"].extend([PENDING, Reply.json({"error": "expired_token"}, 400)])
    with pytest.raises(TimeoutOccurred, match="while the code was good"):
        device_grant(server.issuer, Person(), time).fetch()
    assert (server.count("device_authorization"), server.count("token")) == (1, 2)


def test_the_person_says_no(server: AuthorizationServer, time: Time) -> None:
    """It is told at the next question."""
    person = Person({6: refused})
    with pytest.raises(SignInRefused) as caught:
        device_grant(server.issuer, person, time).fetch()
    assert (caught.value.error, caught.value.hint, server.count("token")) == ("access_denied", AGAIN, 2)


def test_a_no_in_the_words_of_entra(server: AuthorizationServer, time: Time) -> None:
    """It is the same no."""
    server.replies["token"].append(Reply.json({"error": "authorization_declined"}, 400))
    with pytest.raises(SignInRefused):
        device_grant(server.issuer, Person(), time).fetch()


HINTS = {
    "unauthorized_client": "switch the device flow on",
    "device_flow_disabled": "switch the device flow on",
    "unsupported_grant_type": "switch the device flow on",
    "invalid_client": "Allow public client flows",
    "invalid_scope": "check scopes",
    "invalid_grant": AGAIN,
    "made_up": "see what the provider's documentation says",
}


@pytest.mark.parametrize("endpoint", ["device_authorization", "token"])
@pytest.mark.parametrize(("error", "hint"), HINTS.items())
def test_any_other_error(
    server: AuthorizationServer, time: Time, endpoint: str, error: str, hint: str
) -> None:
    """It ends the sign-in at once, in the provider's words, with what to do about it."""
    server.replies[endpoint].append(Reply.json({"error": error, "error_description": "because"}, 400))
    with pytest.raises(InvalidGrantRequest, match=f"{error} \\(because\\)") as caught:
        device_grant(server.issuer, Person(), time).fetch()
    assert hint in caught.value.hint
    assert server.count(endpoint) == 1


@pytest.mark.parametrize(
    ("said", "first"), [({}, 5), ({"interval": None}, 5), ({"interval": 7}, 7), ({"interval": 0.5}, 0.5)]
)
def test_the_interval(server: AuthorizationServer, time: Time, said: dict[str, object], first: float) -> None:
    """It is what the provider says, and five seconds where it says none."""
    server.replies["device_authorization"].append(told(said))
    server.replies["token"].extend([PENDING, Reply.json({"error": "access_denied"}, 400)])
    person = Watch(server)
    with pytest.raises(SignInRefused):
        device_grant(server.issuer, person, time).fetch()
    assert person.polls == [first]


@pytest.mark.parametrize("interval", [0, 1e-9, "0"])
def test_no_interval_at_all(server: AuthorizationServer, time: Time, interval: object) -> None:
    """A provider that allows any haste is asked once a second."""
    server.replies["device_authorization"].append(told({"interval": interval, "expires_in": "4"}))
    server.replies["token"].extend([PENDING] * 9)
    person = Watch(server)
    with pytest.raises(TimeoutOccurred):
        device_grant(server.issuer, person, time).fetch()
    assert person.polls == [1, 2, 3]


def test_a_code_without_end(server: AuthorizationServer, time: Time) -> None:
    """However long a code is good, nobody is waited for longer than an hour."""
    server.replies["device_authorization"].append(told({"interval": 600, "expires_in": 10**9}))
    server.replies["token"].extend([PENDING] * 9)
    person = Person()
    with pytest.raises(TimeoutOccurred):
        device_grant(server.issuer, person, time).fetch()
    assert (person.code.seconds, time.now) == (3600, pytest.approx(START + 3600))


def test_an_id_token_of_somebody_else(server: AuthorizationServer, time: Time) -> None:
    """What comes with the token is looked at."""
    server.replies["token"].append(Reply.json({"access_token": "t", "id_token": "no.jwt.this"}))
    with pytest.raises(InvalidToken):
        device_grant(server.issuer, Person(), time).fetch()


def test_a_refresh_needs_no_person(server: AuthorizationServer, time: Time) -> None:
    """The refresh token gives the next token."""
    person = Person({0: confirmed})
    grant = device_grant(server.issuer, person, time)
    fresh = grant.refresh(grant.fetch())
    assert server.introspect(fresh.access_token) is not None
    assert len(person.shown) == 1


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "invalid_grant", "unheard_of"])
def test_nothing_tells_the_code(
    server: AuthorizationServer, time: Time, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    """Neither the device code nor the secret is in a log, in an error, or in those that it came from."""
    caplog.set_level(logging.DEBUG)
    refusal = {"error": error, "error_description": "of device_code c4nary-device s3cret"}
    server.replies["device_authorization"].append(told({"device_code": "c4nary-device"}))
    server.replies["token"].append(Reply.json(refusal, 400))
    auth = ClientSecretPost("job", lambda: "s3cret")
    with pytest.raises(RequestsAuthException) as caught:
        device_grant(server.issuer, Person(), time, client_id="job", client_auth=auth).fetch()
    said = words_of(caught.value) + caplog.text
    assert [word for word in ("c4nary-device", "s3cret") if word in said] == []
