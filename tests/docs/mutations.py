"""A hundred ways in which a definition can be wrong, each a small change of the app that nobody has seen before."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.docs.pages import ROOT

Document = dict[str, Any]
UNSEEN = ROOT / "tests/docs/unseen_app.json"


def unseen() -> Document:
    document: Document = json.loads(UNSEEN.read_text(encoding="utf-8"))
    return document


def mutations() -> dict[str, Any]:
    """What would be published, by the name of the mistake: a document, or bytes that are none."""
    return {
        **dict(_dropped()),
        **dict(_mistyped()),
        **dict(_misspelt()),
        **dict(_unknown()),
        **dict(_replaced()),
        **dict(_bytes()),
    }


def changed(path: str, change: Callable[[Any, Any], None]) -> Document:
    """The app with a change at a place; `change` gets the holder and the key."""
    document = unseen()
    *way, last = (int(part) if part.isdigit() else part for part in path.split("/"))
    holder: Any = document
    for part in way:
        holder = holder[part]
    change(holder, last)
    return document


def put(path: str, value: Any) -> Document:
    def change(holder: Any, key: Any) -> None:
        holder[key] = value

    return changed(path, change)


def without(path: str) -> Document:
    def change(holder: Any, key: Any) -> None:
        del holder[key]

    return changed(path, change)


# Where things stand in the unseen app.
PROVIDER, COURSE, BOOKING = "forms/0", "forms/1", "forms/2"
LESSONS = f"{COURSE}/fields/9/fields"
CONDITION = "flows/0/nodes/1/branches"


def _dropped() -> Iterator[tuple[str, Any]]:
    """A key that must be there is not."""
    for path in (
        "app",
        "forms",
        f"{PROVIDER}/name",
        f"{PROVIDER}/fields",
        f"{PROVIDER}/fields/0/name",
        f"{PROVIDER}/fields/0/type",
        f"{PROVIDER}/fields/1/options",
        f"{PROVIDER}/fields/3/form",
        f"{PROVIDER}/fields/3/link",
        f"{PROVIDER}/fields/3/count",
        f"{COURSE}/fields/2/form",
        f"{COURSE}/fields/3/link",
        f"{COURSE}/fields/8/formula",
        f"{COURSE}/fields/9/fields",
        f"{COURSE}/validations/0/valid_if",
        f"{COURSE}/validations/0/message",
        "flows/0/form",
        "flows/0/nodes",
        "flows/0/nodes/0/approvers",
        f"{CONDITION}/0/if",
        f"{CONDITION}/1/else",
        f"{CONDITION}/1",
        "rules/0/when",
        "rules/0/when/form",
        "rules/0/then/0/message",
        "rules/2/when/field",
        "rules/3/when/duration",
        "reports/0/measures",
        "reports/0/measures/0/sum",
        "reports/0/form",
        "dashboards/0/cards",
        "access/0/role",
        "access/0/may",
        "stories/0/people",
        "stories/0/steps",
    ):
        yield f"without {path}", without(path)


def _mistyped() -> Iterator[tuple[str, Any]]:
    """A value is of the wrong type."""
    for path, value in (
        ("app", 7),
        ("forms", {}),
        ("format", "one"),
        (f"{PROVIDER}/fields", "name"),
        (f"{PROVIDER}/fields/0", 5),
        (f"{PROVIDER}/fields/0/required", "yes"),
        (f"{PROVIDER}/fields/1/options", "a"),
        (f"{COURSE}/fields/6/min", "one"),
        (f"{COURSE}/fields/9/max_rows", -1),
        ("flows/0/nodes", {}),
        ("flows/0/nodes/1/branches", []),
        ("rules/0/if", ["a"]),
        ("rules/0/then", "notify"),
        ("rules/1/when", "save"),
        ("reports/0/limit", "ten"),
        ("reports/0/chart", 3),
        ("access/0/may", "read"),
        ("stories/0/today", "yesterday"),
        ("stories/1/steps/8/wait", 15),
        ("title", ["Training"]),
    ):
        yield f"{path} is {value!r}", put(path, value)


def _misspelt() -> Iterator[tuple[str, Any]]:
    """A name leads nowhere."""
    for path, value in (
        (f"{PROVIDER}/fields/0/type", "txt"),
        (f"{PROVIDER}/fields/3/form", "cours"),
        (f"{PROVIDER}/fields/3/link", "providr"),
        (f"{PROVIDER}/fields/4/sum", "costs"),
        (f"{PROVIDER}/fields/4/where", "stat == 'held'"),
        (f"{PROVIDER}/label", "{{nam}}"),
        (f"{COURSE}/fields/2/form", "providers"),
        (f"{COURSE}/fields/3/field", "grades"),
        (f"{COURSE}/fields/4/role", "teacher"),
        (f"{COURSE}/fields/8/formula", "seats - takn"),
        (f"{COURSE}/fields/10/formula", "SUM(lessons.hour)"),
        (f"{COURSE}/fields/13/visible_if", "not extern"),
        (f"{COURSE}/columns/0", "nummer"),
        (f"{COURSE}/sort/0", "-start"),
        ("views/0/where", "state == open"),
        ("flows/0/form", "courses"),
        ("flows/0/nodes/0/type", "aproval"),
        ("flows/0/nodes/0/approvers/role", "planer"),
        ("flows/0/nodes/0/edit/0", "rom"),
        (f"{CONDITION}/0/if", "costs < 10000"),
        ("flows/0/on_start/0/values", {"stat": "open"}),
        ("flows/0/on_start/0/values", {"state": "opened"}),
        ("rules/0/when/trigger", "creatd"),
        ("rules/0/then/0/action", "refus"),
        ("rules/0/then/0/field", "cours"),
        ("rules/1/then/0/to/role", "planers"),
        ("rules/1/then/0/text/en", "{{subjekt}} is full"),
        ("rules/3/when/value", "planed"),
        ("rules/4/then/1/link", "provided"),
        ("reports/0/dimensions/1", "provider.grad"),
        ("reports/0/measures/0/sum", "costs"),
        ("reports/1/rows", "lesson"),
        ("reports/2/measures/2/value", "good_mark / all_marks"),
        ("reports/0/chart/type", "bars"),
        ("reports/1/sort/0", "-teached"),
        ("dashboards/0/cards/0/report", "courses"),
        ("access/0/form", "provide"),
        ("access/3/fields/0", "nam"),
        ("access/0/may/0", "creat"),
        ("access/4/where", "stat == 'open'"),
        ("stories/0/people/pia/0", "planer"),
        ("stories/0/steps/0/form", "providr"),
        ("stories/0/steps/11/for", "tim"),
    ):
        told = json.dumps(value)
        yield f"{path} is {told}", put(path, value)


def _unknown() -> Iterator[tuple[str, Any]]:
    """A key that means nothing, on every level."""
    for path in (
        "frms",
        f"{COURSE}/colums",
        f"{COURSE}/fields/0/requird",
        f"{COURSE}/fields/0/decimals",
        f"{LESSONS}/0/lenght",
        f"{COURSE}/validations/0/fields",
        "flows/0/node",
        "flows/0/nodes/0/approver",
        f"{CONDITION}/0/els",
        "rules/0/than",
        "rules/0/when/filed",
        "rules/1/then/0/txt",
        "reports/0/dimension",
        "reports/0/chart/staked",
        "dashboards/0/cards/0/widht",
        "access/0/feilds",
        "stories/0/peoples",
        "pages",
    ):
        yield f"unknown {path}", put(path, [])


def _replaced() -> Iterator[tuple[str, Any]]:
    """Each part is well formed, and together they make no sense."""
    yield "a formula about itself", put(f"{COURSE}/fields/8/formula", "free + 1")
    yield "formulas in a circle", _circle()
    yield "a formula that is no expression", put(f"{COURSE}/fields/8/formula", "seats -")
    yield "a formula that calls Python", put(f"{COURSE}/fields/8/formula", "__import__('os')")
    yield "a formula with a method", put(f"{COURSE}/fields/8/formula", "subject.upper()")
    yield "a formula that adds text to a date", put(f"{COURSE}/fields/8/formula", "starts_on + subject")
    yield "a formula about who looks", put(f"{COURSE}/fields/8/formula", "seats if owner == user else 0")
    yield "a condition that is a number", put("rules/4/if", "1 + 1")
    yield "a sum of texts", put(f"{PROVIDER}/fields/4/sum", "subject")
    yield "a lookup through a text", put(f"{COURSE}/fields/3/link", "subject")
    yield "a rollup over a link that leads elsewhere", put(f"{PROVIDER}/fields/3", _rollup("booking", "course"))
    yield "a default that is no option", put(f"{PROVIDER}/fields/1/default", "z")
    yield "a default of the wrong type", put(f"{COURSE}/fields/6/default", "twelve")
    yield "an option twice", put(f"{PROVIDER}/fields/1/options", ["a", "a"])
    yield "a smallest value above the largest", put(f"{COURSE}/fields/6/min", 500)
    yield "a field name twice", put(f"{PROVIDER}/fields/5/name", "mail")
    yield "a form name twice", put(f"{BOOKING}/name", "course")
    yield "an id twice", _ids("f_same", "f_same")
    yield "an id of the wrong noun", _ids("x_1", "f_2")
    yield "a word of expressions as a name", put(f"{PROVIDER}/fields/2/name", "today")
    yield "a system field as a name", put(f"{PROVIDER}/fields/2/name", "version")
    yield "a name with a capital", put(f"{PROVIDER}/fields/2/name", "Mail")
    yield "a name too long", put(f"{PROVIDER}/fields/2/name", "m" * 60)
    yield (
        "a subform in a subform",
        put(f"{LESSONS}/0", {"name": "inner", "type": "subform", "fields": [{"name": "a", "type": "text"}]}),
    )
    yield "an impossible date in a condition", put("rules/4/if", "created_at > '2026-02-30'")
    yield "an impossible day for a story", put("stories/0/today", "2026-02-30")
    yield "an impossible time of day", put("rules/2/when/time", "25:00")
    yield "an impossible offset", put("rules/2/when/offset", "a while")
    yield "an impossible duration", put("rules/3/when/duration", "soon")
    yield (
        "an impossible cron line",
        put("rules/1/when", {"trigger": "schedule", "form": "course", "cron": "61 * * * *"}),
    )
    yield (
        "a cron line with seconds",
        put("rules/1/when", {"trigger": "schedule", "form": "course", "cron": "0 0 6 * * 1"}),
    )
    yield "time in none of the stages", put("rules/3/when/value", [])
    yield "a duration in months", put("rules/3/when/duration", "2 months")
    yield "a flow of another form", put("rules/0/then", [{"action": "start_flow", "flow": "course_approval"}])
    yield "a measure called as a dimension", put("reports/3/measures/0/name", "state")
    yield "a column that goes too far", put(f"{BOOKING}/columns", ["course.provider.name.x"])
    yield (
        "a default of a parameter that is no date",
        put("reports/0/parameters", [{"name": "since", "type": "date", "default": "soon"}]),
    )
    yield "a step that names no record", put("stories/0/steps/0", {"pia": "submits"})
    yield "a step that names no form", put("stories/0/steps/0", {"pia": "saves", "values": {}})
    yield "a day before all clocks for a story", put("stories/0/today", "0001-01-01")
    yield "a circle over roll-ups of three forms", _circle_of_forms()
    yield "rows of what is no subform", put(f"{PROVIDER}/fields/4/rows", "subject")
    yield "the id of a person in a condition", put("rules/4/if", 'owner == "1042"')
    yield "full-width signs in a condition", put("rules/4/if", "held_cost ＞ （1）")
    yield "time in a stage that is none", put("rules/3/when/field", "subject")
    yield "an else before the last branch", _else_first()
    yield (
        "two ways to choose approvers in one",
        put("flows/0/nodes/0/approvers", {"role": "planner", "field": "trainer"}),
    )
    yield "a rule that sets a formula", put("rules/4/then/0/values", {"held_cost": 5})
    yield "a rule without anything to do", put("rules/1/then", [])
    yield "a measure that is two", put("reports/0/measures/0", {"name": "money", "sum": "cost", "avg": "cost"})
    yield "a month of a text", put("reports/0/dimensions/0", {"field": "subject", "every": "month"})
    yield "a card with nothing on it", put("dashboards/0/cards/0", {"width": 4})
    yield "a time zone that is none", put("time_zone", "Mars/Base")
    yield "a currency that is none", put("currency", "dollars")
    yield "a later format", put("format", 99)
    yield "an app that is not installed", put("requires", [{"app": "payroll"}])
    yield "a step of a story that is two", put("stories/0/steps/0", {"pia": "saves", "wait": "3 days"})
    yield "a wait that is no time", put("stories/1/steps/8/wait", "soon")
    yield "a manager whom nobody knows", put("stories/0/managers", {"eve": "zed"})
    yield "a department that is none", put("stories/0/heads", {"north": "eve"})
    yield "nesting without end", put("rules/4/if", _nested(200))
    yield "a condition nested too deep", put("rules/4/if", "(" * 80 + "blocked" + ")" * 80)
    yield "too many fields", put(f"{PROVIDER}/fields", [{"name": f"f{n}", "type": "text"} for n in range(200)])
    yield "half a character", put("title", "Training \ud800")
    yield "a list instead of an app", []  # type: ignore[misc]


def _bytes() -> Iterator[tuple[str, Any]]:
    """Files that are no JSON, or not quite."""
    text = UNSEEN.read_bytes()
    yield "nothing at all", b""
    yield "broken UTF-8", text.replace("培训".encode(), b"\xff\xfe\xfa", 1)
    yield "a byte order mark", b"\xef\xbb\xbf" + text
    yield "a file cut off", text[: len(text) // 2]
    yield "a key that stands twice", text.replace(b'"app": "training",', b'"app": "training", "app": "other",', 1)
    yield "not a number", text.replace(b'"default": 12}', b'"default": NaN}', 1)
    yield "a number without end", text.replace(b'"default": 12}', b'"default": 1e999999}', 1)
    yield "brackets without end", b"[" * 100_000
    yield "a comma too many", text.replace(b'"fields": [', b'"fields": [,', 1)


def _rollup(form: str, link: str) -> Document:
    return {"name": "courses", "type": "rollup", "form": form, "link": link, "count": True}


def _circle() -> Document:
    document = put(f"{COURSE}/fields/10/formula", "cost / 100")
    document["forms"][1]["fields"][11]["formula"] = "hours * 100"
    return document


def _circle_of_forms() -> Document:
    """What providers cost rests on their courses, these on their bookings, and those on the provider again."""
    document = put(f"{COURSE}/fields/11/formula", "taken * 2")
    document["forms"][1]["fields"][7] = {
        "name": "taken",
        "type": "rollup",
        "form": "booking",
        "link": "course",
        "sum": "weight",
    }
    weight = {"name": "weight", "type": "formula", "formula": "course.provider.held_cost + 1"}
    document["forms"][2]["fields"].append(weight)
    return document


def _ids(first: str, second: str) -> Document:
    document = put(f"{PROVIDER}/fields/0/id", first)
    document["forms"][0]["fields"][1]["id"] = second
    return document


def _else_first() -> Document:
    document = unseen()
    document["flows"][0]["nodes"][1]["branches"].reverse()
    return document


def _nested(depth: int) -> Any:
    condition: Any = "blocked"
    for _ in range(depth):
        condition = {"all": [copy.copy(condition)]}
    return condition
