"""What a provider answers in the browser, as the OAuth2 classes see it."""

import time
from urllib.parse import urlsplit

import jwt
import pytest
from faults import World, redirect_port, stranger, world
from wire import status_of

from requests_auth_profiles import GrantNotProvided

__all__ = ["world"]


@pytest.mark.parametrize("kind", ["code", "implicit"])
@pytest.mark.parametrize("more", ["", "&code=&access_token=", "&session_state=x"])
def test_an_answer_without_anything_ends_the_sign_in(world: World, kind: str, more: str) -> None:
    """Its state is right, so it is the provider's, and nothing better is to come: the error comes at once."""

    def visit(url: str) -> None:
        said = f"state={world.browser.asked[-1]['state']}{more}"
        world.browser.pages.append(stranger(redirect_port(url), "GET", f"/?{said}"))
        world.browser.pages.append(stranger(redirect_port(url), "POST", f"/?{said}"))

    world.browser.visit = visit
    with pytest.raises(GrantNotProvided, match=r"in the browser holds no (code|access_token)\n"):
        world.call(getattr(world, kind)())
    assert list(map(status_of, world.browser.pages)) == [200, 400]
    assert b"holds no" in world.browser.pages[1]


def test_an_answer_that_the_provider_posts(world: World) -> None:
    """`response_mode="form_post"` is asked for, and the answer taken from a page of the provider's."""

    def visit(url: str) -> None:
        assert world.browser.asked[-1]["response_mode"] == "form_post"
        answer = urlsplit(world.browser.answer(url)).query
        elsewhere = {"Origin": "https://idp.example", "Sec_Fetch_Site": "cross-site"}
        forged = answer.replace("state=", "state=x")
        for said in (forged, answer):
            page = stranger(redirect_port(url), "POST", "/", said, **elsewhere)
            world.browser.pages.append(page)

    world.browser.visit = visit
    assert world.call(world.code(response_mode="form_post")).json()["hello"] == "ada"
    assert list(map(status_of, world.browser.pages)) == [400, 200]


BESIDE = {"scope": "openid", "token_field_name": "id_token"}
BOTH = {**BESIDE, "response_type": "id_token token"}


@pytest.mark.parametrize("kind", ["code", "pkce"])
def test_an_id_token_that_is_sent(world: World, kind: str) -> None:
    """Its hash is one of the access token beside it, which is neither kept nor used (OpenID Core 3.1.3.8)."""

    def visit(url: str) -> None:
        now, nonce = int(time.time()), world.browser.asked[-1]["nonce"]
        claims = {"iss": world.server.issuer, "sub": "ada", "aud": "app", "iat": now, "exp": now + 600}
        id_token = world.server._signer.id_token(claims | {"nonce": nonce}, "beside")
        world.answer_next({"access_token": "beside", "id_token": id_token})
        world.browser.arrive(url)

    world.browser.visit = visit
    token = world.sent(getattr(world, kind)(**BESIDE))
    assert "at_hash" in jwt.decode(token, options={"verify_signature": False})


def test_an_id_token_of_the_browser_that_is_sent(world: World) -> None:
    """The same: its hash is one of the access token beside it, which is neither kept nor used."""
    token = world.sent(world.implicit(**BOTH))
    assert "at_hash" in jwt.decode(token, options={"verify_signature": False})
