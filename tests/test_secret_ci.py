"""The identity token of a CI job, as each service gives it: by HTTP, in a variable, or by its program."""

import os
import sys
import time
from pathlib import Path

import jwt
import pytest
from references import VALUE, Make, Reference, folder, refusal, secret, tells, written
from wire import RawServer, http, json_reply

from requests_auth_profiles import profile
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles.errors import ConfigurationError, SecretUnavailable

__all__ = ["folder", "secret"]

AUDIENCE = "https://sts.acme.com/a b"
MINE: Reference = {"ci_identity": AUDIENCE}
AZURE: Reference = {"ci_identity": "api://AzureADTokenExchange"}
REQUEST_TOKEN = "s3cret-value-of-the-job"
unix = pytest.mark.platform("linux", "darwin")


def asked(folder: Path, reference: Reference) -> Secret:
    """The secret of a profile as a request of it would look it up."""
    auth = profile("work", file=written(folder, reference))
    return auth.credential.source.secret  # type: ignore[union-attr]


def test_it_is_not_asked_for_over_plain_http(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token that proves which job asks goes over https, or to this machine, and nowhere else."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "http://192.0.2.1/token?v=1")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)
    with pytest.raises(ConfigurationError, match="is no https URL") as caught:
        asked(folder, MINE)()
    assert REQUEST_TOKEN not in str(caught.value)


def issued(seconds: float, **claims: object) -> str:
    """A token that ends in so many seconds."""
    return jwt.encode({"exp": int(time.time() + seconds), **claims}, "k" * 32)


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, token: str, code: int = 0) -> None:
    """Puts a program on the path that notes its arguments, and prints a token."""
    (folder / "bin").mkdir()
    script = f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open('argv.json', 'w'))\n"
    (folder / "bin" / name).write_text(f"{script}print({token!r})\nsys.exit({code})\n")
    (folder / "bin" / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


class TestGithub:
    """GitHub Actions, and Forgejo, have a URL to ask."""

    @pytest.fixture(autouse=True)
    def job(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)

    def url(
        self, monkeypatch: pytest.MonkeyPatch, server: RawServer, query: str = "?api-version=2.0"
    ) -> None:
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{server.url}{query}")

    @pytest.mark.parametrize(("query", "mark"), [("?api-version=2.0", "?api-version=2.0&"), ("", "?")])
    def test_it_is_asked(self, folder: Path, monkeypatch: pytest.MonkeyPatch, query: str, mark: str) -> None:
        """The audience is percent-encoded, and the job proves itself with its token."""
        with RawServer(json_reply(f'{{"count": 1, "value": "{VALUE}"}}')) as server:
            self.url(monkeypatch, server, query)
            assert asked(folder, MINE)() == VALUE
        head = server.requests[0].decode()
        assert head.startswith(f"GET /token{mark}audience=https%3A%2F%2Fsts.acme.com%2Fa%20b HTTP/1.1\r\n")
        assert f"\r\nAuthorization: bearer {REQUEST_TOKEN}\r\n" in head

    def test_a_redirect(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The token of the job goes nowhere else."""
        with RawServer(http(200)) as target, RawServer(http(302, Location=target.url)) as server:
            self.url(monkeypatch, server)
            assert "a redirect; it was not followed" in refusal(asked(folder, MINE)).message
            assert target.connections == 0

    def test_netrc_is_not_read(self, folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What ~/.netrc has for the host does not replace the token of the job."""
        (home / ".netrc").write_text("machine 127.0.0.1 login ada password of-the-netrc\n")
        (home / ".netrc").chmod(0o600)
        with RawServer(json_reply(f'{{"value": "{VALUE}"}}')) as server:
            self.url(monkeypatch, server)
            asked(folder, MINE)()
        assert f"authorization: bearer {REQUEST_TOKEN}".encode() in server.requests[0].lower()

    @pytest.mark.parametrize(
        ("answer", "problem"),
        [
            (json_reply('{"message": "no"}', 403), "the CI service gave none (it answered 403)"),
            (json_reply(f'{{"token": "{VALUE}"}}'), "the CI service gave none (it answered 200)"),
            (json_reply(f'["{VALUE}"]'), "the CI service gave none (it answered 200)"),
            (json_reply(f'{{"value": ["{VALUE}"]}}'), "the CI service gave none (it answered 200)"),
            (http(200, b"s3cret-value"), "the CI service gave none (it answered 200)"),
            (json_reply('{"value": ""}'), "what the CI service gave is empty"),
            (http(200, b"x" * (1024 * 1024 + 1)), "answered more than 1,048,576 bytes"),
        ],
        ids=["refused", "another key", "a list", "no text", "no JSON", "empty", "too long"],
    )
    def test_something_else(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, problem: str
    ) -> None:
        """What is no token is an error that does not repeat it."""
        with RawServer(answer) as server:
            self.url(monkeypatch, server)
            assert refusal(asked(folder, MINE)).message.endswith(problem)

    def test_not_allowed(self, secret: Make) -> None:
        """A job without the permission has no URL: the error says what to write."""
        error = refusal(secret(MINE))
        assert error.message.endswith(": the job may not ask for one")
        assert error.hint == "in the workflow's job: permissions: id-token: write"

    def test_once_until_it_ends(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A token that is good is kept for the process."""
        with RawServer(json_reply(f'{{"value": "{issued(300)}"}}')) as server:
            self.url(monkeypatch, server)
            assert asked(folder, MINE)() == asked(folder, MINE)()
        assert server.connections == 1

    def test_again_before_it_ends(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that ends in a moment is not sent any more."""
        first, second = issued(30), issued(300)
        answers = [json_reply(f'{{"value": "{token}"}}') for token in (first, second)]
        with RawServer(*answers) as server:
            self.url(monkeypatch, server)
            found = asked(folder, MINE)
            assert [found(), found(), found()] == [first, second, second]

    def test_through_the_file_alone(
        self, folder: Path, secret: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where only the file is read, nothing is called."""
        with RawServer(http(200)) as server:
            self.url(monkeypatch, server)
            assert tells(secret(MINE), "a CI service cannot be called from here")
            assert server.connections == 0


class TestGitlab:
    """GitLab puts tokens into variables, which the job names."""

    @pytest.fixture(autouse=True)
    def job(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITLAB_CI", "true")

    @pytest.mark.parametrize(
        ("audience", "variable"),
        [("sigstore", "SIGSTORE_ID_TOKEN"), ("https://sts.acme.com", "HTTPS___STS_ACME_COM_ID_TOKEN")],
    )
    def test_its_variable(
        self, secret: Make, monkeypatch: pytest.MonkeyPatch, audience: str, variable: str
    ) -> None:
        """The name is the audience in capitals, with _ for all else, and _ID_TOKEN."""
        monkeypatch.setenv(variable, VALUE)
        assert secret({"ci_identity": audience})() == VALUE

    def test_not_there(self, secret: Make) -> None:
        """The error says what to write in the job."""
        error = refusal(secret({"ci_identity": "sigstore"}))
        assert error.message.endswith(": the job has no variable SIGSTORE_ID_TOKEN")
        assert error.hint == 'in the job: id_tokens: { SIGSTORE_ID_TOKEN: { aud: "sigstore" } }'


class TestAzure:
    """Azure DevOps has a URL to post to."""

    @pytest.fixture(autouse=True)
    def job(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TF_BUILD", "True")

    def test_it_is_asked(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The step proves itself with its access token, in an empty POST."""
        monkeypatch.setenv("SYSTEM_ACCESSTOKEN", REQUEST_TOKEN)
        with RawServer(json_reply(f'{{"oidcToken": "{VALUE}"}}')) as server:
            monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", f"{server.url}/")
            assert asked(folder, AZURE)() == VALUE
        head, _, body = server.requests[0].decode().partition("\r\n\r\n")
        assert head.startswith("POST /token?api-version=7.1 HTTP/1.1\r\n")
        assert {f"Authorization: Bearer {REQUEST_TOKEN}", "Content-Length: 0"} < set(head.split("\r\n"))
        assert body == ""

    def test_not_allowed(self, secret: Make) -> None:
        """A step that was not given its access token is told how to get it."""
        assert refusal(secret(AZURE)).hint == "in the step: env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)"

    def test_another_audience(self, secret: Make) -> None:
        """It issues tokens for one audience: another is an error, and not a token for that one."""
        assert refusal(secret(MINE)).hint == 'ci_identity = "api://AzureADTokenExchange"'


class TestCircleci:
    """CircleCI has a token for the organization, and a program for all else."""

    @pytest.fixture(autouse=True)
    def job(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CIRCLECI", "true")

    def test_the_one_that_is_there(self, secret: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where that is for the audience that is meant, nothing is run."""
        token = issued(300, aud=AUDIENCE)
        monkeypatch.setenv("CIRCLE_OIDC_TOKEN_V2", token)
        assert secret(MINE)() == token

    @unix
    @pytest.mark.parametrize("there", ["", "junk", jwt.encode({"aud": "another"}, "k" * 32)])
    def test_its_program(
        self, secret: Make, folder: Path, monkeypatch: pytest.MonkeyPatch, there: str
    ) -> None:
        """Else the program is asked for one."""
        monkeypatch.setenv("CIRCLE_OIDC_TOKEN_V2", there)
        program(folder, monkeypatch, "circleci", VALUE)
        assert secret(MINE)() == VALUE
        argv = '["run", "oidc", "get", "--claims", "{\\"aud\\": \\"https://sts.acme.com/a b\\"}"]'
        assert (folder / "argv.json").read_text() == argv


class TestBuildkite:
    """Buildkite has a program."""

    @pytest.fixture(autouse=True)
    def job(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BUILDKITE", "true")

    @unix
    def test_its_program(self, secret: Make, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is asked for the audience that is meant."""
        program(folder, monkeypatch, "buildkite-agent", VALUE)
        assert secret(MINE)() == VALUE
        assert (folder / "argv.json").read_text() == f'["oidc", "request-token", "--audience", "{AUDIENCE}"]'

    @unix
    def test_that_fails(self, secret: Make, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What it printed is not repeated."""
        program(folder, monkeypatch, "buildkite-agent", VALUE, code=3)
        assert tells(secret(MINE), "buildkite-agent: it ended with 3")

    def test_not_there(self, secret: Make, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error names the program."""
        monkeypatch.setenv("PATH", str(folder))
        assert ": buildkite-agent: cannot start it: " in refusal(secret(MINE)).message


def test_not_in_ci(secret: Make) -> None:
    """Elsewhere there is no job: the error says so."""
    problem = "this is no job of GitHub Actions, GitLab, Azure DevOps, CircleCI, Buildkite"
    assert tells(secret(MINE), problem)


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_a_variable_that_says_no(secret: Make, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A variable that is there and off is no CI."""
    monkeypatch.setenv("GITHUB_ACTIONS", value)
    with pytest.raises(SecretUnavailable, match="this is no job"):
        secret(MINE)()
