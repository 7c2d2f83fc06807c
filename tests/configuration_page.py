"""The tables of docs/configuration.md, made from the table of keys: `python tests/configuration_page.py`."""

import re
from collections.abc import Iterable
from pathlib import Path

from requests_auth_profiles._config import kinds
from requests_auth_profiles._config.flows import ENDPOINTS, FLOWS
from requests_auth_profiles._config.keys import PROVIDER, ROOT, VARIABLE, Key
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles.cli.written import value_text

PAGE = Path(__file__).parent.parent / "docs/configuration.md"

_ISSUING = [flow for flow in FLOWS.values() if flow.endpoints]
_PROVIDER = {"provider", *ENDPOINTS}
_TOKENS = frozenset.intersection(*(flow.keys for flow in _ISSUING)) - _PROVIDER - {"http"}
_CLIENTS = FLOWS["client-credentials"].keys - _TOKENS - _PROVIDER - {"http"}
_SIGN_INS = (FLOWS["implicit"].keys & FLOWS["authorization-code-pkce"].keys) - _TOKENS - _PROVIDER - {"http"}
GROUPS = {
    "every profile": {key.name for key in PROFILE.values() if key.common},
    "provider": _PROVIDER | {"http"},
    "tokens": _TOKENS,
    "clients": _CLIENTS,
    "sign-ins": _SIGN_INS,
}
"""Keys of a profile that go together; all others are of single flows."""


def page(text: str) -> str:
    """The page with its tables made anew: each stands between two comments."""
    made = blocks()

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}\n{made[found[2]]}\n{found[3]}"

    return re.sub(r"(<!-- table: ([a-z -]+) -->)\n.*?\n?(<!-- end -->)", block, text, flags=re.DOTALL)


def blocks() -> dict[str, str]:
    """The tables, by name."""
    grouped = {name for group in GROUPS.values() for name in group}
    own = [key for flow in FLOWS.values() for key in flow.own]
    return {
        "root": _keys(ROOT.values()),
        "store": _keys(ROOT["store"].entries),
        **{name: _keys(key for key in PROFILE.values() if key.name in keys) for name, keys in GROUPS.items()},
        "single flows": _keys([*(key for key in PROFILE.values() if key.name not in grouped), *own]),
        "http": _keys(PROFILE["http"].entries),
        "house": _keys(PROVIDER.values()),
        "variables": _keys(VARIABLE.values()),
        "flows": _flows(),
        "providers": _providers(),
        "references": _references(),
    }


def _keys(keys: Iterable[Key]) -> str:
    return _table(
        ("key", "example", "default", "what it does"),
        [
            (
                f"`{key.name}`",
                _code(key.written()),
                "" if key.default is None else _code(value_text(key.default)),
                _about(key),
            )
            for key in keys
        ],
    )


def _about(key: Key) -> str:
    words = key.kind.schema.get("enum", ()) if key.name != "flow" else ()
    choice = f": {', '.join(_code(value_text(word)) for word in words)}" if words else ""
    flows = [f"`{flow.name}`" for flow in FLOWS.values() if key in flow.own]
    where = f"in {', '.join(flows)}: " if flows else ""
    return f"{where}{key.about}{choice}{' (secret)' if _is_secret(key) else ''}"


def _is_secret(key: Key) -> bool:
    return key.secret or key.kind is kinds.SECRET


def _flows() -> str:
    rows = []
    for flow in FLOWS.values():
        takes = flow.keys - _PROVIDER - {"http"} - {*flow.needs, *flow.proofs}
        whole = [name for name in ("tokens", "clients", "sign-ins") if GROUPS[name] <= flow.keys]
        single = [name for name in PROFILE if name in takes and not any(name in GROUPS[one] for one in whole)]
        needs = (["a provider"] if flow.endpoints else []) + [f"`{name}`" for name in flow.needs]
        needs += [" or ".join(f"`{name}`" for name in flow.proofs)] if flow.proofs else []
        also = [f"[{name}](#keys-of-{name})" for name in whole] + [f"`{name}`" for name in single]
        rows.append((f"`{flow.name}`", flow.about, ", ".join(needs), ", ".join(also)))
    return _table(("flow", "what it is", "needs", "also takes"), rows)


def _providers() -> str:
    return _table(
        ("provider", "", "its variables"),
        [
            (
                f'`"{row.name}"`',
                row.title,
                "; ".join(
                    f"{_code(key.written())} {key.about}"
                    f"{'' if key.default is None else f', default {_code(value_text(key.default))}'}"
                    for key in row.variables.values()
                ),
            )
            for row in providers().values()
        ],
    )


def _references() -> str:
    about = {
        "env": "an environment variable, read at each use",
        "file": "a file, read at each use; a relative path is beside the file that says it",
        "command": "what a program prints: without a shell, in the file's folder, 30 s at most, once; "
        "if it fails, what it wrote to stderr is shown, and never what it printed",
        "keyring": "what `keyring get service name` prints (the extra `keyring`); "
        "without `username` that of the profile, else the profile's name",
        "prompt": "what a person types at the terminal, unseen; once in a process",
        "ci_identity": "the CI job's own identity token: "
        "GitHub Actions, GitLab, Azure DevOps, CircleCI, Buildkite",
    }
    return _table(
        ("reference", "what it gives"), [(_code(form), about[how]) for how, form in kinds.REFERENCES.items()]
    )


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, ("---",) * len(headings), *rows))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
