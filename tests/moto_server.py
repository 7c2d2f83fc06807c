"""An AWS: moto's server, which checks the signature of every request."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

import pytest
import requests

PATIENCE_SECONDS = 60
# By this moto sees which service a request is for; it lets in as many as it is told to before it looks at it.
UNSIGNED = (
    "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
)
UNSIGNED_REQUESTS = 6
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Key:
    """What requests are signed with.

    Args:
        key_id: its name.
        secret: its secret.
        session_token: what has to come with it; empty = nothing, as it is for ever.
    """

    key_id: str
    secret: str = field(repr=False)
    session_token: str = field(repr=False, default="")


@dataclass(frozen=True)
class Aws:
    """A running one, where these keys may do everything with S3, and no others anything.

    Args:
        url: where it listens.
        user: the key of a user.
        role: one for an hour.
    """

    url: str
    user: Key
    role: Key


@contextmanager
def running_aws() -> Iterator[Aws]:
    """Run one for as long as the block lasts, or skip the test where moto is not installed."""
    pytest.importorskip("moto")
    pytest.importorskip("flask_cors")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    environment = {
        **os.environ,
        "INITIAL_NO_AUTH_ACTION_COUNT": str(UNSIGNED_REQUESTS),
        "PYTHONUNBUFFERED": "1",
    }
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=log)
        try:
            yield with_keys(listening(process, log))
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def listening(process: subprocess.Popen[bytes], log: TextIO) -> str:
    """Wait until it says where it is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"http://127\.0\.0\.1:\d+", said(log)):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(said(log))


def said(log: TextIO) -> str:
    """All that stands in a log by now, without moving the place where it is written on."""
    return os.pread(log.fileno(), 1 << 20, 0).decode()


def with_keys(url: str) -> Aws:
    """Make a user and a role while no signature is looked at."""
    policy = {"PolicyName": "all", "PolicyDocument": json.dumps(POLICY)}
    told(url, "iam", Action="CreateUser", UserName="alice")
    told(url, "iam", Action="PutUserPolicy", UserName="alice", **policy)
    user = key(told(url, "iam", Action="CreateAccessKey", UserName="alice"))
    role = told(url, "iam", Action="CreateRole", RoleName="nightly", AssumeRolePolicyDocument="{}")
    told(url, "iam", Action="PutRolePolicy", RoleName="nightly", **policy)
    (arn,) = re.findall("<Arn>(.*)</Arn>", role)
    return Aws(url, user, key(told(url, "sts", Action="AssumeRole", RoleArn=arn, RoleSessionName="s")))


def key(text: str) -> Key:
    """The key in an answer."""
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return Key(*(found for name in names for found in re.findall(f"<{name}>(.*)</{name}>", text)))


def told(url: str, service: str, **fields: str) -> str:
    """What a service answers."""
    fields["Version"] = {"iam": "2010-05-08", "sts": "2011-06-15"}[service]
    headers = {"Authorization": UNSIGNED.format(service)}
    answer = requests.post(url, fields, headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200, answer.text
    return answer.text
