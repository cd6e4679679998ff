"""A small stage for the form engine: apps from a few lines of JSON, and saves against records kept in a dict."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from engines import CompiledApp, Decision, SaveRequest, compile_app, decide
from engines.actor import Actor
from engines.facts import Facts, Needs
from engines.organisation import Department, Organisation, Person
from metadata.language import Language
from metadata.problems import Invalid, Refusal
from runtime.plugins import load

ANN, BO, GONE = 7, 8, 9
SALES = 70
NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)  # in Shanghai it is the third already
PEOPLE = Organisation(
    people={
        ANN: Person(ANN, "Ann", department=SALES, manager=BO),
        BO: Person(BO, "Bo", department=SALES),
        GONE: Person(GONE, "Gone", active=False),
    },
    departments={SALES: Department(SALES, "Sales", head=BO)},
)


def field(name: str, type: str = "text", **more: Any) -> dict[str, Any]:
    """A field whose id can be read: f_<name>."""
    return {"id": f"f_{name}", "name": name, "type": type, **more}


def form(name: str, *fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A form whose id can be read: t_<name>."""
    return {"id": f"t_{name}", "name": name, "fields": list(fields), **more}


def document(*forms: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The definition of an app; the second field of a name gets the id f_<form>_<name>."""
    seen: set[str] = set()
    written = [{**each, "fields": [_with_own_id(each, one, seen) for one in each["fields"]]} for each in forms]
    return {"format": 1, "app": "shop", "time_zone": "Asia/Shanghai", "forms": written, **more}


def _with_own_id(owner: Mapping[str, Any], each: Mapping[str, Any], seen: set[str]) -> dict[str, Any]:
    id = each["id"] if each["id"] not in seen else f"f_{owner['name']}_{each['name']}"[:21]
    seen.add(id)
    return {**each, "id": id}


def app_of(*forms: Mapping[str, Any], before: CompiledApp | None = None, **more: Any) -> CompiledApp:
    """Compile an app of these forms; `before` is what was live."""
    definition = language().read(document(*forms, **more), before.definition if before else None)
    return compile_app(definition, load(), storages=before.storages if before else {})


@cache
def language() -> Language:
    return Language(load())


def problems_of(*forms: Mapping[str, Any], **more: Any) -> list[tuple[str, str]]:
    """Place and code of everything that is wrong with an app of these forms."""
    try:
        app_of(*forms, **more)
    except Refusal as refusal:
        return [(str(problem.path), problem.code) for problem in refusal.problems]
    return []


class Desk:
    """Saves records of an app, answering what `decide` wants to know from what was put on the desk."""

    def __init__(self, app: CompiledApp, actor: int = ANN) -> None:
        self.app = app
        self.facts = Facts(
            now=NOW,
            zone=ZoneInfo("Asia/Shanghai"),
            actor=Actor("user", actor, "Ann", department=SALES),
            organisation=PEOPLE,
            app=app.name,
        )
        self.records: dict[tuple[str, int], dict[str, Any]] = {}
        self.unreadable: set[tuple[str, int]] = set()
        self.rounds: list[Needs] = []
        self.count = 0

    def put(self, form: str, id: int, **values: Any) -> None:
        """Lay a record there, values by field name."""
        compiled = self.app.form(form)
        given = {compiled.field_ids.get(name, name): value for name, value in values.items()}
        self.records[(compiled.id, id)] = {"id": id, "version": 1, "owner": ANN, **compiled.blank, **given}

    def save(self, form: str, values: Mapping[str, Any], id: int | None = None, **more: Any) -> Decision:
        """Create a record (without an id) or change the one that lies there; the record then lies there as decided."""
        compiled = self.app.form(form)
        before = self.records[(compiled.id, id)] if id is not None else None
        number = id if id is not None else 1000 + len(self.records)
        op = "create" if id is None else "update"
        request = SaveRequest(compiled.id, op, values, self.facts.actor, number, **more)  # type: ignore[arg-type]
        decision = self._decide(request, before)
        self.records[(compiled.id, number)] = dict(decision.after)
        return decision

    def refusals(self, form: str, values: Mapping[str, Any], id: int | None = None, **more: Any) -> dict[str, str]:
        """What is said about a save that must not go through: codes by place, `values` left out of the place."""
        try:
            self.save(form, values, id, **more)
        except Invalid as invalid:
            return {str(problem.path).removeprefix("/values"): problem.code for problem in invalid.problems}
        return {}

    def _decide(self, request: SaveRequest, before: Mapping[str, Any] | None) -> Decision:
        facts, self.rounds = self.facts, []
        while isinstance(answer := decide(self.app, request, before, facts), Needs):
            self.rounds.append(answer)
            assert len(self.rounds) <= 4, "at most four rounds"
            facts = facts | self._fetched(answer, request)
        return answer

    def _fetched(self, needs: Needs, request: SaveRequest) -> Facts:
        self.count += len(needs.numbers)
        return Facts(
            records={key: self.records.get(key) for key in needs.records},
            readable={key: key in self.records and key not in self.unreadable for key in needs.readable},
            taken={key: self._is_taken(*key, but=request.record) for key in needs.taken},
            numbers={id: str(self.count) for id in needs.numbers},
        )

    def _is_taken(self, form: str, field: str, value: Any, but: int) -> bool:
        return any(
            record.get(field) == value for (owner, id), record in self.records.items() if owner == form and id != but
        )


def named(app: CompiledApp, form: str, record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Some values of a record, by name."""
    compiled = app.form(form)
    return {name: record[compiled.field_ids.get(name, name)] for name in names}
