"""Token requests whose tokens are bound to a key (RFC 9449 sections 5 and 8), at servers of all kinds."""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import jwt
import pytest
import requests
from profiles_file import written
from proofs import Binding, BoundApi, header_of
from signing import EC, pem
from wire import PATIENCE_SECONDS, words_of

from requests_auth_profiles import profile
from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._build import Builder
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    InvalidGrantRequest,
    InvalidToken,
    ProviderUnavailable,
    RequestsAuthException,
)
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

FLOWS = {
    "client-credentials": 'client_secret = "s3cr3t"',
    "password": 'username = "ada"\npassword = "lovelace"',
    "token-exchange": 'subject_token = "theirs"',
    "jwt-bearer": 'issuer_claim = "nightly"\nprivate_key = { file = "key.pem" }',
}
"""Flows of machines, with what each needs."""
PROFILE = """
[profiles.work]
flow = "{flow}"
token_url = "{url}"
client_id = "nightly"
dpop = {dpop}
{more}
"""
GOOD = {"access_token": "at", "refresh_token": "rt", "token_type": "DPoP", "expires_in": 3600}


def text(url: str, flow: str = "client-credentials", dpop: str = "true") -> str:
    """A profile of this flow."""
    return PROFILE.format(flow=flow, url=url, dpop=dpop, more=FLOWS[flow])


def made(folder: Path, url: str, flow: str = "client-credentials") -> ProfileAuth:
    """The auth of a profile of this flow."""
    (folder / "key.pem").write_text(pem(EC))
    found = profile("work", file=written(folder, text(url, flow)))
    assert isinstance(found, ProfileAuth)
    return found


def nonce_of(proof: str) -> str | None:
    """The nonce that a proof has in it."""
    nonce: str | None = jwt.decode(proof, options={"verify_signature": False}).get("nonce")
    return nonce


@pytest.fixture(autouse=True)
def _in_memory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")


@pytest.fixture
def server() -> Iterator[Binding]:
    """A provider that binds its tokens."""
    with Binding() as server:
        yield server


class TestFlows:
    """Each that gets its token at a token endpoint."""

    @pytest.mark.parametrize("flow", FLOWS)
    def test_its_token_is_bound(self, server: Binding, home: Path, flow: str) -> None:
        """By a proof with the nonce that the provider asks for; and so is the refresh, by the same key."""
        auth = made(home, server.token_url, flow)
        first = auth.token()
        with BoundApi(server.bound) as api:
            api.refused.add(first.access_token)
            assert requests.get(f"{api.url}/me", auth=auth, timeout=PATIENCE_SECONDS).ok
        assert server.wrong == []
        assert len(set(server.bound.values())) == 1
        proofs = [received.headers["DPoP"] for received in server.requests]
        assert [nonce_of(proof) for proof in proofs] == [None, "as-nonce-1", "as-nonce-1"]
        assert server.grants[-1] == "refresh_token"

    def test_without_the_key(self, home: Path) -> None:
        """Nothing is proved where nobody says `dpop`, and a token that is bound all the same is refused."""
        with AuthorizationServer() as server:
            server.clients["nightly"] = Client(secret="s3cr3t")
            path = written(home, text(f"{server.issuer}/token", dpop="false"))
            assert profile("work", file=path).token().token_type == "Bearer"
            assert "DPoP" not in server.requests[-1].headers
            server.replies["token"].append(Reply.json(GOOD))
            with pytest.raises(InvalidToken) as caught:
                profile("work", file=path).login()
        assert "dpop = true" in caught.value.hint


class TestAnswers:
    """What a token endpoint can say."""

    @pytest.mark.parametrize("kind", ["dpop", "DPOP", "DPoP"])
    def test_the_type(self, server: Binding, home: Path, kind: str) -> None:
        """It is that of a bound token in any spelling."""
        server.replies["token"].append(Reply.json(GOOD | {"token_type": kind}))
        assert made(home, server.token_url).token().token_type == "DPoP"

    @pytest.mark.parametrize("kind", ["Bearer", "bearer", None, "", "mac", "N_A", ["DPoP"], 0, False])
    @pytest.mark.parametrize("flow", ["client-credentials", "token-exchange"])
    def test_another_type(self, server: Binding, home: Path, kind: object, flow: str) -> None:
        """A provider that passes over the proof is told of, with what to do, and its token is not used."""
        server.replies["token"].append(Reply.json(GOOD | {"token_type": kind}))
        with pytest.raises(InvalidToken, match="RFC 9449") as caught:
            made(home, server.token_url, flow).token()
        assert "leave dpop out" in caught.value.hint

    def test_a_refresh_that_is_not_bound(self, server: Binding, home: Path) -> None:
        """A provider that forgets it later is refused then; the refresh token that came with it is kept."""
        auth = made(home, server.token_url)
        first = auth.token()
        server.replies["token"].append(Reply.json(GOOD | {"token_type": "Bearer", "refresh_token": "rt-new"}))
        with pytest.raises(InvalidToken):
            auth.credential.source.token(rejected=first.access_token)
        kept = auth.stored()
        assert kept is not None
        assert (kept.refresh_token, kept.dpop_jwk) == ("rt-new", first.dpop_jwk)

    def test_a_nonce_that_is_never_good(self, server: Binding, home: Path) -> None:
        """Two requests, and the provider's word."""
        refusals = [
            Reply.json({"error": "use_dpop_nonce"}, 400, {"DPoP-Nonce": f"n{number}"}) for number in range(9)
        ]
        server.replies["token"].extend(refusals)
        with pytest.raises(InvalidGrantRequest) as caught:
            made(home, server.token_url).token()
        assert caught.value.error == "use_dpop_nonce"
        assert len(server.requests) == 2
        assert nonce_of(server.requests[1].headers["DPoP"]) == "n0"

    @pytest.mark.parametrize("nonce", ["", "a b", 'a"b', "a\\b", "n\u00e4", "a\tb", "x" * 5000, None])
    def test_a_nonce_that_is_none(self, server: Binding, home: Path, nonce: str | None) -> None:
        """It is not sent: one request, and the provider's word with a hint."""
        headers = {} if nonce is None else {"DPoP-Nonce": nonce}
        server.replies["token"].append(Reply.json({"error": "use_dpop_nonce"}, 400, headers))
        with pytest.raises(InvalidGrantRequest) as caught:
            made(home, server.token_url).token()
        assert len(server.requests) == 1
        assert "RFC 9449" in caught.value.hint

    def test_one_megabyte(self, server: Binding, home: Path) -> None:
        """It is an answer that cannot be read, as with any header of this size."""
        headers = {"DPoP-Nonce": "x" * 2**20}
        server.replies["token"].extend([Reply.json({"error": "use_dpop_nonce"}, 400, headers)] * 3)
        with pytest.raises(ProviderUnavailable):
            made(home, server.token_url).token()

    def test_a_new_nonce_with_a_token(self, server: Binding, home: Path) -> None:
        """The one that came last is the next (section 8.2), also where it came with a token."""
        auth = made(home, server.token_url)
        server.replies["token"].append(Reply.json({"error": "use_dpop_nonce"}, 400, {"DPoP-Nonce": "n1"}))
        for following in ("n2", "n3", "n4"):
            server.replies["token"].append(Reply.json(GOOD, 200, {"DPoP-Nonce": following}))
            auth.login()
        proofs = [received.headers["DPoP"] for received in server.requests]
        assert [nonce_of(proof) for proof in proofs] == [None, "n1", "n2", "n3"]

    def test_a_provider_that_is_busy(self, server: Binding, home: Path) -> None:
        """A request that is sent again has a proof of its own."""
        server.replies["token"].extend([Reply(503), Reply()])
        made(home, server.token_url).token()
        assert server.wrong == []
        proofs = [received.headers["DPoP"] for received in server.requests]
        assert (len(proofs), len(set(proofs))) == (3, 3)

    def test_a_clock_that_is_wrong(self, server: Binding, home: Path) -> None:
        """What the provider says of the proof has a hint."""
        server.replies["token"].append(Reply.json({"error": "invalid_dpop_proof"}, 400))
        with pytest.raises(InvalidGrantRequest) as caught:
            made(home, server.token_url).token()
        assert "clock" in caught.value.hint


class TestKeys:
    """The key beside the token."""

    def test_a_profile_that_is_changed(self, server: Binding, home: Path) -> None:
        """A token that was bound is not used without `dpop`, nor one that was not with it."""
        auth = made(home, server.token_url)
        auth.token()
        path = written(home, text(server.token_url, dpop="false"))
        assert Builder(ProfilesFile.read(path)).auth("work").stored() is None  # type: ignore[union-attr]

    def test_one_that_is_lost(self, server: Binding, home: Path) -> None:
        """A token without its key is not sent, and a refresh token without it is not tried."""
        path = written(home, text(server.token_url))
        build = Builder(ProfilesFile.read(path))
        token = build.auth("work").token()
        build.store.set("work", replace(token, dpop_jwk=None))
        auth = Builder(ProfilesFile.read(path)).auth("work")
        assert isinstance(auth, ProfileAuth)
        with pytest.raises(AuthenticationFailed) as caught:
            auth.headers("https://api.acme.com/")
        assert caught.value.hint == "requests-auth login work"
        auth.credential.source.token(rejected=token.access_token)
        assert server.grants[-1] == "client_credentials"
        assert auth.headers("https://api.acme.com/")["DPoP"]

    def test_it_is_in_no_message(self, server: Binding, home: Path, caplog: pytest.LogCaptureFixture) -> None:
        """Nor in a log, a repr or a variable of what was raised."""
        caplog.set_level(logging.DEBUG)
        auth = made(home, server.token_url)
        token = auth.token()
        shown = [repr(auth), repr(token), repr(vars(auth)), repr(auth.credential)]

        def fails(call: Callable[[], object]) -> None:
            with pytest.raises((RequestsAuthException, requests.RequestException)) as caught:
                call()
            trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            shown.extend([*trace.format(), words_of(caught.value)])

        for reply in (
            Reply.json({"error": "invalid_request", "error_description": "no"}, 400),
            Reply.json(GOOD | {"token_type": "Bearer"}),
            Reply.json({"error": "use_dpop_nonce"}, 400),
            Reply(200, {}, b"{"),
        ):
            server.replies["token"].append(reply)
            fails(partial(auth.credential.source.token, rejected=token.access_token))
        fails(partial(requests.get, "http://127.0.0.1:1/", auth=auth, timeout=PATIENCE_SECONDS))
        with BoundApi(server.bound, "n1") as api:
            answer = requests.get(f"{api.url}/me", auth=auth, timeout=PATIENCE_SECONDS)
        shown += [repr(vars(answer.request)), repr(vars(answer)), answer.request.headers["DPoP"], caplog.text]
        shown += [repr(header_of(answer.request.headers["DPoP"]))]
        assert json.loads(token.dpop_jwk or "")["d"] not in "\n".join(shown)
