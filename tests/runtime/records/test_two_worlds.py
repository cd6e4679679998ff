"""Two worlds that differ only in what a person may not see answer each of his questions alike."""

import copy
import random
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from engines.compiled import CompiledApp
from metadata.problems import Refusal
from runtime import reading
from runtime.db.engine import write_json
from runtime.web.api.record_json import page_json, record_json
from tests.runtime.records.conftest import Office
from tests.runtime.records.reference import Reference
from tests.runtime.records.test_reference_evaluator import IDS, compiled_with, person_of
from tests.runtime.records.worlds import FIELDS, entries, fill, settled, worlds

QUESTIONS = 40
COMPARED = {
    "customer": (
        *("name == 'Acme'", "name != 'Acme'", "secret == 'Acme'", "contains(secret, 'o')", "len(secret) > 3"),
        *("credit > 1", "not (credit > 1)", "credit == null", "level in ['A', 'B']", "'vip' in tags", "deals > 0"),
        *("sold + credit > 4", "double_sold < 3", "largest >= average", "count(tags) > 0", "owner == user"),
        *("owner.name == 'sven'", "if(credit > 4, secret, name) == 'Bolt'", "10 / credit > 1"),
    ),
    "deal": (
        *("title == 'Acme'", "note != title", "margin > 0", "total * margin > 5", "gain <= 0", "customer == null"),
        *("customer.secret == 'Bolt'", "customer.credit > 4", "customer_secret == 'Acme'", "customer_level != 'A'"),
        *("any(i.price > 3 for i in items)", "sum(items.price) == 7", "count(items) == 0", "due < today"),
        *("customer.owner.name == 'sara'", "customer.level == 'A' and state == 'won'", "late_by > 3"),
    ),
}
PATHS = {"deal": ("customer.name", "customer.secret", "customer.credit", "customer.owner", "late_by")}


@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(access=entries(), world=worlds(), ideas=worlds(), seed=st.integers(0, 10**6))
def test_what_is_hidden_changes_no_answer(
    office: Office, access: list[dict[str, Any]], world: Any, ideas: Any, seed: int
) -> None:
    chance = random.Random(seed)
    world, ideas = settled(world, *office.places()), settled(ideas, *office.places())
    one = Reference(tuple(access), person_of(office, "sven"), world, FIELDS)
    other = Reference(one.entries, one.me, elsewhere(one, ideas, chance), FIELDS)
    assume(other.world != world)
    app = compiled_with(access)
    asked = [question(chance) for _ in range(QUESTIONS)]
    office.run("system", lambda tx: fill(tx, app, one.world))
    answers = [answer(office, app, *each) for each in asked]
    office.run("system", lambda tx: fill(tx, app, other.world))
    for each, before in zip(asked, answers, strict=True):
        assert answer(office, app, *each) == before, each


def elsewhere(one: Reference, ideas: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Another world with as many changes as leave everything as it is for him."""
    world: dict[str, Any] = copy.deepcopy({form: dict(rows) for form, rows in one.world.items()})
    seen = everything(one)
    for form in ("customer", "deal"):
        for id in IDS[form]:
            for field in (None, *FIELDS[form]):
                tried = copy.deepcopy(world)
                idea = ideas[form].get(id)
                if field is None and chance.random() < 0.3 and idea is None:
                    tried[form].pop(id, None)
                elif field is None and id not in world[form] and idea is not None:
                    tried[form][id] = idea
                elif field in (idea or ()) and id in world[form]:
                    tried[form][id][field] = idea[field]
                if everything(Reference(one.entries, one.me, tried, one.fields)) == seen:
                    world = tried
    return world


def everything(reference: Reference) -> Any:
    """All that he sees."""
    return {
        form: {id: reference.seen(form, id) for id in rows if reference.seen(form, id)}
        for form, rows in reference.world.items()
    }


def question(chance: random.Random) -> tuple[str, str, dict[str, Any]]:
    """A list that anybody could ask for."""
    form = chance.choice(["customer", "deal"])
    joined = [chance.choice([" and ", " or ", " and not "]) for _ in range(2)]
    parts = [f"({chance.choice(COMPARED[form])})" for _ in range(chance.choice([0, 1, 1, 2, 3]))]
    names = [*FIELDS[form], *PATHS.get(form, ()), "owner", "created_at"]
    asked: dict[str, Any] = {
        "filter": "".join(part + (joined[i] if i + 1 < len(parts) else "") for i, part in enumerate(parts)),
        "sort": ",".join(chance.choice(["", "-"]) + chance.choice(names) for _ in range(chance.choice([0, 1, 2]))),
        "search": chance.choice(["", "", "", "acme", "bolt", "公司"]),
        "size": chance.choice([1, 2, 50]),
        "page": chance.choice([1, 1, 2]),
        "count": chance.choice(["capped", "exact"]),
    }
    if form == "deal" and chance.random() < 0.4:
        asked["expand"] = ("customer",)
    if chance.random() < 0.3:
        asked["fields"] = tuple(chance.sample(names, 3))
    return "list", form, asked


def answer(office: Office, app: CompiledApp, _kind: str, form: str, asked: dict[str, Any]) -> bytes | str:
    """What he is told, byte by byte; a refusal too."""
    with office.reading("sven") as tx:
        try:
            page = reading.list_records(tx, app, form, reading.ListQuery(**asked))
            single = [record_json(app, app.form(form), reading.get(tx, app, form, each.id)) for each in page.items]
            return str(write_json([page_json(app, app.form(form), page), single]))
        except Refusal as refusal:
            return f"{refusal.status} {refusal.code} {[each.as_json() for each in refusal.problems]}"
