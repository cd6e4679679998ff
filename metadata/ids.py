"""Stable ids: written by the author, taken from what is live, or made from the app and the first path."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from metadata.access import RoleDefinition
from metadata.app import AppDefinition
from metadata.flows import FlowDefinition, NodeDefinition
from metadata.forms import FieldDefinition, FormDefinition, ViewDefinition
from metadata.problems import Path, Problems
from metadata.reports import DashboardDefinition, ReportDefinition
from metadata.rules import RuleDefinition
from metadata.walk import Thing, things

PREFIXES: Mapping[type[BaseModel], str] = {
    RoleDefinition: "r",
    FormDefinition: "t",
    FieldDefinition: "f",
    ViewDefinition: "v",
    FlowDefinition: "w",
    NodeDefinition: "n",
    RuleDefinition: "u",
    ReportDefinition: "p",
    DashboardDefinition: "d",
}
LENGTH = 7


@dataclass(frozen=True)
class Owned:
    """A thing that has an id, within what it belongs to: a field of a form or subform, a node of a flow."""

    path: Path
    model: BaseModel
    prefix: str
    owner: Path | None

    @property
    def id(self) -> str | None:
        return self.model.id  # type: ignore[attr-defined, no-any-return]

    @property
    def name(self) -> str | None:
        return self.model.name  # type: ignore[attr-defined, no-any-return]

    @property
    def was(self) -> str | None:
        return self.model.was  # type: ignore[attr-defined, no-any-return]


def owned(app: AppDefinition) -> Iterator[Owned]:
    """Give everything that has an id, owners before what they own."""
    paths: dict[int, Path] = {}
    for thing in things(app):
        prefix = prefix_of(thing.model)
        if prefix is not None:
            paths[id(thing.model)] = thing.path
            owner = _owner(thing, prefix)
            yield Owned(thing.path, thing.model, prefix, paths[id(owner)] if owner is not None else None)


def prefix_of(model: BaseModel) -> str | None:
    """The letter that begins the ids of such a thing."""
    return next((prefix for kind, prefix in PREFIXES.items() if isinstance(model, kind)), None)


def _owner(thing: Thing, prefix: str) -> BaseModel | None:
    kinds = {"f": (FormDefinition, FieldDefinition), "n": (FlowDefinition,)}.get(prefix, ())
    return next((each for each in reversed(thing.around) if isinstance(each, kinds)), None) if kinds else None


def known_ids(app: AppDefinition) -> dict[str, str]:
    """Which id stands for which name, in an app whose ids are filled in: `t_1/f/days` is the field days of form t_1."""
    ids: dict[str, str] = {}
    keys: dict[Path | None, str] = {}
    for each in owned(app):
        keys[each.path] = each.id or ""
        ids[_key(keys.get(each.owner, ""), each.prefix, each.name or str(each.path))] = each.id or ""
    return ids


def _key(owner: str, prefix: str, name: str) -> str:
    return f"{owner}/{prefix}/{name}"


@dataclass
class Assignment:
    """Finds an id for everything that lacks one."""

    app: AppDefinition
    known: Mapping[str, str]
    ids: dict[Path | None, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def all(self) -> dict[Path, str]:
        """Give the ids of the things that have none written (or one that cannot be), by path."""
        everything = list(owned(self.app))
        for each in everything:
            if each.id and each.id.startswith(each.prefix) and each.id not in self.used:
                self._give(each, each.id)
        written = set(self.ids)
        for siblings in _by_owner(everything):
            lacking = [each for each in siblings if each.path not in written]
            self._take(lacking, lambda each: each.was)
            self._take(lacking, lambda each: each.name or str(each.path))
            self._make(lacking)
        return {each.path: self.ids[each.path] for each in everything if each.path not in written}

    def _take(self, lacking: list[Owned], name_of: Callable[[Owned], str | None]) -> None:
        for each in lacking:
            name = name_of(each)
            if each.path in self.ids or name is None:
                continue
            id = self.known.get(_key(self.ids.get(each.owner, ""), each.prefix, name))
            if id is not None and id not in self.used:
                self._give(each, id)

    def _make(self, lacking: list[Owned]) -> None:
        for each in lacking:
            if each.path not in self.ids:
                self._give(each, self._fresh(each))

    def _give(self, each: Owned, id: str) -> None:
        self.ids[each.path] = id
        self.used.add(id)

    def _fresh(self, each: Owned) -> str:
        """Hash the app and the path; another id that came out the same, now or ever, asks for another try."""
        path = _key(self.ids.get(each.owner, ""), each.prefix, each.name or str(each.path))
        taken = self.used | set(self.known.values())
        for attempt in range(1000):
            id = f"{each.prefix}_{_hash(f'{self.app.app}:{path}:{attempt}' if attempt else f'{self.app.app}:{path}')}"
            if id not in taken:
                return id
        raise RuntimeError("no free id was found")


def _by_owner(everything: Iterable[Owned]) -> Iterator[list[Owned]]:
    groups: dict[tuple[Path | None, str], list[Owned]] = {}
    for each in everything:
        groups.setdefault((each.owner, each.prefix), []).append(each)
    yield from groups.values()


def _hash(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:LENGTH]


def check_ids(app: AppDefinition, problems: Problems) -> None:
    """Ids begin with the letter of their noun, and no id and no name stands twice."""
    ids: dict[str, Path] = {}
    names: set[tuple[Path | None, str, str]] = set()
    for each in owned(app):
        if each.id is not None:
            _check_id(each, ids, problems)
        if each.name is not None:
            if (each.owner, each.prefix, each.name) in names:
                message = {"en": f"The name “{each.name}” is there twice", "zh": f"名称“{each.name}”重复"}
                hint = {"en": "Give one of them another name", "zh": "请为其中之一改名"}
                problems.add(each.path / "name", "duplicate_name", message, hint)
            names.add((each.owner, each.prefix, each.name))


def _check_id(each: Owned, seen: dict[str, Path], problems: Problems) -> None:
    assert each.id is not None
    if not each.id.startswith(each.prefix + "_"):
        message = {"en": f"This id must begin with “{each.prefix}_”", "zh": f"此标识应以“{each.prefix}_”开头"}
        problems.add(
            each.path / "id",
            "bad_id",
            message,
            {"en": "Leave the id out; one is given", "zh": "请省略 id，系统会自动分配"},
        )
    elif each.id in seen:
        message = {"en": f"The id “{each.id}” is there twice", "zh": f"标识“{each.id}”重复"}
        hint = {
            "en": f"It also stands at {seen[each.id]}; leave one of them out",
            "zh": f"它也出现在 {seen[each.id]}；请省略其中之一",
        }
        problems.add(each.path / "id", "duplicate_id", message, hint)
    seen.setdefault(each.id, each.path)
