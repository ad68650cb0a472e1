"""Commands whose modules are imported when they are asked for, so that none waits for what only others need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_group


def lazily(places: Mapping[str, str]) -> type[TyperGroup]:
    """A group that has its own commands, and these: name to `module:attribute` of `workers.cli`.

    The attribute is a function, or an app that becomes a group of its own.
    """

    class Group(TyperGroup):
        def __init__(self, **how: Any) -> None:
            super().__init__(**how)
            self.commands = cast(Any, _Commands(self.commands, places))

        def list_commands(self, ctx: Any) -> list[str]:
            del ctx
            return list(self.commands)

    return Group


class _Commands(Mapping[str, Any]):
    """By name; to look one up imports its module, to ask for the names does not."""

    def __init__(self, own: Mapping[str, Any], places: Mapping[str, str]) -> None:
        self._made, self._places = dict(own), places
        self._names = [*own, *places]

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _imported(name, self._places[name])
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _imported(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"workers.cli.{module}"), attribute)
    around = typer.Typer()
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name=name)(found)
    return get_group(around).commands[name]
