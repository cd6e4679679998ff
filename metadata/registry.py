"""Registries of kinds: one for each extensible noun, filled at start and then frozen."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from metadata.problems import ROOT, InvalidDefinition, Problem, nearest
from metadata.text import Text


def _key(attribute: str) -> str:
    return attribute.removesuffix("_")


class Options(BaseModel):
    """The keys of a kind besides the common ones; unknown keys are errors.

    A key that is a Python word is written with an underscore at the end (`if_` is `"if"` in the JSON).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=_key, serialize_by_alias=True)


class Kind:
    """The base of every registered kind: its name in the JSON and how it is shown in designers and catalogues."""

    name: ClassVar[str]
    title: ClassVar[Text]
    icon: ClassVar[str]
    stands_in: ClassVar[bool] = False  # for one whose package is not installed
    Options: ClassVar[type[BaseModel]] = Options


KindType = TypeVar("KindType", bound=Kind)


class Registry(Generic[KindType]):
    """The kinds of one noun by name. Registering twice is an error; after `freeze` nothing more comes in."""

    def __init__(self, noun: str, base: type[KindType]) -> None:
        self.noun = noun
        self.base = base
        self._kinds: dict[str, KindType] = {}
        self._frozen = False

    def register(self, kind: KindType) -> KindType:
        if self._frozen:
            raise RuntimeError(f"the {self.noun} registry is frozen; register kinds at start")
        if kind.name in self._kinds:
            raise RuntimeError(f"the {self.noun} kind {kind.name!r} is registered twice")
        self._kinds[kind.name] = kind
        return kind

    def load(self, package: ModuleType) -> None:
        """Register an instance of every kind class that the modules of a package define."""
        for info in pkgutil.iter_modules(package.__path__):
            self.register_module(importlib.import_module(f"{package.__name__}.{info.name}"))

    def register_module(self, module: ModuleType) -> None:
        for thing in vars(module).values():
            is_kind = isinstance(thing, type) and issubclass(thing, self.base) and thing.__module__ == module.__name__
            if is_kind and getattr(thing, "name", None):
                self.register(thing())

    def freeze(self) -> None:
        self._frozen = True

    def with_more(self, kinds: Iterable[KindType]) -> "Registry[KindType]":
        """Another registry, frozen, that has these kinds too."""
        more = Registry(self.noun, self.base)
        more._kinds = {**self._kinds, **{kind.name: kind for kind in kinds}}
        more.freeze()
        return more

    def get(self, name: str) -> KindType:
        """Give the kind, or raise with the nearest known name as a hint."""
        try:
            return self._kinds[name]
        except KeyError:
            message = {"en": f"There is no {self.noun} “{name}”", "zh": f"不存在名为“{name}”的{self.noun}"}
            raise InvalidDefinition(Problem(ROOT, "unknown_kind", message, nearest(name, self._kinds))) from None

    def names(self) -> list[str]:
        return sorted(self._kinds)

    def catalogue(self) -> list[dict[str, Any]]:
        """Describe every kind for the designers: name, title, icon and the JSON Schema of its options."""
        return [
            {"name": kind.name, "title": kind.title, "icon": kind.icon, "options": kind.Options.model_json_schema()}
            for kind in self
        ]

    def __contains__(self, name: str) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[KindType]:
        return iter(self._kinds[name] for name in sorted(self._kinds))
