"""Form: what is said to a provider, or by one, in confidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Form"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Form(Mapping[str, str]):
    """Fields that are shown by their names only, as reports of an error show variables.

    Args:
        fields: all of them, by name.
    """

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __repr__(self) -> str:
        return f"Form({', '.join(self)})"
