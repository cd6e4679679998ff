"""The list of the to-do centre: which tasks are asked for, grouped by urgency, with what a glance should tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from runtime.flows import tasks
from runtime.flows.tasks import BOXES, Box, Lines, Order, TaskLine
from runtime.transaction import Tx
from runtime.web.incoming import number_in
from runtime.web.pages.page import Page
from runtime.web.pages.todo.task_facts import TaskFacts, facts_by_line

SHOWN = 50
SOON = timedelta(hours=24)


@dataclass(frozen=True)
class Asked:
    """The address of a list: which box, the tasks of which flow, in which order, which page."""

    box: Box = "todo"
    app: str | None = None
    flow: str | None = None
    order: Order = "urgent"
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        app, _, flow = query.get("flow", "").partition(".")
        return cls(
            next((each for each in BOXES if each == query.get("box")), "todo"),
            app or None,
            flow or None,
            "newest" if query.get("order") == "newest" else "urgent",
            min(number_in(query.get("page", "")) or 1, 10_000),
        )

    def lines(self, tx: Tx) -> Lines:
        return tasks.tasks(tx, self.box, self.page, SHOWN, self.app, self.flow, self.order)

    def query(self, **changes: Any) -> str:
        """The same list with something changed, as the end of an address."""
        flow = f"{self.app}.{self.flow}" if self.flow else ""
        order = self.order if self.order != "urgent" else ""
        said = {"box": self.box, "flow": flow, "order": order, **changes}
        return urlencode({name: value for name, value in said.items() if value})


def list_context(page: Page, tx: Tx, asked: Asked, lines: Lines) -> dict[str, Any]:
    """What the page draws of the list."""
    now = tx.now.astimezone(ZoneInfo(page.actor.time_zone or tx.settings.time_zone))
    facts = facts_by_line(page, tx, lines.items)
    shown = [line_view(page, line, facts.get(line.id, TaskFacts()), now, _href(line, asked)) for line in lines.items]
    grouped = asked.box == "todo" and asked.order == "urgent"
    return {
        "box": asked.box,
        "boxes": [{"name": each, "title": page.word(BOX_TITLES[each])} for each in BOXES],
        "line_groups": _groups(page, shown) if grouped else [{"title": "", "lines": shown}] if shown else [],
        "flows": _flows(tx, asked),
        "order": asked.order,
        "total": lines.total,
        "more": f"/todo?{asked.query(page=asked.page + 1)}" if lines.has_more else "",
        "now": now,
    }


def line_view(page: Page, line: TaskLine, facts: TaskFacts, now: datetime, href: str) -> dict[str, Any]:
    """One line: the record and what it is about, the amount, and how long it has waited or when it is due."""
    state, said = _urgency(page, line, now)
    return {"line": line, "href": href, "facts": facts, "state": state, "when": said}


def _urgency(page: Page, line: TaskLine, now: datetime) -> tuple[str, str]:
    """late, soon, long (waiting over a day) or nothing; and the words for it."""
    if line.state != "open":
        return "", ""
    if line.due_at is not None:
        left = line.due_at - now
        if left < timedelta():
            return "late", page.word("overdue by %(time)s", time=span(page, -left))
        return "soon" if left < SOON else "", page.word("due in %(time)s", time=span(page, left))
    waited = now - line.opened_at
    return "long" if waited >= SOON else "", page.word("waiting for %(time)s", time=span(page, waited))


def span(page: Page, length: timedelta) -> str:
    """A length of time as people say it: 5 min, 3 h, 12 d."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return page.word("%(count)s min", count=max(minutes, 1))
    if minutes < 48 * 60:
        return page.word("%(count)s h", count=minutes // 60)
    return page.word("%(count)s d", count=minutes // (24 * 60))


def _groups(page: Page, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines under what presses most; one group needs no heading."""
    found = [
        {"state": state, "title": page.word(title), "lines": [each for each in shown if each["state"] == state]}
        for state, title in GROUP_TITLES.items()
    ]
    filled = [each for each in found if each["lines"]]
    return filled if len(filled) > 1 else [{**each, "title": ""} for each in filled]


def _flows(tx: Tx, asked: Asked) -> list[dict[str, Any]]:
    """The flows to choose from, where there is a choice."""
    found = tasks.flows_in(tx, asked.box)
    chosen = (asked.app, asked.flow)
    choices = [
        {
            "value": f"{each.app}.{each.flow}",
            "title": f"{each.title} ({each.count})",
            "chosen": (each.app, each.flow) == chosen,
        }
        for each in found
    ]
    return choices if len(choices) > 1 or asked.flow else []


def _href(line: TaskLine, asked: Asked) -> str:
    """Where a line leads: to the task, or to the record where the task is somebody else's."""
    if asked.box == "started":
        return f"/apps/{line.app}/forms/{line.form}/{line.record}"
    return f"/todo/{line.id}?{asked.query(page=asked.page if asked.page > 1 else '')}"


def _(text: str) -> str:
    """Mark a word for the catalogue; it is translated where it is shown."""
    return text


BOX_TITLES = {
    "todo": _("Waiting"),
    "done": _("Done"),
    "started": _("Started"),
    "copies": _("Copies"),
}
GROUP_TITLES = {
    "late": _("Overdue"),
    "soon": _("Due within a day"),
    "long": _("Waiting for more than a day"),
    "": _("The others"),
}
