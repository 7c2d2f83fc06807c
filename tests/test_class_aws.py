"""`flow = "class"` with requests-aws4auth, against moto's S3, which checks each signature."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import profiles_file
import pytest
import requests
from moto_server import Aws, Key, running_aws
from wire import RawServer, http

from requests_auth_profiles import profile
from requests_auth_profiles.errors import HostNotAllowed

ARGS = 'args = [{ env = "AWS_ACCESS_KEY_ID" }, { env = "AWS_SECRET_ACCESS_KEY" }, "us-east-1", "s3"]'
SESSION = 'options = { session_token = { env = "AWS_SESSION_TOKEN" } }'
THREADS = 4

Auth = Callable[..., requests.auth.AuthBase]


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """A running AWS."""
    pytest.importorskip("requests_aws4auth")
    with running_aws() as server:
        yield server


@pytest.fixture
def auth(home: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Auth:
    """The auth of a profile with these lines, for AWS only."""
    use(aws.user, monkeypatch)

    def made(lines: str = ARGS, hosts: str = aws.url.removeprefix("http://")):
        text = '[profiles.bucket]\nflow = "class"\nclass = "requests_aws4auth:AWS4Auth"\n'
        return profile("bucket", file=profiles_file.written(home, f'{text}hosts = ["{hosts}"]\n{lines}\n'))

    return made


def use(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a key be the one that the environment has."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key.secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", key.session_token)


@pytest.fixture
def bucket(aws: Aws, auth: Auth) -> str:
    """The URL of a bucket."""
    url = f"{aws.url}/reports"
    assert requests.put(url, auth=auth(), timeout=10).status_code == 200
    return url


def code(answer: requests.Response) -> str:
    """What S3 finds wrong."""
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.mark.parametrize("kind", [bytes, BytesIO])
def test_what_is_put_is_there(auth: Auth, bucket: str, kind: type) -> None:
    """A name with a blank and a query are signed as they are sent, and so is the body."""
    signs, url = auth(), f"{bucket}/of 2026/{kind.__name__}"
    assert requests.put(url, data=kind(b"one\ntwo"), auth=signs, timeout=10).status_code == 200
    assert requests.get(url, auth=signs, timeout=10).content == b"one\ntwo"
    found = requests.get(f"{bucket}?list-type=2&prefix=of%202026", auth=signs, timeout=10)
    assert f"<Key>of 2026/{kind.__name__}</Key>" in found.text


def test_a_session_token(aws: Aws, auth: Auth, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token that has to come with a key for an hour stands in options, as a secret."""
    use(aws.role, monkeypatch)
    assert requests.get(bucket, auth=auth(f"{ARGS}\n{SESSION}"), timeout=10).status_code == 200
    assert requests.get(bucket, auth=auth(), timeout=10).status_code == 403


def test_threads(auth: Auth, bucket: str) -> None:
    """Several use one profile at once, from its first request on, each with a body of its own."""
    signs, start = auth(), threading.Barrier(THREADS)

    def moved(number: int) -> list[str]:
        start.wait(10)
        with requests.Session() as session:
            session.auth = signs
            urls = [f"{bucket}/{number}/{i}" for i in range(5)]
            for url in urls:
                session.put(url, data=url, timeout=20)
            return [url for url in urls if session.get(url, timeout=20).text != url]

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(moved, range(THREADS))) == [[]] * THREADS


class TestRefused:
    """A key that is wrong: S3 answers 403, which may mean anything."""

    def test_a_wrong_secret(self, auth: Auth, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who asks gets the refusal, and nothing is written."""
        signs = auth()
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        answer = requests.put(f"{bucket}/never", data=b"x", auth=auth(f"{ARGS} # another"), timeout=10)
        assert (answer.status_code, code(answer)) == (403, "SignatureDoesNotMatch")
        monkeypatch.undo()
        assert code(requests.get(f"{bucket}/never", auth=signs, timeout=10)) == "NoSuchKey"

    def test_a_new_one(self, aws: Aws, auth: Auth, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """After logout() the key is looked up again."""
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        signs = auth(f"{ARGS} # another")
        assert requests.get(bucket, auth=signs, timeout=10).status_code == 403
        use(aws.user, monkeypatch)
        signs.logout()
        assert requests.get(bucket, auth=signs, timeout=10).status_code == 200


class TestReach:
    """A signature goes where the profile says, and nowhere else."""

    def test_another_host(self, aws: Aws, auth: Auth) -> None:
        """Nothing is signed for it."""
        with pytest.raises(HostNotAllowed, match=r"^bucket is not for http://127\.0\.0\.1"):
            requests.get(aws.url, auth=auth(hosts="*.s3.amazonaws.com"), timeout=10)

    def test_a_redirect_to_another_server(self, auth: Auth) -> None:
        """It gets no header of the signature."""
        with RawServer(http(200)) as other, RawServer(http(307, Location=other.url)) as server:
            requests.get(server.url, auth=auth(hosts=f"127.0.0.1:{server.port}"), timeout=10)
        assert [b"x-amz" in request.lower() for request in server.requests + other.requests] == [True, False]
        assert b"authorization" not in other.requests[0].lower()
