"""Walking a definition by its types: every name, expression, template and value in it, with what names mean there."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from metadata.access import AccessDefinition
from metadata.app import AppDefinition
from metadata.flows import FlowDefinition, NodeDefinition
from metadata.forms import FieldDefinition, FormDefinition, ViewDefinition
from metadata.names import IsExpression, IsTemplate, IsValue, Reference
from metadata.problems import ROOT, Path
from metadata.reports import ReportDefinition
from metadata.rules import RuleDefinition
from metadata.stories import StoryDefinition
from metadata.story_names import names_in

Marker = Reference | IsExpression | IsTemplate | IsValue


@dataclass(frozen=True)
class Place:
    """What names mean somewhere: plain field names belong to `form`, bare names in expressions to `bare`.

    Where `bare` is a subform, `record` is the form of the record that holds the rows. All are ids; None where no form
    is at hand, or none that is known.
    """

    form: str | None = None
    bare: str | None = None
    record: str | None = None


@dataclass(frozen=True)
class Leaf:
    """A text (or value) whose type says what it is; `is_key` when it stands as a key. `holder` is the object around."""

    path: Path
    marker: Marker
    value: Any
    place: Place
    holder: BaseModel
    is_key: bool = False


@dataclass(frozen=True)
class Thing:
    """A model somewhere in a definition, with the things around it, outermost first."""

    path: Path
    model: BaseModel
    around: tuple[BaseModel, ...]


def leaves(app: AppDefinition) -> Iterator[Leaf]:
    """Give every marked text of a definition, in reading order."""
    return _of_model(app, ROOT, Place(), _Forms(app))


def things(model: BaseModel, path: Path = ROOT, around: tuple[BaseModel, ...] = ()) -> Iterator[Thing]:
    """Give every model of a definition, the outer before the inner."""
    yield Thing(path, model, around)
    for name, info in type(model).model_fields.items():
        for place, inner in _models_in(getattr(model, name), path / (info.alias or name)):
            yield from things(inner, place, (*around, model))


def annotation_of(info: FieldInfo) -> Any:
    """The type of a key with everything that is remarked about it."""
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


def base_of(annotation: Any) -> Any:
    """Strip what is only remarked about a type."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def arms_of(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union and of the unions in it; any other type is its only one."""
    base = base_of(annotation)
    if get_origin(base) not in (Union, types.UnionType):
        return (annotation,)
    return tuple(arm for each in get_args(base) for arm in arms_of(each))


def _models_in(value: Any, path: Path) -> Iterator[tuple[Path, BaseModel]]:
    if isinstance(value, BaseModel):
        yield path, value
    elif isinstance(value, tuple | list):
        for index, each in enumerate(value):
            yield from _models_in(each, path / index)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _models_in(each, path / str(key))


class _Forms:
    """The form and subform ids of an app by name, to know what is at hand."""

    def __init__(self, app: AppDefinition) -> None:
        self._forms = {form.name: form for form in app.forms}
        self._flows = app.flows

    def id_of(self, name: str | None) -> str | None:
        form = self._forms.get(name) if name else None
        return form.key if form else None

    def rows_of(self, form: str | None, name: str | None) -> str | None:
        """The id of the subform that is the field `name` of the form `form`."""
        found = self._forms.get(form) if form else None
        for field in found.fields if found else ():
            if field.name == name:
                return field.key
        return None

    def rows_of_id(self, form: str, name: str) -> str | None:
        """The id of the subform that is the field `name` of the form with this id; None for other fields."""
        found = next((each for each in self._forms.values() if each.key == form), None)
        for field in found.fields if found else ():
            if field.name == name and getattr(field, "fields", None):
                return field.key
        return None

    def form_of_node(self, name: str) -> str | None:
        """The id of the form in whose flows a node has this name; None where there are several or none."""
        found = {
            flow.form
            for flow in self._flows
            for each in things(flow)
            if isinstance(each.model, NodeDefinition) and each.model.name == name
        }
        return self.id_of(found.pop()) if len(found) == 1 else None


def _place_in(model: BaseModel, place: Place, forms: _Forms) -> Place:
    """What names mean inside a model, given what they mean around it."""
    if isinstance(model, FormDefinition):
        return Place(model.key, model.key)
    if isinstance(model, RuleDefinition):
        return _with_rows(model.when.form, _rows_at_hand(model.when), forms)
    if isinstance(model, ReportDefinition):
        return _with_rows(model.form, model.rows, forms)
    if isinstance(model, FlowDefinition | AccessDefinition | ViewDefinition):
        return _with_rows(model.form, None, forms)
    return place


def _rows_at_hand(trigger: BaseModel) -> str | None:
    """The subform whose rows a rule is about, where its trigger's kind has such a key."""
    for name, info in type(trigger).model_fields.items():
        markers = [_marker(arm) for arm in arms_of(annotation_of(info))]
        if any(isinstance(marker, Reference) and marker.at_hand for marker in markers):
            rows: str | None = getattr(trigger, name)
            return rows
    return None


def _with_rows(form: str | None, rows: Any, forms: _Forms) -> Place:
    id = forms.id_of(form)
    return Place(id, forms.rows_of(form, rows), id) if isinstance(rows, str) else Place(id, id)


def _of_model(model: BaseModel, path: Path, place: Place, forms: _Forms) -> Iterator[Leaf]:
    place = _place_in(model, place, forms)
    for name, info in type(model).model_fields.items():
        at = _Spot(model, place, forms)
        yield from _of_value(annotation_of(info), getattr(model, name), path / (info.alias or name), at)
    if isinstance(model, StoryDefinition):
        for each in names_in(model, path, forms):
            yield Leaf(each.path, each.marker, each.value, Place(each.form, each.form), each.step, each.is_key)


@dataclass(frozen=True)
class _Spot:
    holder: BaseModel
    place: Place
    forms: _Forms

    @property
    def inner(self) -> Place:
        """The place of things inside a field: the rows of a subform know their own fields, and the record."""
        if isinstance(self.holder, FieldDefinition) and getattr(self.holder, "fields", None):
            return Place(self.holder.key, self.holder.key, self.place.form)
        return self.place


def _of_value(annotation: Any, value: Any, path: Path, at: _Spot) -> Iterator[Leaf]:
    if value is None:
        return
    if isinstance(value, BaseModel):
        yield from _of_model(value, path, at.inner, at.forms)
        return
    if (marker := _marker(annotation)) is not None:
        yield Leaf(path, marker, value, at.place, at.holder)
        return
    arm = next((arm for arm in arms_of(annotation) if _fits(arm, value)), None)
    if arm is None:
        return
    if arm is not annotation:
        yield from _of_value(arm, value, path, at)
    elif isinstance(value, tuple | list):
        parts = get_args(base_of(arm))
        for index, each in enumerate(value):
            yield from _of_value(parts[0] if parts else Any, each, path / index, at)
    elif isinstance(value, Mapping):
        yield from _of_mapping(base_of(arm), value, path, at)


def _of_mapping(annotation: Any, value: Mapping[str, Any], path: Path, at: _Spot) -> Iterator[Leaf]:
    key_type, value_type = get_args(annotation) or (Any, Any)
    for key, each in value.items():
        for leaf in _of_value(key_type, key, path / key, at):
            yield replace(leaf, is_key=True)
        yield from _of_value(value_type, each, path / key, at)


def _marker(annotation: Any) -> Marker | None:
    while get_origin(annotation) is Annotated:
        for remark in annotation.__metadata__:
            if isinstance(remark, Marker):
                return remark
        annotation = get_args(annotation)[0]
    return None


def _fits(arm: Any, value: Any) -> bool:
    base = base_of(arm)
    if base is Any:
        return True
    kind = get_origin(base) or base
    if kind in (Union, types.UnionType):
        return any(_fits(each, value) for each in get_args(base))
    return isinstance(kind, type) and isinstance(value, kind)
