"""A million records on PostgreSQL or SQLite: lists in a department, masked fields, formulas, a date rule."""

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from engines.actor import Actor, system
from runtime import identity, reading, transaction
from runtime.reading import ListQuery
from runtime.rules import sweeps
from tests.benchmarks.ground import APP, Ground, ground, seed, tell, timed

REMINDER = {
    "id": "u_soon",
    "name": "soon",
    "when": {"trigger": "date", "form": "deal", "field": "close_on", "offset": "-3 day"},
    "if": "stage not in ['won', 'lost'] and amount > 1000",
    "then": [{"action": "notify", "to": "=owner", "text": "{{title}} closes soon"}],
}
BY_CLOSE_OR_WEIGHT = {  # what a view sorts by has an index
    **APP,
    "views": [
        {"id": "v_close", "name": "close", "form": "deal", "sort": ["-close_on"]},
        {"id": "v_weight", "name": "weight", "form": "deal", "sort": ["-weighted"]},
    ],
}
LISTS: dict[str, ListQuery] = {
    "the first 50, capped count": ListQuery(),
    "filter on a stored formula": ListQuery(filter="weighted > 90000"),
    "filter on a new formula": ListQuery(filter="amount * probability + 100 > 90000"),
    "filter on a masked field": ListQuery(filter="cost > 49000"),
    "filter on an indexed date": ListQuery(filter="close_on >= DATE(2025, 3, 1) and close_on < DATE(2025, 3, 8)"),
    "sorted by an indexed date": ListQuery(sort="close_on"),
    "sorted by it, the latest first": ListQuery(sort="-close_on"),
    "sorted by a formula": ListQuery(sort="-weighted", count="none"),
    "counted exactly": ListQuery(count="exact"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--dialect", choices=("postgresql", "sqlite"), default="postgresql")
    asked = parser.parse_args()
    records = asked.records
    with ground({**BY_CLOSE_OR_WEIGHT, "rules": [REMINDER]}, asked.dialect) as made:
        seed(made, records)
        tell(f"{records:,} records; milliseconds by the clock, median and best of 5")
        actor = _mia(made)
        for name, query in LISTS.items():
            _tell(f"list, {name}", _list(made, actor, query))
        _sweep(made)


def _mia(made: Ground) -> Actor:
    with made.services.database.read() as connection:
        return identity.session_actor(made.services, connection, made.token).actor


def _list(made: Ground, actor: Actor, query: ListQuery) -> Callable[[], Any]:
    def work() -> None:
        with transaction.read(made.services, actor) as tx:
            page = reading.list_records(tx, made.services.apps.live(tx, "sales"), "deal", query)
        assert page.items, query

    return work


def _sweep(made: Ground) -> None:
    """Find what came due in a day, then the whole sweep of that day, its jobs and marks written."""
    now = made.services.clock()
    found: list[Any] = []

    def find() -> None:
        with transaction.read(made.services, system("sweeps")) as tx:
            app = made.services.apps.live(tx, "sales")
            found[:] = sweeps.find(tx, app, app.rules.swept[0], now - timedelta(days=1), now)

    _tell("date rule, finding what came due", find)
    tell(f"  {len(found):,} moments came due")
    fired: list[int] = []
    whole = timed(lambda: fired.append(sweeps.run_app(made.services, "sales", now - timedelta(days=1), now)), 1)[0]
    tell(f"{'date rule, the whole sweep once':45}{whole:9.1f}   ({fired[0]:,} fired)")


def _tell(name: str, work: Callable[[], Any]) -> None:
    work()
    median, best = timed(work)
    tell(f"{name:45}{median:9.1f}{best:9.1f}")


if __name__ == "__main__":
    main()
