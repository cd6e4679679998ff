"""What can still be read of a document with a wrong shape, so that one answer names the other problems too."""

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from metadata.kinds import Models
from metadata.places import model_at
from metadata.problems import Path, Problem

Place = tuple[str | int, ...]
REMOVABLE = ("unknown_key", "reserved_key")


@dataclass
class Salvage:
    """A document without its broken parts; knows where the rest stood, and which names went with the parts."""

    document: Any
    models: Models
    dropped: set[Place] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    nouns: set[str] = field(default_factory=set)

    def without(self, problems: Iterable[Problem]) -> bool:
        """Take away what the problems are about; False when nothing would be left."""
        removed: set[Place] = set()
        for problem in problems:
            place = self._smallest_part(problem)
            if place is None:
                return False
            removed.add(place)
            self._remember_noun(place, problem)
        for place in sorted(removed, key=_last_first):
            self._remove(place)
        return True

    def translate(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        """Give problems of the rest with their places in the whole; what only misses a broken part is left out."""
        for problem in problems:
            if not self._misses_a_part(problem):
                yield replace(problem, path=self._original(problem.path))

    def _smallest_part(self, problem: Problem) -> Place | None:
        parts = problem.path.parts
        if problem.code in REMOVABLE or self._is_optional(problem.path):
            return parts
        while parts and not isinstance(parts[-1], int):
            parts = parts[:-1]
        return parts or None

    def _is_optional(self, path: Path) -> bool:
        if not path.parts or not isinstance(path.parts[-1], str):
            return False
        model = model_at(Path(path.parts[:-1]), self.document, self.models)
        fields = {info.alias or name: info for name, info in model.model_fields.items()} if model else {}
        return path.parts[-1] in fields and not fields[path.parts[-1]].is_required()

    def _remember_noun(self, place: Place, problem: Problem) -> None:
        """Where a name itself is wrong, nobody knows how the others call the thing."""
        nameless = len(problem.path.parts) == len(place) or problem.path.parts[-1] == "name"
        if len(place) > 1 and isinstance(place[-1], int) and nameless:
            self.nouns.add(str(place[-2]).removesuffix("s"))

    def _remove(self, place: Place) -> None:
        holder = self.document
        try:
            for part in place[:-1]:
                holder = holder[part]
            thing = holder[place[-1]]
        except (KeyError, IndexError, TypeError):
            return  # went with something larger
        self._remember_names({"name": thing} if isinstance(thing, str) else thing)
        if isinstance(place[-1], int):
            self.dropped.add(self._original(Path(place)).parts)
        del holder[place[-1]]

    def _remember_names(self, thing: Any) -> None:
        if isinstance(thing, dict):
            for key in ("name", "app"):
                if isinstance(thing.get(key), str):
                    self.names.add(thing[key])
            for each in thing.values():
                self._remember_names(each)
        elif isinstance(thing, list):
            for each in thing:
                self._remember_names(each)

    def _original(self, path: Path) -> Path:
        parts: Place = ()
        for part in path.parts:
            if isinstance(part, int):
                gone = {place[-1] for place in self.dropped if place[:-1] == parts}
                part = [index for index in range(part + len(gone) + 1) if index not in gone][part]
            parts = (*parts, part)
        return Path(parts)

    def _misses_a_part(self, problem: Problem) -> bool:
        if problem.code.removeprefix("unknown_") in self.nouns:
            return True
        value: Any = self.document
        words = {str(part) for part in problem.path.parts}
        for part in problem.path.parts:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                break
        if isinstance(value, str):
            words |= set(re.findall(r"\w+", value))
        return bool(words & self.names)


def salvage(document: Any, models: Models) -> Salvage:
    return Salvage(copy.deepcopy(document), models)


def _last_first(place: Place) -> tuple[Any, ...]:
    return tuple((0, -part, "") if isinstance(part, int) else (1, 0, part) for part in place)
