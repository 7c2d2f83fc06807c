"""NTLM: refusals that never end."""

import base64
import struct

import pytest
import requests
from wire import RawServer, endless, http

from requests_auth_profiles import NTLM

OFFER = http(401, WWW_Authenticate="NTLM")
FLAGS = 0xE0888205  # as servers have them: text in Unicode, signed, what the target is stands at the end
CHALLENGE = base64.b64encode(
    struct.pack("<8sIHHII8s8xHHI4x", b"NTLMSSP", 2, 0, 0, 48, FLAGS, b"01234567", 4, 4, 48)
).decode()


@pytest.mark.parametrize(
    ("before", "offered"), [([], "NTLM"), ([OFFER], f"NTLM {CHALLENGE}")], ids=["offer", "challenge"]
)
def test_a_body_without_an_end(before: list[bytes], offered: str) -> None:
    """It is not read to its end, be it that of the first refusal or of the challenge."""
    head = f"HTTP/1.1 401 No\r\nWWW-Authenticate: {offered}\r\nTransfer-Encoding: chunked\r\n\r\n"
    flood = endless(head.encode(), b"1000\r\n" + b"x" * 4096 + b"\r\n")
    with RawServer(*before, flood, OFFER) as server:
        answer = requests.get(server.url, auth=NTLM("alice", "w0rd"), timeout=10, stream=True)
    assert answer.status_code == 401
    assert max(len(one.content) for one in answer.history) in range(65_536, 131_072)


def test_a_body_of_some_length() -> None:
    """A refusal that says something is still there to be read, in whatever parts."""
    with RawServer(http(401, b"who are you?", WWW_Authenticate="NTLM"), OFFER) as server:
        answer = requests.get(server.url, auth=NTLM("alice", "w0rd"), timeout=10)
    first = answer.history[0]
    assert (first.text, b"".join(first.iter_content(5))) == ("who are you?", b"who are you?")
