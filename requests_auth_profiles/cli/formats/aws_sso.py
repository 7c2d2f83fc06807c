"""~/.aws/config: sessions of AWS IAM Identity Center."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from requests_auth_profiles.cli.formats.found import Found, LeftOut, shown
from requests_auth_profiles.cli.formats.ini import sections

__all__ = ["read"]

_PROGRAM = "{version: 1, token: .accessToken, expires_at: .expiresAt}"


def read(data: bytes, path: Path) -> list[Found | LeftOut]:  # noqa: ARG001
    """A profile for each sso-session; see `Format.read`."""
    return list(_all(sections(data)))


def _all(parsed: dict[str, dict[str, str]]) -> Iterator[Found | LeftOut]:
    for section, said in parsed.items():
        kind, _, name = section.partition(" ")
        where = f"[{shown(section)}]"
        if kind == "sso-session":
            yield _session(where, name.strip(), said.get("sso_region", ""))
        elif said.get("sso_start_url"):
            # The form of old: what is kept is named after the URL.
            yield _session(where, name.strip() or section, said.get("sso_region", ""), said["sso_start_url"])
        elif said.keys() & {
            "sso_session",
            "sso_account_id",
            "aws_access_key_id",
            "role_arn",
            "credential_process",
        }:
            why = 'it signs each request (Signature Version 4): flow = "class" with requests-aws4auth can'
            yield LeftOut(where, why)


def _session(where: str, name: str, region: str, kept_as: str = "") -> Found | LeftOut:
    if not re.fullmatch(r"[a-z]{2}(-[a-z0-9]+)+", region):
        return LeftOut(where, "it has no sso_region")
    kept = hashlib.sha1((kept_as or name).encode(), usedforsecurity=False).hexdigest()
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    how = f"--sso-session {name}" if not kept_as else f"--profile {name}"
    table = {
        "flow": "command",
        "command": ["jq", _PROGRAM, f"{Path('~').expanduser()}/.aws/sso/cache/{kept}.json"],
        "header_name": "x-amz-sso_bearer_token",
        "header_value": "{token}",
        "hosts": [f"portal.sso.{region}.{domain}"],
    }
    return Found(where, f"sso-{name}", table, [f"sign in as before: aws sso login {shown(how)}; it needs jq"])
