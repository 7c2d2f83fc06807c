"""The URL of a store on a server: what it means, what is refused, and that no password shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_auth_profiles._config.addresses import STORE
from requests_auth_profiles._redis_url import EXAMPLE, RedisUrl


def test_all_that_it_can_say() -> None:
    """Each part is found, user and password as they are without the %."""
    url = RedisUrl.parse(
        "rediss://me%40acme:p%2Fw%3A@redis.acme.com:6380/3?prefix=team:a:&ca_bundle=/etc/ca.pem"
    )
    assert url == RedisUrl(
        "redis.acme.com",
        6380,
        3,
        tls=True,
        prefix="team:a",
        ca_bundle="/etc/ca.pem",
        username="me@acme",
        password="p/w:",
    )
    assert str(url) == "rediss://redis.acme.com:6380/3"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://localhost", "redis://localhost:6379/0"),
        ("redis://[::1]:1/", "redis://[::1]:1/0"),
        ("redis://:s3cret@127.0.0.1/1", "redis://127.0.0.1:6379/1"),
        (EXAMPLE, f"{EXAMPLE}/0"),
    ],
)
def test_what_is_left_out(text: str, shown: str) -> None:
    """Port, database, prefix and user have the values that everybody expects."""
    url = RedisUrl.parse(text)
    assert (str(url), url.prefix, url.username) == (shown, "requests-auth", "")
    assert "s3cret" not in repr(url)


@pytest.mark.parametrize(
    ("text", "confidential"),
    [("rediss://h", True), ("redis://h", False), ("redis://127.0.0.2", True), ("redis://localhost", True)],
)
def test_who_sees_the_password(text: str, confidential: bool) -> None:
    """Over TLS and on this machine nobody else does."""
    assert RedisUrl.parse(text).is_confidential is confidential


WRONG = [
    "redis://",
    "redis://:s3cret@",
    "redis://h:0",
    "redis://h:65536",
    "redis://h:s3cret@",
    "redis://s3cret/w@h",
    "redis://:s3cret pass@h",
    "redis://h/zero",
    "redis://h?s3cret=1",
    "redis://h?prefix=*",
    "redis://h?prefix=",
    "redis://h?ca_bundle=/etc/ca.pem",
    "rediss://h?ca_bundle=ca.pem",
    "redis://h#s3cret",
    "http://s3cret",
    "redis://пример",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_refused(text: str) -> None:
    """What is no such URL is refused with what is wrong, and without what stands in it."""
    with pytest.raises(ValueError, match=r"^(is|has)") as caught:
        RedisUrl.parse(text)
    frames = [entry.frame.f_locals for entry in caught.traceback[1:]]
    assert "s3cret" not in repr([str(caught.value), frames])
    problem = STORE.problem(text)
    assert problem is not None
    assert "s3cret" not in repr(problem)


@given(text=st.text(max_size=40).map(lambda text: f"redis://{text}"))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    """Nothing that stands there ends in another error."""
    try:
        url = RedisUrl.parse(text)
    except ValueError:
        return
    assert 0 < url.port < 65536
