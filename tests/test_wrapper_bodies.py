"""requests-toolbelt: bodies that are made while they are sent, sessions, adapters, as it documents them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import requests
from auths import CountingGrant, key_in_header, renewable
from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor, SourceAddressAdapter
from requests_toolbelt.sessions import BaseUrlSession
from requests_toolbelt.streaming_iterator import StreamingIterator

from requests_auth_profiles.testing import ProtectedApi, Received

UPLOAD = b"all of it\0\xff" * 10_000


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """An API that takes the second token, and a key."""
    with ProtectedApi(tokens={"t2"}, api_keys={"k3y"}) as api:
        yield api


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[BinaryIO]:
    path = tmp_path / "upload.bin"
    path.write_bytes(UPLOAD)
    with path.open("rb") as file:
        yield file


@pytest.fixture
def encoder(upload: BinaryIO) -> MultipartEncoder:
    """A form with a file that is read while it is sent."""
    return MultipartEncoder(fields={"name": "ada", "upload": ("upload.bin", upload, "text/plain")})


def posted(url: str, data: Any, content_type: str, auth: requests.auth.AuthBase) -> requests.Response:
    return requests.post(url, data=data, headers={"Content-Type": content_type}, auth=auth, timeout=10)


def is_whole(received: Received) -> bool:
    return UPLOAD in received.body and b'name="name"\r\n\r\nada\r\n' in received.body


class TestMultipart:
    """`MultipartEncoder`, which can be read once."""

    def test_it_is_signed_and_streamed(self, api: ProtectedApi, encoder: MultipartEncoder) -> None:
        """The whole form arrives, with the key."""
        response = posted(f"{api.url}/key", encoder, encoder.content_type, key_in_header())
        assert (response.status_code, is_whole(api.requests[0])) == (200, True)

    def test_a_refusal(self, api: ProtectedApi, encoder: MultipartEncoder) -> None:
        """It is given back: a form that has been read would be sent in part, and no token is asked for."""
        grant = CountingGrant()
        response = posted(f"{api.url}/me", encoder, encoder.content_type, renewable(grant))
        assert (response.status_code, grant.given) == (401, 1)
        assert [is_whole(received) for received in api.requests] == [True]

    def test_in_memory(self, api: ProtectedApi, encoder: MultipartEncoder) -> None:
        """As docs/wrappers.md says, what `to_string` gives is sent again."""
        response = posted(
            f"{api.url}/me", encoder.to_string(), encoder.content_type, renewable(CountingGrant())
        )
        assert response.status_code == 200
        assert [is_whole(received) for received in api.requests] == [True, True]

    def test_a_monitor(self, api: ProtectedApi, encoder: MultipartEncoder) -> None:
        """Its callback sees each byte once."""
        seen: list[int] = []
        monitor = MultipartEncoderMonitor(encoder, lambda monitor: seen.append(monitor.bytes_read))
        response = posted(f"{api.url}/key", monitor, monitor.content_type, key_in_header())
        assert (response.status_code, max(seen)) == (200, encoder.len)
        assert sorted(seen) == seen


def test_an_iterator_of_known_length(api: ProtectedApi, upload: BinaryIO) -> None:
    """`StreamingIterator` is sent once, and its refusal given back."""
    iterator = StreamingIterator(len(UPLOAD), iter(lambda: upload.read(4096), b""))
    response = posted(f"{api.url}/me", iterator, "application/octet-stream", renewable(CountingGrant()))
    assert response.status_code == 401
    assert [received.body for received in api.requests] == [UPLOAD]


def test_a_session_with_a_base_url(api: ProtectedApi) -> None:
    """`BaseUrlSession` signs what it makes of a path."""
    with BaseUrlSession(base_url=api.url) as session:
        session.auth = renewable(CountingGrant())
        assert session.get("/me", timeout=10).json()["by"] == ["bearer"]


def test_an_adapter(api: ProtectedApi) -> None:
    """The second request goes out by the adapter that the session has for the URL."""
    used: list[str] = []

    class Noting(SourceAddressAdapter):
        def send(self, request: requests.PreparedRequest, *some: Any, **more: Any) -> requests.Response:
            used.append(request.headers["Authorization"])
            return super().send(request, *some, **more)

    with requests.Session() as session:
        session.mount("http://", Noting("127.0.0.1"))
        assert session.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=10).status_code == 200
    assert used == ["Bearer t1", "Bearer t2"]
