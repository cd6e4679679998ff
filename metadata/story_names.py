"""What the names in a story mean: its records are of some form, so the keys of their values are that form's fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from metadata.names import IsExpression, Reference
from metadata.problems import Path
from metadata.stories import Step, StoryDefinition

FIELD, NODE, CONDITION = Reference("field"), Reference("node"), IsExpression(want="yes_no")
START = "start"  # the step in front of every flow, written or not


@dataclass(frozen=True)
class NameInStory:
    """A name, or an expression, and the form (or subform) whose fields it is about; both by id."""

    path: Path
    marker: Reference | IsExpression
    value: str
    form: str | None
    step: Step
    is_key: bool = False


class Forms(Protocol):
    """What has to be known of the forms and flows of an app."""

    def id_of(self, name: str | None) -> str | None: ...

    def rows_of_id(self, form: str, name: str) -> str | None: ...

    def form_of_node(self, name: str) -> str | None: ...


def names_in(story: StoryDefinition, path: Path, forms: Forms) -> Iterator[NameInStory]:
    """Give every name of the steps whose type does not say it, in reading order."""
    records: dict[str, str] = {}
    for index, step in enumerate(story.steps):
        form = _form_of(step, records, forms)
        if step.as_ is not None and form is not None:
            records[step.as_] = form
        yield from _of_step(step, path / "steps" / index, form, forms)


def _form_of(step: Step, records: Mapping[str, str], forms: Forms) -> str | None:
    if step.form is not None:
        return forms.id_of(step.form)
    if step.record is not None:
        return records.get(step.record)
    node = step.node or step.task
    return forms.form_of_node(node) if node is not None else None


def _of_step(step: Step, path: Path, form: str | None, forms: Forms) -> Iterator[NameInStory]:
    for key in ("task", "node"):
        if getattr(step, key) not in (None, START):
            yield NameInStory(path / key, NODE, getattr(step, key), form, step)
    if step.does == "returns" and step.to not in (None, START):
        yield NameInStory(path / "to", NODE, str(step.to), form, step)
    if step.where is not None and form is not None:
        yield NameInStory(path / "where", CONDITION, step.where, form, step)
    if step.values is not None and form is not None and step.then != "report":
        yield from _of_values(step, step.values, path / step.place_of_values, form, forms)


def _of_values(step: Step, values: Mapping[str, Any], path: Path, form: str, forms: Forms) -> Iterator[NameInStory]:
    for name, value in values.items():
        yield NameInStory(path / name, FIELD, name, form, step, is_key=True)
        rows = forms.rows_of_id(form, name)
        if rows is not None and isinstance(value, list | tuple):
            for index, row in enumerate(value):
                if isinstance(row, dict):
                    yield from _of_values(step, row, path / name / index, rows, forms)
