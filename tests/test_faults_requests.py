"""Faults 51 to 58 of requests_auth 8.0.0: what is written on a request. None of them is ours."""

import json
import logging
import time
from pathlib import Path

import pytest
import requests
from faults import SECRET, World, world
from requests.auth import AuthBase, HTTPBasicAuth
from wire import words_of

from requests_auth_profiles import (
    Basic,
    HeaderApiKey,
    JsonTokenFileCache,
    OAuth2,
    OAuth2AuthorizationCode,
    QueryApiKey,
    TimeoutOccurred,
    TokenMemoryCache,
)
from requests_auth_profiles.errors import CompositionConflict, ConfigurationError, HostNotAllowed
from requests_auth_profiles.testing import ProtectedApi

__all__ = ["world"]


def test_fault_51_header_follows_redirect(world: World) -> None:
    """A credential in whatever header does not follow a redirect to another host."""
    bearer = world.machine(header_name="X-Token", header_value="{token}")
    with ProtectedApi() as other:
        for auth, name in ((HeaderApiKey("SECRETKEY"), "X-API-Key"), (bearer, "X-Token")):
            there = f"http://localhost:{other.url.rpartition(':')[2]}/echo"
            world.call(auth, "/redirect", params={"to": there})
            assert name in world.api.requests[-1].headers
            assert name not in other.requests[-1].headers
            assert "SECRETKEY" not in str(other.requests[-1])


def test_fault_52_token_to_every_url(world: World) -> None:
    """Over plain http nothing goes to another host, and no token is asked for to send there."""
    for auth in (world.machine(), HeaderApiKey("SECRETKEY"), QueryApiKey("SECRETKEY"), Basic("ada", "x")):
        with pytest.raises(HostNotAllowed):
            requests.get("http://api.example/me", auth=auth, timeout=20)
    assert not world.server.requests


def test_fault_53_query_rebuilt(world: World) -> None:
    """A parameter is appended to a query, of which each byte stays; so it is with the sign-in's address."""
    queries = ("a=&b=1", "flag", "a=1&b=2&a=3", "q=a%20b", "q=%7E", "a;b", "q=%E9", "api_key=theirs", "q=a+b")
    for query in queries:
        url = f"https://api.example/p?{query}#part"
        plain = requests.Request("GET", url).prepare().url or ""
        signed = requests.Request("GET", url, auth=QueryApiKey("k")).prepare().url or ""
        assert signed == f"{plain.removesuffix('#part')}&api_key=k#part"
    world.browser.visit = lambda url: None
    for query in queries:
        where = f"https://idp.example/authorize?{query}"
        with pytest.raises(TimeoutOccurred):
            world.call(OAuth2AuthorizationCode(where, world.token, redirect_uri_port=0, timeout=0.01))
        assert world.browser.urls[-1].startswith(where)


def test_fault_54_query_key_in_logs(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A key in the query is not in the log of urllib3, nor a key in a header, nor that in an error."""
    caplog.set_level(logging.DEBUG)
    world.call(QueryApiKey("SECRETKEY"), "/key")
    assert world.api.requests[-1].status == 200
    assert "SECRETKEY" not in caplog.text
    world.api.stop()
    with pytest.raises(requests.ConnectionError) as caught:
        world.call(HeaderApiKey("SECRETKEY"), "/key")
    assert "SECRETKEY" not in f"{caught.value}{caplog.text}"


def test_fault_55_key_with_line_break(world: World) -> None:
    """A key that no header can hold is an error of ours, without the key in it, and nothing is sent."""
    for auth in (HeaderApiKey("SECRETKEY\n"), world.machine(header_value="{token}\n")):
        with pytest.raises(ConfigurationError) as caught:
            world.call(auth)
        assert "SECRETKEY" not in words_of(caught.value)
    assert not world.api.requests


@pytest.mark.filterwarnings("ignore:the tokens in")
def test_fault_56_zero_taken_for_default(world: World, tmp_path: Path) -> None:
    """An early expiry of 0 is 0: a token is used to its end; so are the timeout and the port 0."""
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"k": ["kept", time.time() + 25, None]}))
    for early, token in ((0, "kept"), (30, "won")):
        cache = JsonTokenFileCache(path)
        assert cache.get_token("k", early_expiry=early, on_missing_token=lambda: ("k", "won")) == token
    world.browser.visit = lambda url: None
    with pytest.raises(TimeoutOccurred, match="within 0 s"):
        world.call(world.code(timeout=0, redirect_uri_port=0))
    assert isinstance(OAuth2.token_cache, TokenMemoryCache)


def test_fault_57_composition_unchecked(world: World) -> None:
    """Two that write one header are refused when composed, as is what is no auth; what one gives is used."""

    class Replacing(AuthBase):
        def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
            other = r.copy()
            other.headers["X-Other"] = "yes"
            return other

    key = HeaderApiKey("SECRETKEY")
    with pytest.raises(CompositionConflict, match="header Authorization"):
        Basic("ada", "x") + world.machine()
    with pytest.raises(CompositionConflict, match="header X-Api-Key"):
        key & HeaderApiKey("other", "x-api-key")
    with pytest.raises(CompositionConflict):
        Basic("ada", "x") + HTTPBasicAuth("ada", "x")
    with pytest.raises(TypeError):
        key + 5
    echo = world.call(key & ("ada", SECRET) & Replacing(), "/echo").json()["headers"]
    assert (echo["X-API-Key"], echo["X-Other"]) == ("SECRETKEY", "yes")
    assert world.api.requests[-1].basic == ("ada", SECRET)


def test_fault_58_password_not_latin1(world: World) -> None:
    """A password with letters that Latin-1 lacks reaches the server as it is, in UTF-8."""
    world.api.users["ада"] = "пароль €"
    assert world.call(Basic("ада", "пароль €"), "/basic").json()["hello"] == "ада"
