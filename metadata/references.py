"""Who names what: the graph of a definition, read from typed references; and names that lead nowhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from metadata.app import AppDefinition
from metadata.flows import FlowDefinition, NodeDefinition
from metadata.forms import FieldDefinition, FormDefinition
from metadata.names import SYSTEM_FIELDS, Reference
from metadata.problems import ROOT, Path, Problem, nearest
from metadata.text import Text
from metadata.walk import Leaf, leaves, things

PLAIN_SYSTEM_FIELDS = ("id", "version", "created_at", "updated_at")
ENDS = (
    *("text", "long_text", "number", "money", "percent", "date", "datetime", "yes_no", "select", "multi_select"),
    *("tags", "email", "phone", "url", "attachment", "auto_number"),
)  # of the built-in kinds; what others lead to is for the compiler to say

WORDS: Mapping[str, str] = {
    "form": "表单",
    "field": "字段",
    "role": "角色",
    "flow": "流程",
    "node": "节点",
    "rule": "规则",
    "report": "报表",
    "dashboard": "仪表盘",
    "view": "视图",
    "measure": "指标",
}


@dataclass(frozen=True)
class Use:
    """One place that names a thing: `target` is its id, `source` the id of the thing in which the name stands."""

    path: Path
    target: str
    source: str | None
    text: str
    is_key: bool = False
    part: int | None = None  # which part of a dotted path


@dataclass(frozen=True)
class ReferenceGraph:
    """All uses of an app."""

    all: tuple[Use, ...]

    def uses(self, target: str) -> tuple[Use, ...]:
        """Where a thing is used."""
        return tuple(use for use in self.all if use.target == target)

    def targets(self, path: Path) -> frozenset[str]:
        """What is used at a place and inside it."""
        return frozenset(use.target for use in self.all if use.path.parts[: len(path.parts)] == path.parts)


def graph(app: AppDefinition) -> ReferenceGraph:
    """Give every use of a name; a name that leads nowhere is no use."""
    names = NamesOfApp(app)
    return ReferenceGraph(tuple(use for leaf in leaves(app) for use in names.uses(leaf)))


def unknown_names(app: AppDefinition) -> Iterator[Problem]:
    """Say which names lead nowhere, and which known name looks most like them."""
    names = NamesOfApp(app)
    for leaf in leaves(app):
        if isinstance(leaf.marker, Reference):
            yield from names.problems(leaf)
    yield from _unknown_measures(app)


def _unknown_measures(app: AppDefinition) -> Iterator[Problem]:
    """What a story asks of a report has to be among its measures."""
    measures = {report.name: {each.name: each for each in report.measures} for report in app.reports}
    for place, story in enumerate(app.stories):
        for index, step in enumerate(story.steps):
            known = measures.get(step.report or "")
            for name in step.values or () if known is not None else ():
                if known is not None and name not in known:
                    path = ROOT / "stories" / place / "steps" / index / "values" / name
                    yield unknown(path, "measure", name, known, str(step.report))


class NamesOfApp:
    """The things of an app by name, and which form's fields a text may name."""

    def __init__(self, app: AppDefinition) -> None:
        self.app = app

    def uses(self, leaf: Leaf) -> Iterator[Use]:
        if not isinstance(leaf.marker, Reference) or not isinstance(leaf.value, str):
            return
        if leaf.marker.noun == "field":
            yield from self._field_uses(leaf)
        elif (id := self.things(leaf).get(leaf.value)) is not None:
            yield Use(leaf.path, id, self.source(leaf.path), leaf.value, leaf.is_key)

    def problems(self, leaf: Leaf) -> Iterator[Problem]:
        assert isinstance(leaf.marker, Reference)
        if leaf.value == "*" and leaf.marker.star:
            return
        if leaf.marker.noun != "field":
            known = self.things(leaf)
            if leaf.value not in known:
                yield unknown(leaf.path, leaf.marker.noun, str(leaf.value), known)
            return
        form = self.form_of(leaf)
        if form is None:
            return  # the name of the form is wrong itself, or this is for the compiler to say
        yield from self._field_problems(leaf, form)

    def _field_problems(self, leaf: Leaf, form: str) -> Iterator[Problem]:
        at: str | None = form
        held, last = form, ""
        for name in str(leaf.value).split(".") if leaf.marker.path else [str(leaf.value)]:  # type: ignore[union-attr]
            if at is None:
                if self._is_an_end(held, last):
                    yield leads_nowhere(leaf.path, last, str(leaf.value))
                return
            held, last = at, name
            if name == "record" and leaf.place.record is not None and at == form:
                at = leaf.place.record
                continue
            if name not in self.fields[at] and name not in SYSTEM_FIELDS:
                yield unknown(leaf.path, "field", name, self.fields[at], self.captions.get(at, ""))
                return
            at = self.leads_to(at, name)

    def _is_an_end(self, form: str, name: str) -> bool:
        """Whether nothing can stand behind a field: it holds neither a link nor people, nor what may lead to them."""
        field = self.fields[form].get(name)
        return name in PLAIN_SYSTEM_FIELDS if field is None else field.type in ENDS

    def _field_uses(self, leaf: Leaf) -> Iterator[Use]:
        at = self.form_of(leaf)
        start = at
        for part, name in enumerate(str(leaf.value).split(".")):
            if at is None:
                return
            if name == "record" and leaf.place.record is not None and at == start:
                at = leaf.place.record
                continue
            field = self.fields[at].get(name)
            if field is not None:
                yield Use(leaf.path, field.key, self.source(leaf.path), str(leaf.value), leaf.is_key, part)
            at = self.leads_to(at, name)

    def form_of(self, leaf: Leaf) -> str | None:
        """The id of the form or subform whose fields a text may name."""
        marker = leaf.marker
        assert not isinstance(marker, str)
        of = _neighbour(leaf, getattr(marker, "of", None))
        through = _neighbour(leaf, getattr(marker, "through", None))
        if of is not None:
            form = self.forms.get(of)
            return self._led(form, through) if through is not None else form
        if through is not None:
            return self._led(leaf.place.bare if "." in through else leaf.place.form, through)
        return leaf.place.bare if getattr(marker, "path", False) else leaf.place.form

    def record_form_of(self, rows: str) -> str | None:
        """The form of the records that hold the rows of a subform; None for a form that stands by itself."""
        return next((form.key for form in self.app.forms for each in form.fields if each.key == rows), None)

    def _led(self, at: str | None, way: str) -> str | None:
        for name in way.split("."):
            at = self.leads_to(at, name) if at is not None else None
        return at

    def leads_to(self, form: str, name: str) -> str | None:
        """The form or subform to which a field leads; None where it leads nowhere, or to a person."""
        field = self.fields[form].get(name)
        if field is None:
            return None
        if getattr(field, "fields", None):
            return field.key
        target = getattr(field, "form", None)
        return self.forms.get(target) if isinstance(target, str) and not hasattr(field, "link") else None

    def things(self, leaf: Leaf) -> Mapping[str, str]:
        """The ids of the things, by name, among which a text names one."""
        noun = leaf.marker.noun if isinstance(leaf.marker, Reference) else ""
        if noun == "form":
            return self.forms
        if noun == "node":
            return self._nodes_around(leaf)
        return {each.name: each.key for each in getattr(self.app, f"{noun}s")}

    def _nodes_around(self, leaf: Leaf) -> Mapping[str, str]:
        section, index = leaf.path.parts[:2]
        if section == "flows" and isinstance(index, int):
            return self.nodes[index]
        return self._nodes_of_form(leaf.place.form)

    def _nodes_of_form(self, form: str | None) -> Mapping[str, str]:
        """The nodes of all flows of a form, for stories; a name that stands for several has no id of its own."""
        found: dict[str, str] = {}
        for flow, nodes in zip(self.app.flows, self.nodes, strict=True):
            if form in (None, self.forms.get(flow.form)):
                found.update({name: "" if name in found else id for name, id in nodes.items()})
        return found

    def source(self, path: Path) -> str | None:
        """The id of the innermost thing with an id in which a place lies."""
        for length in range(len(path.parts) - 1, 0, -1):
            if (id := self.ids.get(path.parts[:length])) is not None:
                return id
        return None

    @cached_property
    def ids(self) -> Mapping[tuple[str | int, ...], str]:
        return {each.path.parts: each.model.id for each in things(self.app) if getattr(each.model, "id", None)}  # type: ignore[attr-defined]

    @cached_property
    def forms(self) -> Mapping[str, str]:
        return {form.name: form.key for form in self.app.forms}

    @cached_property
    def fields(self) -> Mapping[str, Mapping[str, FieldDefinition]]:
        """The fields by name of every form and subform, by id."""
        found: dict[str, Mapping[str, FieldDefinition]] = {}
        for model in (each.model for each in things(self.app)):
            inner = getattr(model, "fields", None)
            if isinstance(model, FormDefinition | FieldDefinition) and isinstance(inner, tuple):
                found[model.key] = {field.name: field for field in inner}
        return found

    @cached_property
    def captions(self) -> Mapping[str, str]:
        """The name of every form and subform by id."""
        kinds = (FormDefinition, FieldDefinition)
        return {each.model.key: each.model.name for each in things(self.app) if isinstance(each.model, kinds)}

    @cached_property
    def nodes(self) -> tuple[Mapping[str, str], ...]:
        return tuple(_node_names(flow) for flow in self.app.flows)


def _neighbour(leaf: Leaf, key: str | None) -> str | None:
    found = getattr(leaf.holder, key, None) if key else None
    return found if isinstance(found, str) else None


def _node_names(flow: FlowDefinition) -> Mapping[str, str]:
    nodes: Iterable[BaseModel] = (each.model for each in things(flow))
    return {node.name: node.key for node in nodes if isinstance(node, NodeDefinition) and node.name}


def leads_nowhere(path: Path, name: str, whole: str) -> Problem:
    message = {
        "en": f"“{name}” leads to no other record, so “{whole}” goes too far",
        "zh": f"“{name}”不指向其他记录，“{whole}”无法继续",
    }
    hint = {"en": f"End the path at “{name}”", "zh": f"请以“{name}”结束该路径"}
    return Problem(path, "unknown_field", message, hint)


def unknown(path: Path, noun: str, name: str, known: Mapping[str, Any], form: str = "") -> Problem:
    """The problem of a name that leads nowhere."""
    where_en, where_zh = (f" in “{form}”", f"“{form}”中") if form else ("", "")
    message: Text = {"en": f"There is no {noun} “{name}”{where_en}", "zh": f"{where_zh}不存在{WORDS[noun]}“{name}”"}
    return Problem(path, f"unknown_{noun}", message, nearest(name, known) or _known(known))


def _known(names: Iterable[str]) -> Text:
    listed = sorted(names)[:12]
    if not listed:
        return {"en": "There is none yet; add one first", "zh": "目前还没有，请先添加"}
    return {"en": f"There are: {', '.join(listed)}", "zh": f"可用的有：{'、'.join(listed)}"}
