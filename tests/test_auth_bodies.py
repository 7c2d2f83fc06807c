"""A body is sent again whole, or not at all."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import requests
from auths import CountingGrant, renewable

from requests_auth_profiles.testing import ProtectedApi, Reply

BODY = b"all of it\0\xff" * 1000


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """An API that takes the second token."""
    with ProtectedApi(tokens={"t2"}) as api:
        yield api


def opened(folder: Path) -> BinaryIO:
    file = folder / "body"
    file.write_bytes(BODY)
    return file.open("rb")


class Unseekable(io.BytesIO):
    """Tells where it is, but cannot go back, as some sockets and archives do."""

    def seek(self, *arguments: int) -> int:
        raise io.UnsupportedOperation("seek")


class Untellable(io.RawIOBase):
    """A pipe, which does not know where it is."""

    def __init__(self) -> None:
        self._rest = BODY

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        raise OSError("Illegal seek")

    def readinto(self, buffer: Any) -> int:
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def part_read() -> io.BytesIO:
    file = io.BytesIO(b"not this" + BODY)
    file.seek(len(b"not this"))
    return file


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda _: BODY, id="bytes"),
        pytest.param(lambda _: "täxt", id="text"),
        pytest.param(lambda _: bytearray(BODY), id="bytearray"),
        pytest.param(lambda _: memoryview(BODY), id="memoryview"),
        pytest.param(lambda _: {"a": "1", "b": "ä"}, id="form"),
        pytest.param(lambda _: io.BytesIO(BODY), id="file in memory"),
        pytest.param(lambda _: part_read(), id="file from its middle"),
        pytest.param(opened, id="file on disk"),
        pytest.param(lambda _: b"", id="nothing"),
    ],
)
def test_a_body_that_can_be_sent_again(
    api: ProtectedApi, tmp_path: Path, body: Callable[[Path], Any]
) -> None:
    """Both requests carry the same bytes, from where the caller had it begin."""
    data = body(tmp_path)
    response = requests.post(f"{api.url}/me", data=data, auth=renewable(CountingGrant()), timeout=10)
    first, second = api.requests
    assert (response.status_code, second.body) == (200, first.body)
    if hasattr(data, "close"):
        assert first.body == BODY
        data.close()


def test_a_json_body_is_sent_again(api: ProtectedApi) -> None:
    """A document that requests makes is sent both times."""
    requests.post(f"{api.url}/me", json={"a": 1}, auth=renewable(CountingGrant()), timeout=10)
    assert [received.body for received in api.requests] == [b'{"a": 1}'] * 2


def test_a_multipart_body_is_sent_again(api: ProtectedApi, tmp_path: Path) -> None:
    """Files of a form go both times, under the same boundary."""
    with opened(tmp_path) as file:
        files = {"upload": ("body.bin", file)}
        auth = renewable(CountingGrant())
        response = requests.post(f"{api.url}/me", files=files, data={"a": "1"}, auth=auth, timeout=10)
    first, second = api.requests
    assert (response.status_code, second.body) == (200, first.body)
    assert BODY in first.body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda: iter([BODY]), id="generator"),
        pytest.param(Unseekable, id="file that cannot seek"),
        pytest.param(Untellable, id="pipe"),
    ],
)
def test_a_body_that_can_be_sent_once(api: ProtectedApi, body: Callable[[], Any]) -> None:
    """Nothing is sent a second time, in part or empty: the refusal is the answer."""
    data = Unseekable(BODY) if body is Unseekable else body()
    response = requests.post(f"{api.url}/me", data=data, auth=renewable(CountingGrant()), timeout=10)
    assert response.status_code == 401
    assert [received.body for received in api.requests] == [BODY]


def test_a_body_that_can_be_sent_once_is_not_renewed_for(api: ProtectedApi) -> None:
    """Where no second request can follow, nobody is asked for another token."""
    grant = CountingGrant()
    requests.post(f"{api.url}/me", data=iter([BODY]), auth=renewable(grant), timeout=10)
    assert grant.given == 1


@pytest.mark.platform("linux", "darwin")
def test_a_real_pipe(api: ProtectedApi) -> None:
    """What another program writes is read once."""
    read, write = os.pipe()
    os.write(write, b"from a pipe")
    os.close(write)
    with os.fdopen(read, "rb") as file:
        response = requests.post(f"{api.url}/me", data=file, auth=renewable(CountingGrant()), timeout=10)
    assert (response.status_code, [received.body for received in api.requests]) == (401, [b"from a pipe"])


def test_a_body_behind_a_renewal_and_a_redirect(api: ProtectedApi, tmp_path: Path) -> None:
    """A file is sent three times whole: refused, redirected, taken."""
    api.replies["redirect"].append(Reply(401))
    with opened(tmp_path) as file:
        url = f"{api.url}/redirect?to=/me&status=307"
        response = requests.post(url, data=file, auth=renewable(CountingGrant()), timeout=10)
    assert response.status_code == 200
    assert [received.body for received in api.requests] == [BODY] * 3
