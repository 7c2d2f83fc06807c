"""The main job as people write it: a profile in a file signs a request to a certified provider's API."""

from pathlib import Path

import counterparts
import pytest
from conftest import RunProgram

ONE_LINER = (
    "import requests; from requests_auth_profiles import profile; "
    "print(requests.get({url!r}, auth=profile()).status_code)"
)

PROFILES = """
[profiles.ci]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "{client_id}"
client_secret = {{ env = "CLIENT_SECRET" }}
client_auth = "{client_auth}"
"""


@pytest.mark.parametrize(
    ("client_id", "client_auth", "secret"),
    [("cc-basic", "basic", "s3cret:with/odd+chars %"), ("cc-post", "post", "post-secret")],
)
def test_a_named_profile_signs_a_request_and_the_next_process_needs_no_token(
    home: Path,
    run_python: RunProgram,
    oidc_provider: counterparts.Provider,
    monkeypatch: pytest.MonkeyPatch,
    client_id: str,
    client_auth: str,
    secret: str,
) -> None:
    """Two processes in a row get 200 from a protected resource, and only the first asks for a token."""
    file = home / "profiles.toml"
    file.write_text(
        PROFILES.format(issuer=oidc_provider.issuer, client_id=client_id, client_auth=client_auth), "utf-8"
    )
    file.chmod(0o600)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
    monkeypatch.setenv("REQUESTS_AUTH_PROFILE", "ci")
    monkeypatch.setenv("CLIENT_SECRET", secret)
    asked = oidc_provider.token_requests()
    line = ONE_LINER.format(url=oidc_provider.api_url)
    first = run_python("-c", line)
    between = oidc_provider.token_requests()
    second = run_python("-c", line)
    assert (first.stdout, second.stdout, second.stderr) == ("200\n", "200\n", ""), first.stderr
    assert (between - asked, oidc_provider.token_requests() - between) == (1, 0)
