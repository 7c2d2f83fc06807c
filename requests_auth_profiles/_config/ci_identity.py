"""The identity token of a CI job: how each service gives it, for the audience that is meant."""

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from requests_auth_profiles._config.asking import Answer, Asker, checked
from requests_auth_profiles._process import printed_by
from requests_auth_profiles._token import jwt_expires_at
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["ci_identity"]

_OK = 200
_OFF = {"", "0", "false"}
_AZURE_AUDIENCE = "api://AzureADTokenExchange"
_IN_A_JOB = "run it in a CI job; elsewhere, write another reference, and this one in [profiles.NAME.when.ci]"


def ci_identity(reference: Mapping[str, Any], asker: Asker) -> Answer:
    """The token that the CI service of this job issues for an audience; it says itself when it ends."""
    for variable, ask in _SERVICES.items():
        if os.environ.get(variable, "").lower() not in _OFF:
            answer = ask(reference["ci_identity"], asker)
            return answer._replace(ends_at=jwt_expires_at(answer.value))
    services = "GitHub Actions, GitLab, Azure DevOps, CircleCI, Buildkite"
    return Answer("", f"this is no job of {services}", _IN_A_JOB)


def _github(audience: str, asker: Asker) -> Answer:
    # Forgejo's runners do the same.
    url, token = (os.environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "") for name in ("URL", "TOKEN"))
    if not url or not token:
        return Answer(
            "", "the job may not ask for one", "in the workflow's job: permissions: id-token: write"
        )
    mark = "&" if "?" in url else "?"
    # In small letters, as GitHub has it itself; no case is meant (RFC 9110 section 11.1).
    headers = {"Authorization": f"bearer {token}"}
    return _called(asker, "GET", f"{url}{mark}audience={quote(audience, safe='')}", headers, "value")


def _gitlab(audience: str, _: Asker) -> Answer:
    name = f"{re.sub('[^A-Z0-9_]', '_', audience.upper())}_ID_TOKEN"
    value = os.environ.get(name, "")
    hint = f"in the job: id_tokens: {{ {name}: {{ aud: {json.dumps(audience)} }} }}"
    return checked(value, name, hint) if value else Answer("", f"the job has no variable {name}", hint)


def _azure(audience: str, asker: Asker) -> Answer:
    if audience != _AZURE_AUDIENCE:
        hint = f'ci_identity = "{_AZURE_AUDIENCE}"'
        return Answer("", "Azure DevOps issues tokens for one audience only", hint)
    url, token = (os.environ.get(f"SYSTEM_{name}", "") for name in ("OIDCREQUESTURI", "ACCESSTOKEN"))
    if not url or not token:
        hint = "in the step: env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)"
        return Answer("", "the step may not ask for one", hint)
    # Without the last one it answers a token that it does not know with a redirect to a page for people.
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "X-TFS-FedAuthRedirect": "Suppress",
    }
    return _called(asker, "POST", f"{url.rstrip('/')}?api-version=7.1", headers, "oidcToken")


def _circleci(audience: str, asker: Asker) -> Answer:
    there = os.environ.get("CIRCLE_OIDC_TOKEN_V2", "")
    if there and _audience_of(there) == audience:
        return checked(there)
    claims = json.dumps({"aud": audience})
    return _printed(["circleci", "run", "oidc", "get", "--claims", claims], asker)


def _buildkite(audience: str, asker: Asker) -> Answer:
    return _printed(["buildkite-agent", "oidc", "request-token", "--audience", audience], asker)


_SERVICES: dict[str, Callable[[str, Asker], Answer]] = {
    "GITHUB_ACTIONS": _github,
    "GITLAB_CI": _gitlab,
    "TF_BUILD": _azure,
    "CIRCLECI": _circleci,
    "BUILDKITE": _buildkite,
}


def _called(asker: Asker, method: str, url: str, headers: Mapping[str, str], field: str) -> Answer:
    if asker.call is None:
        return Answer("", "a CI service cannot be called from here", "profile(…) can")
    try:
        status, body = asker.call(method, url, headers)
    except RequestsAuthException as error:
        return Answer("", error.message, error.hint)
    value = None
    with suppress(ValueError, RecursionError, AttributeError):
        value = json.loads(body).get(field)
    if status != _OK or not isinstance(value, str):
        hint = "look at what the job may do, and whether its service has OpenID Connect"
        return Answer("", f"the CI service gave none (it answered {status})", hint)
    return checked(value, "what the CI service gave")


def _printed(command: list[str], asker: Asker) -> Answer:
    text, problem, hint = printed_by(command, asker.place.file.parent)
    return Answer("", f"{command[0]}: {problem}", hint) if problem else checked(text, "what it printed", hint)


def _audience_of(token: str) -> object:
    import jwt

    with suppress(jwt.PyJWTError, ValueError, RecursionError):
        return jwt.decode(token, options={"verify_signature": False}).get("aud")
    return None
