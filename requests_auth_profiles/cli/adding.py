"""The verb that writes a profile: add."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from requests_auth_profiles import _private_file
from requests_auth_profiles._config import kinds
from requests_auth_profiles._config.file import ProfilesFile, profiles_path, site_path
from requests_auth_profiles._config.flows import ENDPOINTS, FLOWS
from requests_auth_profiles._config.house import rows
from requests_auth_profiles._config.inheritance import Effective, effectives
from requests_auth_profiles._config.keys import Key
from requests_auth_profiles._config.profile_keys import PROFILE, key_of
from requests_auth_profiles._config.providers import Provider
from requests_auth_profiles._config.words import near
from requests_auth_profiles.cli.answers import REFERENCE_FORMS, answer
from requests_auth_profiles.cli.context import for_named_file, named_file, with_file
from requests_auth_profiles.cli.rewriting import rewrite, unwritable
from requests_auth_profiles.cli.schema import put_beside
from requests_auth_profiles.cli.statements import with_profile
from requests_auth_profiles.cli.written import profile_lines
from requests_auth_profiles.errors import ConfigurationError, ProfileNotFound, RequestsAuthException

__all__ = ["add"]

_NO_PROVIDER = "none"
_LITERAL = "literal"


@click.command()
@with_file
@click.argument("name")
@click.option("--provider", help="A provider whose endpoints are known, as okta.")
@click.option("--issuer", metavar="URL", help="Another provider: its endpoints are discovered there.")
@click.option("--flow", help="How the credential is won: see the question.", type=click.Choice(list(FLOWS)))
@click.option("--host", "hosts", multiple=True, help="Where the credential may go. Can be given again.")
@click.option("--description", help="What it is for.")
@click.option(
    "--set",
    "said",
    multiple=True,
    metavar="KEY=VALUE",
    help=f"Any other key; a secret is {REFERENCE_FORMS}. Can be given again.",
)
@click.option(
    "--literal",
    "literals",
    multiple=True,
    metavar="KEY",
    help="Ask for this secret, or read a line of standard input, and write it into the file.",
)
def add(
    name: str,
    *,
    provider: str | None,
    issuer: str | None,
    flow: str | None,
    hosts: tuple[str, ...],
    description: str | None,
    said: tuple[str, ...],
    literals: tuple[str, ...],
) -> None:
    """Write one more profile into the profiles file.

    What is not said in an option is asked for, at a terminal. All else in the file stays as it is.
    """
    path, site = profiles_path(named_file()), site_path(named_file())
    data, there, here = _known(path, site)
    _check_name(name, here, path)
    draft = _Draft(name, data)
    for key, text in (
        ("flow", flow),
        ("provider", provider),
        ("issuer", issuer),
        ("description", description),
    ):
        if text is not None:
            draft.say(key, text, f"--{key}")
    for pair in said:
        key, equals, text = pair.partition("=")
        if not equals:
            raise click.BadParameter("it is KEY=VALUE", param_hint="--set")
        draft.say(key.strip(), text, f"--set {key.strip()}")
    if hosts:
        draft.say("hosts", ",".join(hosts), "--host")
    for key in literals:
        draft.say_literally(key)
    if sys.stdin.isatty():
        _ask(draft, optional=not (said or hosts))
    elif missing := [_option(question) for question in draft.questions()]:
        raise click.UsageError(f"there is no terminal to ask at: say {', '.join(missing)}")

    _write(path, site, draft, there=there)
    click.echo(f"Wrote {name} into {path}. Next: {_next(draft)}", err=True)


class _Draft:
    """A profile that is being written.

    Args:
        name: its name.
        data: what the files say.
    """

    def __init__(self, name: str, data: Mapping[str, Any]) -> None:
        self.name = name
        self.table: dict[str, Any] = {}
        self.rows: Mapping[str, Provider] = rows(data)
        self._data = data

    @property
    def effective(self) -> Effective:
        """What holds for it, a parent's and a provider's keys included."""
        profiles = {**self._data.get("profiles", {}), self.name: self.table}
        found = effectives({**self._data, "profiles": profiles}, self.rows, in_ci=False)[self.name]
        if found is None:
            parents = ", ".join(self._data.get("profiles", {})) or "none"
            raise click.BadParameter(
                f"there is no such profile; there are {parents}", param_hint="--set extends"
            )
        return found

    def key(self, name: str) -> Key:
        """What a key means in it."""
        found = key_of(name, self.effective.values.get("flow"))
        row = self.effective.provider
        if found is None and row is not None:
            found = row.variables.get(name)
        if found is None:
            known = [*PROFILE, *(row.variables if row else ())]
            raise click.BadParameter(
                f"{name[:64]} is not a known key; {near(name, known) or 'see: requests-auth schema'}",
                param_hint="--set",
            )
        return found

    def say(self, name: str, typed: str, option: str) -> None:
        """Takes what was typed for a key."""
        if name == "provider" and typed not in self.rows:
            hint = near(typed, self.rows) or f"there are {', '.join(self.rows)}; or --issuer URL"
            raise click.BadParameter(f"it is not known; {hint}", param_hint=option)
        self.table[name] = answer(self.key(name), typed, option)

    def say_literally(self, name: str) -> None:
        """Asks for a secret that is to stand in the file."""
        key = self.key(name)
        if key.kind is not kinds.SECRET:
            raise click.BadParameter(f"{name[:64]} is no secret: --set {name[:64]}=…", param_hint="--literal")
        click.echo(f"{name} will stand in the file in clear, for everybody who can read it.", err=True)
        if sys.stdin.isatty():
            typed = click.prompt(name, hide_input=True, err=True)
        else:
            typed = sys.stdin.readline().rstrip("\r\n")
        if (problem := key.kind.problem(typed)) is not None:
            raise click.BadParameter(f"{name} {problem.message}", param_hint="--literal")
        self.table[name] = typed

    def questions(self) -> Iterator[str]:
        """The keys that it still needs."""
        found = self.effective
        if "compose" in found.values:
            return
        flow = FLOWS.get(str(found.values.get("flow")))
        if flow is None:
            yield "flow"
            return
        if flow.endpoints:
            lacking = [name for name in flow.calls(found) if name not in found]
            if found.provider is not None:
                for key in found.provider.variables.values():
                    if key.name not in found.values and key.default is None:
                        yield key.name
            elif lacking and "issuer" not in found:
                yield from lacking
        yield from flow.lacks(found, found.values.get("client_auth"))


class _Known(NamedTuple):
    """What the files say.

    Args:
        data: of all of them.
        there: whether the file itself is there, and not only the site's.
        here: the profiles that stand in it itself; one of a file under it can be put another over.
    """

    data: Mapping[str, Any]
    there: bool
    here: list[str]


def _known(path: Path, site: Path | None) -> _Known:
    try:
        file = ProfilesFile.read(path, site)
    except ProfileNotFound:
        return _Known({}, there=False, here=[])
    return _Known(file.layers.data, path.exists(), _here(file, path))


def _here(file: ProfilesFile, path: Path) -> list[str]:
    return [name for name in file.profiles if file.layers.owner(("profiles", name)).path == path]


def _check_name(name: str, here: list[str], path: Path) -> None:
    if (problem := kinds.profile_name(name)) is not None:
        raise click.BadParameter(f"{name[:64]!r} {problem.message}; {problem.write}", param_hint="NAME")
    twin = next((one for one in here if one.casefold() == name.casefold()), None)
    if twin is not None:
        raise ConfigurationError(
            f"there is a profile {twin} already, in {path}",
            hint=f"requests-auth edit {twin}, or another name",
        )


def _option(question: str) -> str:
    """The option that says what is missing."""
    if question == "flow":
        return "--flow (or --set compose=…)"
    if question in ENDPOINTS:
        return f"--provider, --issuer or --set {question}=…"
    return f"--set {question}={'env:NAME' if _is_secret(question) else '…'}"


def _is_secret(name: str) -> bool:
    return name in PROFILE and PROFILE[name].secret


def _ask(draft: _Draft, *, optional: bool) -> None:
    """Asks the person for what is missing."""
    said = draft.effective.values
    if not {"flow", "compose"} & said.keys():
        if not {"provider", *ENDPOINTS} & said.keys():
            _ask_provider(draft)
        _ask_flow(draft)
    asked: set[str] = set()
    while (question := next(draft.questions(), None)) is not None:
        _ask_key(draft, question)
        asked.add(question)
    flow = FLOWS.get(str(draft.effective.values.get("flow")))
    if optional and flow is not None and "scopes" in flow.keys and "scopes" not in draft.table:
        usual = " ".join(draft.effective.get("scopes") or ())
        _until_right(lambda: _said(draft, "scopes", f"scopes [{usual or 'none'}]"))
    if "hosts" not in draft.effective:
        _until_right(
            lambda: _said(draft, "hosts", "hosts that it may go to, as api.acme.com [any https host]")
        )


def _ask_provider(draft: _Draft) -> None:
    for row in draft.rows.values():
        click.echo(f"  {row.name:<12} {row.title}", err=True)
    click.echo(f"  {'https://…':<12} another one, by its issuer", err=True)
    click.echo(
        f"  {_NO_PROVIDER:<12} no provider: a key, a password, a program, or endpoints of your own", err=True
    )

    def ask() -> None:
        typed: str = click.prompt("provider", default=_NO_PROVIDER, err=True).strip()
        if typed.startswith(("https://", "http://")):
            draft.say("issuer", typed, "issuer")
        elif typed != _NO_PROVIDER:
            draft.say("provider", typed, "provider")

    _until_right(ask)


def _ask_flow(draft: _Draft) -> None:
    provided = bool({"provider", *ENDPOINTS} & draft.effective.values.keys())
    for flow in FLOWS.values():
        if flow.endpoints or not provided:
            click.echo(f"  {flow.name:<24} {flow.about}", err=True)
    usual = "authorization-code-pkce" if provided else None
    _until_right(lambda: draft.say("flow", click.prompt("flow", default=usual, err=True), "flow"))


def _ask_key(draft: _Draft, name: str) -> None:
    key = draft.key(name)
    if not key.secret:
        example = (key.example or key.kind.example).strip('"')
        hint = f", as {example}" if example != "…" and key.kind is not kinds.SECRET else ""
        _until_right(lambda: draft.say(name, click.prompt(f"{name}: {key.about}{hint}", err=True), name))
        return
    usual = f"env:{_variable(draft.name, name)}"

    def ask() -> None:
        typed = click.prompt(
            f"{name}: where it is ({REFERENCE_FORMS}; {_LITERAL} = typed in here)", default=usual, err=True
        )
        if typed == _LITERAL:
            draft.say_literally(name)
        else:
            draft.say(name, typed, name)

    _until_right(ask)


def _said(draft: _Draft, name: str, text: str) -> None:
    """Takes an answer that may be left out."""
    typed = click.prompt(text, default="", show_default=False, err=True)
    if typed.strip():
        draft.say(name, typed, name)


def _until_right(ask: Callable[[], None]) -> None:
    """Asks again, with what is wrong with an answer."""
    while True:
        try:
            return ask()
        except click.BadParameter as error:
            click.echo(f"{click.style('error', fg='red', bold=True)}: {error.message}", err=True)


def _variable(profile: str, key: str) -> str:
    """The variable that a secret is usually in."""
    return "".join(letter if letter.isalnum() else "_" for letter in f"{profile}_{key}").upper()


def _write(path: Path, site: Path | None, draft: _Draft, *, there: bool) -> None:
    order = {name: number for number, name in enumerate(("description", *PROFILE))}
    table = dict(sorted(draft.table.items(), key=lambda item: order.get(item[0], order["client_id"])))
    lines = list(profile_lines(draft.name, table))

    def change(now: bytes) -> bytes:
        text = now.decode()
        # Somebody else may have written one of this name while the person was asked.
        _check_name(draft.name, _here(ProfilesFile.read(path, site, instead=now), path), path)
        return with_profile(text, lines).encode()

    if there:
        rewrite(path, site, change)
    else:
        template = (Path(__file__).parent / "template.toml").read_bytes()
        new = with_profile(template.decode(), lines).encode()
        ProfilesFile.read(path, site, instead=new)
        with unwritable(path):
            try:
                _private_file.create(path, new)
                put_beside(path)
            except FileExistsError:
                raise RequestsAuthException(
                    f"{path} came to be meanwhile, and was left as it is", hint="type it once more"
                ) from None


def _next(draft: _Draft) -> str:
    flow = FLOWS.get(str(draft.effective.values.get("flow")))
    signs_in = flow is not None and (bool(flow.endpoints) or flow.name == "command")
    return for_named_file(f"requests-auth {'login' if signs_in else 'show'} {draft.name}")
