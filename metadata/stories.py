"""Stories: tests that an app carries, told as people who act and what is then the case."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from metadata.canonical import WrittenOtherwise
from metadata.names import FlowName, FormName, Name, ReportName, RoleName
from metadata.normalise import Words
from metadata.registry import Options

Deed = Literal[
    "saves",
    "deletes",
    "restores",
    "submits",
    "approves",
    "rejects",
    "returns",
    "withdraws",
    "comments",
    "assigns",
]
Outcome = Literal["record", "no_record", "records", "task", "no_task", "flow", "notification", "mail", "report"]
LENGTH = "^[1-9][0-9]{0,3} (minute|hour|day|week)s?$"
NEEDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("deletes", "restores", "submits", "withdraws", "assigns"), ("record",)),
    **dict.fromkeys(("record", "no_record", "flow"), ("record",)),
    **dict.fromkeys(("task", "no_task", "notification"), ("for",)),
    "records": ("form",),
    "report": ("report",),
}
DEEDS: tuple[str, ...] = get_args(Deed)
OUTCOMES: tuple[str, ...] = get_args(Outcome)


class Step(Options, WrittenOtherwise):
    """One sentence of a story. Exactly one of three: somebody acts, time passes, or something must be the case.

    `{"ann": "saves", "form": "request", "values": {...}, "as": "leave"}` is a deed: the person is the key.
    `{"wait": "3 days"}` moves the clock and lets everything due happen.
    `{"then": "record", "leave": {"state": "approved"}}` looks at the record that was saved `as` leave.
    With `refused` a deed must fail, with the code it names ("any" for whichever).
    """

    who: Name | None = None
    does: Deed | None = None
    wait: Annotated[str, Field(pattern=LENGTH)] | None = None
    then: Outcome | None = None
    form: FormName | None = None
    record: Name | None = None
    values: dict[str, Any] | None = None
    as_: Name | None = None
    task: str | None = None
    node: str | None = None
    flow: FlowName | None = None
    for_: Name | None = None
    to: str | None = None
    comment: str | None = None
    state: str | None = None
    text: str | None = None
    count: int | None = Field(default=None, ge=0)
    report: ReportName | None = None
    where: str | None = None
    refused: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_sentence(cls, value: Any) -> Any:
        """Find the person, or the record, whose name is the key."""
        if not isinstance(value, dict):
            return value
        free = [key for key in value if key not in KEYS]
        if len(free) == 1 and value[free[0]] in DEEDS and "does" not in value:
            said = {key: each for key, each in value.items() if key != free[0]}
            return {"who": free[0], "does": value[free[0]], **said}
        if len(free) == 1 and isinstance(value[free[0]], dict) and value.get("then") in ("record", "no_record"):
            said = {key: each for key, each in value.items() if key != free[0]}
            return {**said, "record": free[0], "values": value[free[0]]}
        return value

    @model_validator(mode="after")
    def _is_one_of_three(self) -> "Step":
        if [self.does is not None, self.wait is not None, self.then is not None].count(True) != 1:
            raise PydanticCustomError("step_unclear", "a step is a deed, a wait or an outcome", {"deeds": list(DEEDS)})
        self._says_what_it_is_about()
        return self

    def _says_what_it_is_about(self) -> None:
        """A step names the record, form, person or report without which nobody knows what it means."""
        if self.does == "saves":
            needs: tuple[str, ...] = () if self.record is not None else ("form",)
        else:
            needs = NEEDS.get(str(self.does or self.then), ())
        said = {"record": self.record, "form": self.form, "for": self.for_, "report": self.report}
        if lacking := [key for key in needs if said[key] is None]:
            errors = [InitErrorDetails(type="missing", loc=(key,), input={}) for key in lacking]
            raise ValidationError.from_exception_data("step", errors)

    def as_written(self, said: dict[str, Any]) -> dict[str, Any]:
        """Put the person, or the record, back as the key."""
        if self.who is not None and self.does is not None:
            return {self.who: self.does, **_without(said, "who", "does")}
        if self.then == "record" and self.record is not None and self.values is not None:
            return {**_without(said, "record", "values"), self.record: said["values"]}
        return said

    @property
    def place_of_values(self) -> str:
        """The key under which the values stand when the step is written."""
        return str(self.record) if self.then == "record" and self.record is not None else "values"

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core))
        schema["additionalProperties"] = {"anyOf": [{"enum": list(DEEDS)}, {"type": "object"}]}
        return schema


def _without(said: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: each for key, each in said.items() if key not in keys}


KEYS = frozenset(each.alias or name for name, each in Step.model_fields.items())


class StoryDefinition(Options):
    """A story: who there is, who manages whom, on which day it begins, and its steps."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    title: Words | None = None
    people: dict[Name, tuple[RoleName, ...]]
    managers: dict[Name, Name] = {}
    departments: dict[Name, tuple[Name, ...]] = {}
    heads: dict[str, Name] = {}
    parents: dict[str, str] = {}
    language: Literal["en", "zh"] = "en"
    today: Annotated[date, Field(ge=date(1970, 1, 1), le=date(2200, 1, 1))] = date(2026, 3, 2)
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _everybody_is_there(self) -> "StoryDefinition":
        """Nobody acts, leads or is asked about who is not among the people, and no department comes from nowhere."""
        unknown = [
            *self._unknown("people", self._people_named()),
            *self._unknown("departments", self._departments_named()),
        ]
        if unknown:
            raise ValidationError.from_exception_data("story", unknown)
        return self

    def _people_named(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for person, manager in self.managers.items():
            yield from ((("managers", person), person), (("managers", person), manager))
        for department, members in self.departments.items():
            yield from ((("departments", department, index), member) for index, member in enumerate(members))
        yield from ((("heads", department), head) for department, head in self.heads.items())
        for index, step in enumerate(self.steps):
            yield from ((("steps", index), name) for name in (step.who, step.for_) if name is not None)

    def _departments_named(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield from ((("heads", department), department) for department in self.heads)
        for department, parent in self.parents.items():
            yield from ((("parents", department), department), (("parents", department), parent))

    def _unknown(self, where: str, named: Iterable[tuple[tuple[str | int, ...], str]]) -> Iterator[InitErrorDetails]:
        known = getattr(self, where)
        for place, name in named:
            if name not in known:
                context = {"name": name, "known": sorted(known), "where": where}
                error = PydanticCustomError(
                    "unknown_in_story", "“{name}” is not among the {where} of the story", context
                )
                yield InitErrorDetails(type=error, loc=place, input=name)
