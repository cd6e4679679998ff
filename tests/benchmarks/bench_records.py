"""The record API beside the hand-written twin: processor time for each request, paired in one run.

Both servers stand on the same PostgreSQL and the same 100,000 records, run as processes of their own and are asked in
turns over one kept connection each. What is compared is the processor time of the server process, not the clock.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.benchmarks.ground import FIRST_ID, Server, fourfold, free_port, ground, seed, serving, spent, tell

RECORDS = 100_000
GOAL = 1.5
OURS, THEIRS = "/api/v1/apps/sales/forms/{}/records", "/api/{}"
FILTER = "?filter=" + quote("close_on >= DATE(2025, 3, 1) and close_on < DATE(2025, 6, 1)") + "&sort=-close_on"
BETWEEN = "?from_day=2025-03-01&until_day=2025-06-01"

Ask = Callable[[Server, int], None]


def reading(pattern: str) -> Ask:
    def ask(server: Server, number: int) -> None:
        status, _ = server.ask("GET", pattern.format(FIRST_ID + number * 386 % RECORDS // 2 * 2))
        assert status == 200, status

    return ask


def creating(path: str) -> Ask:
    def ask(server: Server, number: int) -> None:
        status, body = server.ask("POST", path, {"values": deal(number)})
        assert status == 201, body

    return ask


def deal(number: int) -> dict[str, Any]:
    return {
        "title": f"Deal of the benchmark {number}",
        "customer": str(FIRST_ID + number % 1000),
        "amount": 150_000.5 + number,
        "probability": 0.25,
        "close_on": "2030-05-17",
        "note": "Somebody rang and asked for an offer.",
    }


CASES: dict[str, tuple[Ask, Ask]] = {
    "get": (reading(OURS.format("deal") + "/{}"), reading(THEIRS.format("deal") + "/{}")),
    "create": (creating(OURS.format("deal")), creating(THEIRS.format("deal"))),
    "create, one rule": (creating(OURS.format("ruled_deal")), creating(THEIRS.format("ruled_deal"))),
    "list of 50": (reading(OURS.format("deal") + FILTER), reading(THEIRS.format("deal") + BETWEEN)),
}


def main() -> None:
    options = _options()
    with ground() as made:
        seed(made, RECORDS, (("t_deal", "f_"), ("t_ruled", "f_r")))
        one, other = free_port(), free_port()
        twin = [sys.executable, "-m", "uvicorn", "handwritten:app", "--port", str(other), "--no-access-log"]
        twin += ["--log-level", "warning", "--no-server-header"]
        with (
            fourfold(made, one) as ours,
            serving(twin, other, made.token, FOURFOLD_DATABASE_URL=made.url) as theirs,
        ):
            _answer_alike(ours, theirs)
            tell(f"{RECORDS:,} records, {options.rounds} rounds of {options.requests} requests; CPU ms per request")
            tell(f"{'':18}{'Fourfold':>10}{'by hand':>10}{'ratio':>8}   goal {GOAL}")
            for name, asks in CASES.items():
                _compare(name, ours, theirs, *asks, options)


def _compare(name: str, ours: Server, theirs: Server, ask_ours: Ask, ask_theirs: Ask, options: Any) -> None:
    for server, ask in ((ours, ask_ours), (theirs, ask_theirs)):
        spent(server, ask, 50)  # warm
    rounds = [
        (spent(ours, ask_ours, options.requests), spent(theirs, ask_theirs, options.requests))
        for _ in range(options.rounds)
    ]
    mine, other = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(one / two for one, two in rounds)
    tell(f"{name:18}{mine:10.2f}{other:10.2f}{ratio:8.2f}")


def _answer_alike(ours: Server, theirs: Server) -> None:
    """The comparison is only fair while both say the same."""
    for mine, other in ((f"/{FIRST_ID}", f"/{FIRST_ID}"), (FILTER, BETWEEN)):
        found = json.loads(ours.ask("GET", OURS.format("deal") + mine)[1])
        written = json.loads(theirs.ask("GET", THEIRS.format("deal") + other)[1])
        first, second = (each.get("items", [each]) for each in (found, written))
        assert first == second, f"{first[:1]}\n{second[:1]}"
        assert len(first) in (1, 50), len(first)


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    main()
