"""What a trace tells of values that a record computes when it is read."""

from decimal import Decimal

from engines.actor import Actor
from runtime.rules.trace_words import Reader, tell
from tests.engines.forms.play import PEOPLE, app_of, field, form


def test_a_value_computed_from_a_hidden_field_is_told_to_nobody_who_may_not_read_that_field() -> None:
    deal = form("deal", field("due", "date"), field("late", "formula", formula="days_between(due, today)"))
    app = app_of(deal, roles=[{"name": "boss", "id": "r_boss"}])
    actor = Actor("user", 1, "Chef", roles={app.name: frozenset({"r_boss"})})
    term = {"text": "late > 3", "value": True, "reads": [(("record", "f_late"), Decimal(7))]}
    row = {"rule": "gone", "event": "update", "outcome": "fired", "form": "t_deal"}
    detail = {"name": "gone", "terms": [term], "actions": [], "reason": ""}

    def told(*readable: str) -> object:
        [said] = tell(Reader(app, actor, PEOPLE, "en"), row, detail, frozenset(readable))["terms"]
        return said["value"], said["hidden"]

    assert told("f_late") == (None, True)
    assert told("f_late", "f_due") == (True, False)
