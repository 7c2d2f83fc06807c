"""ProfilesFile: the files found, read, checked, and their profiles as typed values."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from requests_auth_profiles._config import environment
from requests_auth_profiles._config.asking import Call
from requests_auth_profiles._config.check import faults, incomplete, root_faults
from requests_auth_profiles._config.document import Document, dangling, typed
from requests_auth_profiles._config.house import rows
from requests_auth_profiles._config.inheritance import Effective, effectives, overlay, tables
from requests_auth_profiles._config.layers import Layers
from requests_auth_profiles._config.links import listed
from requests_auth_profiles._config.literals import literal_secrets
from requests_auth_profiles._config.place import Place
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import Profile, profile_of
from requests_auth_profiles._config.store import Store
from requests_auth_profiles._config.words import near
from requests_auth_profiles.errors import ConfigurationError, Fault, ProfileNotFound, ProfilesFileError

__all__ = ["ProfilesFile", "missing_file", "profiles_path", "site_path"]

_LONGEST_NAME = 64


def profiles_path(file: str | os.PathLike[str] | None = None) -> Path:
    """Where the profiles file is: the argument, else REQUESTS_AUTH_PROFILES_FILE, else the person's own.

    Raises:
        ConfigurationError: what is named can be no file, or there is no home folder.
    """
    named = file if file is not None else os.environ.get(environment.FILE) or None
    if named is None:
        return environment.config_folder() / "profiles.toml"
    path = environment.expanded(named)
    if path is None:
        said = environment.FILE if file is None else "file"
        message = f"{said} names no file: it is empty, has a NUL in it, or a ~ without a home folder"
        raise ConfigurationError(message, hint="give the whole path of the profiles file")
    return path.absolute()


def site_path(file: str | os.PathLike[str] | None = None) -> Path | None:
    """Where the site's file is, which lies under the person's own; None where another file is named."""
    if file is not None or os.environ.get(environment.FILE):
        return None
    return environment.site_folder() / "profiles.toml"


@dataclass(frozen=True, slots=True)
class ProfilesFile:
    """A profiles file without faults, with those that it includes or that lie under it.

    Args:
        path: where it is.
        layers: what stands in all of them.
        profiles: what holds for each profile.
        call: how a CI service is called for a secret; None = not at all.
    """

    path: Path
    layers: Layers = field(repr=False)
    profiles: Mapping[str, Effective] = field(repr=False)
    call: Call | None = None

    @classmethod
    def read(cls, path: Path, site: Path | None = None, instead: bytes | None = None) -> Self:
        """The file at a path.

        Args:
            path: the file.
            site: the one that lies under it, where there is one.
            instead: what is to stand in the file, where that is asked for before it does.

        Raises:
            ProfileNotFound: there is none.
            ProfilesFileError: it is wrong; all faults at once.
            ConfigurationError: it cannot be read.
        """
        file, found = cls._examined(path, site, instead)
        if file is None:
            # Raised here, where no variable holds what stands in the file: debuggers show those.
            raise ProfilesFileError(str(path), found)
        return file

    @property
    def names(self) -> list[str]:
        """The names of all profiles, in the order of the file."""
        return list(self.profiles)

    def chosen(self, name: str | None) -> str:
        """The profile that is meant: the argument, REQUESTS_AUTH_PROFILE, `default_profile`, or `default`.

        Raises:
            ProfileNotFound: there is none of that name, or none is named.
        """
        wanted = name if name is not None else os.environ.get(environment.PROFILE) or None
        if wanted is None:
            wanted = str(self.layers.data.get("default_profile", "default"))
            if wanted not in self.profiles:
                default = f'; or write default_profile = "{self.names[0]}"' if self.profiles else ""
                raise ProfileNotFound(
                    f"no profile is named, and none is the default of {self.path}",
                    hint=f"{self._choice()}{default}",
                )
        if wanted not in self.profiles:
            source = "" if name is not None else f", which {environment.PROFILE} names,"
            raise ProfileNotFound(
                f"there is no profile {wanted[:_LONGEST_NAME]!r}{source} in {self.path}",
                hint=near(wanted, self.profiles) or self._choice(),
            )
        return wanted

    def profile(self, name: str) -> Profile:
        """What a profile says.

        Args:
            name: one that is in the file.

        Raises:
            ProfilesFileError: it is only there to be extended: it lacks what it needs itself.
        """
        found = self.profiles[name]
        if lacking := incomplete(found):
            raise ProfilesFileError(str(self.path), self.placed(lacking))
        return profile_of(found, self.place, self.call)

    @property
    def texts(self) -> dict[str, str]:
        """What stands in each of its files, by path."""
        return {str(document.path): document.text for document in self.layers.documents}

    @property
    def store(self) -> Store:
        """What `[store]` says."""
        said = self.layers.data.get("store", {})
        key, passphrase = (
            Secret(said[name], self.place(("store", name)), call=self.call) if name in said else None
            for name in ("key", "passphrase")
        )
        # What is relative is in the folder of the file that says it.
        folder = (self.layers.owner(("store",)).path if said else self.path).parent
        url = said.get("url", "")
        if not isinstance(url, str):
            url = Secret(url, self.place(("store", "url")), call=self.call)
        return Store(url, folder, key, passphrase, str(said.get("key_source", "")))

    @classmethod
    def _examined(
        cls, path: Path, site: Path | None, instead: bytes | None
    ) -> tuple[Self | None, list[Fault]]:
        """The file, or what is wrong with it."""
        try:
            layers = Layers.of(path, site, instead)
        except FileNotFoundError:
            raise missing_file(path) from None
        data = layers.data
        known = rows(data)
        worlds = [effectives(data, known, in_ci=False)]
        if any(overlay(table) for table in tables(data).values()):
            worlds.append(effectives(data, known, in_ci=True))
        wrong: dict[Document, list[Fault]] = defaultdict(list)
        for document, is_included in layers.documents.items():
            wrong[document] += root_faults(document.data, below=is_included)
            literal = next(literal_secrets(document.data, worlds[0]), None) if document.is_shared else None
            if literal is not None:
                hint = f"chmod 600 {typed(document.path)}"
                wrong[document].append(Fault(literal, "is a secret in a file that others can read", hint))
        # While a file is not there, what it would have said would only be missed.
        theirs = {name for name in tables(data) if layers.owner(("profiles", name)).path != path}
        for fault in [] if layers.faults else faults(data, known, *worlds, templates=theirs):
            wrong[layers.owner(fault.path)].append(fault)
        found = [*layers.faults, *(one for document in wrong for one in document.placed(wrong[document]))]
        if found:
            order = {str(document.path): number for number, document in enumerate(layers.documents)}
            found.sort(key=lambda fault: (order.get(fault.file, len(order)), fault.line))
            return None, found
        chosen = worlds[-1] if environment.in_ci() else worlds[0]
        return cls(path, layers, {name: one for name, one in chosen.items() if one is not None}), []

    def placed(self, found: Iterable[Fault]) -> list[Fault]:
        """Faults with their files and lines."""
        by_owner: dict[Document, list[Fault]] = {}
        for fault in found:
            by_owner.setdefault(self.layers.owner(fault.path), []).append(fault)
        return [one for owner, faults in by_owner.items() for one in owner.placed(faults)]

    def _choice(self) -> str:
        if not self.profiles:
            return f"write one in {self.path}: [profiles.NAME]"
        return f"name one of {listed(self.profiles)}"

    def place(self, path: tuple[str, ...]) -> Place:
        """Where something stands, by its path from the root."""
        document = self.layers.owner(path)
        return Place(document.path, document.text, path)


def missing_file(path: Path) -> ProfileNotFound:
    """The error of a profiles file that is not there."""
    if end := dangling(path):
        hint = f"put the file there, or take the link away: rm {typed(path)}"
        return ProfileNotFound(f"the profiles file {path} is a link to {end}, which is not there", hint=hint)
    return ProfileNotFound(f"there is no profiles file {path}", hint=_init(path))


def _init(path: Path) -> str:
    try:
        own = path == environment.config_folder() / "profiles.toml"
    except ConfigurationError:
        own = False
    return "requests-auth init" if own else f"requests-auth init --file {typed(path)}"
