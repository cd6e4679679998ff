"""The language as one platform speaks it: reads documents into definitions with all their problems, and writes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Literal, cast

from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import PydanticSerializationError, to_json

from metadata.app import AppDefinition
from metadata.canonical import canonical, place_ids, place_of, plain_number
from metadata.careless import careless
from metadata.flows import NodeDefinition
from metadata.forms import FieldDefinition
from metadata.ids import Assignment, check_ids, known_ids, owned
from metadata.kinds import TAGS, KindNoun, Kinds, MissingKind, Models
from metadata.limits import check_characters, check_depth, check_limits, check_size
from metadata.places import place_in_document
from metadata.problems import ROOT, InvalidDefinition, Problem, Problems, Refusal
from metadata.references import unknown_names
from metadata.reports import ChartDefinition
from metadata.rules import ActionDefinition, TriggerDefinition
from metadata.salvage import Salvage, salvage
from metadata.schema import json_schema
from metadata.shape_problems import shape_problems
from metadata.upgrades import upgrade

COMMON: Mapping[KindNoun, type[BaseModel]] = {
    "field": FieldDefinition,
    "node": NodeDefinition,
    "trigger": TriggerDefinition,
    "action": ActionDefinition,
    "chart": ChartDefinition,
}

ATTEMPTS = 4


@dataclass(frozen=True)
class Examined:
    """What came of reading a document: the definition, or what is left of it without its broken parts, and every
    problem that was found."""

    app: AppDefinition | None
    problems: Problems
    rest: Salvage | None = None
    document: Any = None

    def add(self, problems: Iterable[Problem]) -> None:
        """Add problems that were found in the definition; nothing is said twice."""
        known = {(problem.path, problem.code) for problem in self.problems}
        for problem in self.rest.translate(problems) if self.rest else problems:
            path = place_in_document(problem.path.parts, self.document)
            if (path, problem.code) not in known:
                known.add((path, problem.code))
                self.problems.items.append(replace(problem, path=path))


@dataclass(frozen=True)
class Language:
    """Definitions as the registered kinds let them be written."""

    kinds: Kinds

    def read(self, document: Any, live: AppDefinition | None = None) -> AppDefinition:
        """Read a document; raise InvalidDefinition with all its problems."""
        examined = self.examine(document, live)
        examined.problems.raise_if_any()
        return cast(AppDefinition, examined.app)

    def examine(
        self, document: Any, live: AppDefinition | None = None, known: Mapping[str, str] | None = None
    ) -> Examined:
        """Read a document as far as it goes; ids come from the live definition, or from a map of all that ever were."""
        return self.complete(self.shape(document, {**(known or {}), **(known_ids(live) if live else {})}))

    def complete(self, shaped: Examined) -> Examined:
        """Say also which names lead nowhere, which limits are passed, and what nobody can mean."""
        if shaped.app is not None:
            shaped.add(unknown_names(shaped.app))
            shaped.add(check_limits(shaped.app))
            shaped.add(careless(shaped.app) if shaped.rest is None else ())
        return shaped

    def shape(self, document: Any, known: Mapping[str, str]) -> Examined:
        """Upgrade, check the shape and fill in the ids; names may still lead nowhere."""
        try:
            upgraded = _upgraded(document)
        except Refusal as refusal:
            return Examined(None, Problems(list(refusal.problems)))
        app: AppDefinition | None
        rest: Salvage | None = None
        problems = Problems()
        try:
            app = self._parse(upgraded)
        except InvalidDefinition as refusal:
            problems.extend(refusal.problems)
            app, rest = self._rest(upgraded, problems)
        if app is None:
            return Examined(None, problems)
        named = Problems()
        check_ids(app, named)
        examined = Examined(self._with_ids(app, known), problems, rest, upgraded)
        examined.add(named)
        return examined

    def load(self, document: Any) -> AppDefinition:
        """Read a definition that was checked when it was stored: later checks must not make it unreadable."""
        return self._parse(upgrade(document))

    def missing_from(self, document: Any) -> tuple[MissingKind, ...]:
        """The kinds that a stored definition names and nobody has registered."""
        return missing_kinds(AppDefinition, upgrade(document), self.models)

    def canonical(self, app: AppDefinition) -> dict[str, Any]:
        """The one way to write a definition: keys in order, what is as usual left out."""
        return canonical(app)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of a whole app."""
        return self._schema

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return json_schema(self.models)

    @property
    def models(self) -> Models:
        """A model for every kind: the common keys of its noun and its own options, flat."""
        return models_of(self.kinds)

    def _with_ids(self, app: AppDefinition, known: Mapping[str, str]) -> AppDefinition:
        document = place_ids(canonical(app), Assignment(app, known).all())
        for each in owned(app):  # a canonical document says no `was`, but who reads this one still has to know
            if each.was is not None:
                place_of(document, each.path)["was"] = each.was
        return self._parse(document)

    def _rest(self, document: Any, problems: Problems) -> tuple[AppDefinition | None, Salvage | None]:
        """Read what is left without the broken parts, if anything is."""
        rest = salvage(document, self.models)
        broken = list(problems)
        for _ in range(ATTEMPTS):
            if not rest.without(broken):
                return None, None
            try:
                return self._parse(rest.document), rest
            except InvalidDefinition as refusal:
                broken = list(refusal.problems)
        return None, None

    def _parse(self, document: Any) -> AppDefinition:
        try:
            return AppDefinition.model_validate_json(to_json(document), context={"models": self.models})
        except ValidationError as error:
            raise InvalidDefinition(*shape_problems(error, document, self.models)) from None


@lru_cache(maxsize=8)
def models_of(kinds: Kinds) -> Models:
    """The models of registered kinds; made once, for making them takes longer than reading an app."""
    return {noun: {kind.name: _model(noun, kind) for kind in kinds.of(noun)} for noun in COMMON}


def missing_kinds(model: type[BaseModel], document: Any, models: Models) -> tuple[MissingKind, ...]:
    """The kinds that a part of a definition names and nobody has registered."""
    try:
        model.model_validate_json(to_json(document), context={"models": models})
    except ValidationError as error:
        return tuple(
            MissingKind(line["ctx"]["noun"], line["ctx"]["name"], place_in_document(line["loc"][:-1], document))
            for line in error.errors(include_url=False)
            if line["type"] == "unknown_kind"
        )
    return ()


def _upgraded(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        message = {"en": "A definition is a JSON object", "zh": "应用定义应为 JSON 对象"}
        hint = {
            "en": 'It begins with { and names its app: {"app": "leave", ...}',
            "zh": '应以 { 开头并写明应用：{"app": "leave", ...}',
        }
        raise InvalidDefinition(Problem(ROOT, "wrong_type", message, hint))
    check_depth(document)
    check_characters(document)
    plain = _with_plain_numbers(document)
    try:
        check_size(len(to_json(plain)))
    except PydanticSerializationError:
        message = {"en": "The text holds characters that do not exist", "zh": "文本包含无效字符"}
        raise InvalidDefinition(Problem(ROOT, "broken_text", message)) from None
    return upgrade(plain)


def _with_plain_numbers(value: Any) -> Any:
    """Exact numbers, as strict readers give them, become JSON numbers again."""
    if isinstance(value, dict):
        return {key: _with_plain_numbers(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_plain_numbers(each) for each in value]
    return plain_number(value) if isinstance(value, Decimal) else value


def _model(noun: KindNoun, kind: Any) -> type[BaseModel]:
    title = "".join(word.capitalize() for word in [*kind.name.split("_"), noun])
    tag: dict[str, Any] = {TAGS[noun]: (Literal[kind.name], ...)}
    common = COMMON[noun]
    bases = (common,) if issubclass(common, kind.Options) else (kind.Options, common)
    model = create_model(title, __base__=bases, **tag)
    model.__doc__ = kind.__doc__
    return model
