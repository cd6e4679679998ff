"""Evaluation: what asteval is given, what it leaves behind, and what a failure says."""

import ast
import sys
import threading
from decimal import Decimal
from typing import Any

import pytest

from engines.expressions import Environment, MissingFact, evaluate, missing_records
from engines.expressions.canonical import canonical
from engines.facts import Facts
from metadata.expressions import EvaluationError, check
from tests.engines.expressions.orders import (
    FUNCTIONS,
    OLD_SCOPE,
    ROW_SCOPE,
    SCOPE,
    Record,
    customers,
    environment,
    facts,
    records,
)

module = sys.modules["engines.expressions.evaluate"]
SYNTAX = {
    "Expr",
    "Name",
    "Load",
    "Store",
    "Constant",
    "Call",
    "BoolOp",
    "And",
    "Or",
    "IfExp",
    "ListComp",
    "comprehension",
}
VALUES = {"_old", "_extras", "_today", "_now", "_zone", "_organisation"}
ITEM: Record = {"f_amt": Decimal(1), "f_qty": Decimal(2), "f_role": "secret", "f_ok": True}
EVERYTHING = [
    "SUM(r.amt for r in items if r.ok) + n1 * n2 / 3 % 2 - -n3",
    "IF(b1 and not b2 or t1 == 'a', t1 & t2, UPPER(t1))",
    "customer.parent.name == 'x' and owner.manager.name != 'y' and t1 in ['a'] and 'a' in tags",
    "CHANGED(n1) or ISNEW() or old.n1 > MAX(n1, n2) or ISBLANK(IFNULL(d1, today)) or COUNT(tags) > 1",
    "any(r.product.name == t1 for r in items) and all(items.ok) and AVG(items.amt) > MIN(items.qty)",
]


def value_of(text: str, record: Record, **more: Any) -> Any:
    return evaluate(check(text, OLD_SCOPE, FUNCTIONS), environment(record, **more))


@pytest.mark.parametrize("text", EVERYTHING)
def test_the_table_handed_to_asteval_holds_only_our_helpers(text: str) -> None:
    prepared = module._prepare(check(text, OLD_SCOPE, FUNCTIONS).root)
    table = module._Run(environment(records(1)[0])).table(prepared)

    named = {node.id for node in ast.walk(prepared.statement) if isinstance(node, ast.Name)}
    library = {function.name for function in FUNCTIONS if function.has_value}
    helpers = set(table) - VALUES - set(prepared.reads)
    assert helpers <= named
    assert all(name in library or name.startswith("_") for name in helpers)
    assert all(table[name].__module__.startswith("engines.expressions") for name in helpers)


def test_the_interpreter_can_do_nothing_but_our_few_steps() -> None:
    interpreter = module._new_interpreter()

    able = {name for name, handler in interpreter.node_handlers.items() if handler != interpreter.unimplemented}
    assert able <= module.HANDLED
    assert {"attribute", "assign", "import", "subscript", "lambda", "functiondef", "while", "with"}.isdisjoint(able)


@pytest.mark.parametrize("text", EVERYTHING)
def test_the_canonical_tree_holds_only_our_syntax(text: str) -> None:
    tree = canonical(check(text, OLD_SCOPE, FUNCTIONS).root, module._wants()).statement

    assert {type(node).__name__ for node in ast.walk(tree)} <= SYNTAX


@pytest.mark.parametrize("text", EVERYTHING)
def test_evaluation_leaves_the_record_and_the_interpreter_as_they_were(text: str) -> None:
    record, before = records(5)[3], records(5)[3]

    value_of(text, record, old=before)

    assert record == before
    interpreter = module._borrow()
    assert interpreter.symtable == {}
    module._give_back(interpreter)


def test_a_failure_says_nothing_about_the_data() -> None:
    record = {"id": 1, "f_t1": "the secret " * 9000, "f_items": []}

    with pytest.raises(EvaluationError) as failed:
        value_of("t1 & t1", record)

    assert "secret" not in str(failed.value)
    assert failed.value.code == "text_too_long"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_an_unforeseen_error_says_nothing_about_the_data() -> None:
    with pytest.raises(EvaluationError) as failed:
        value_of("n1 + 1", {"id": 1, "f_n1": "a secret that is no number"})

    assert "secret" not in str(failed.value)


def test_a_failed_evaluation_does_not_spoil_the_next() -> None:
    with pytest.raises(EvaluationError):
        value_of("any(r.amt > 1 for r in items)", {"id": 1, "f_items": [{"f_amt": "x"}]})

    assert value_of("any(r.amt > 1 for r in items)", {"id": 1, "f_items": [{"f_amt": Decimal(2)}]}) is True


def test_a_loop_stops_at_its_budget() -> None:
    rows = [ITEM] * 1000

    with pytest.raises(EvaluationError) as failed:
        value_of("SUM(SUM(q.amt for q in items) for r in items)", {"id": 1, "f_items": rows})

    assert failed.value.code == "too_many_rows"


@pytest.mark.parametrize("text", ["t1 & t1 & t1", "REPLACE(t1, 'a', 'aaaaaaaaaa')"])
def test_a_text_stops_growing_at_its_limit(text: str) -> None:
    with pytest.raises(EvaluationError):
        value_of(text, {"id": 1, "f_t1": "a" * 60_000})


def test_threads_do_not_see_one_another() -> None:
    expression = check("n1 + SUM(items.amt)", SCOPE, FUNCTIONS)
    wrong: list[Any] = []

    def work(number: int) -> None:
        record = {"id": number, "f_n1": Decimal(number), "f_items": [{"f_amt": Decimal(number)}]}
        for _ in range(200):
            value = evaluate(expression, environment(record))
            if value != 2 * number:
                wrong.append((number, value))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_new_record_is_new_and_all_that_is_filled_in_has_changed() -> None:
    record = {"id": 1, "f_n1": Decimal(5)}

    assert value_of("ISNEW()", record) is True
    assert value_of("CHANGED(n1)", record) is True
    assert value_of("CHANGED(n2)", record) is False


def test_a_saved_record_is_compared_with_what_it_was() -> None:
    record, old = {"id": 1, "f_n1": Decimal(5), "f_tags": ("a",)}, {"id": 1, "f_n1": Decimal("5.00"), "f_tags": ()}

    assert value_of("ISNEW()", record, old=old) is False
    assert value_of("CHANGED(n1)", record, old=old) is False
    assert value_of("CHANGED(tags)", record, old=old) is True
    assert value_of("old.n1 + 1", record, old=old) == 6


def test_a_row_reads_its_own_fields_and_those_of_its_record() -> None:
    expression = check("amt * qty + record.n1", ROW_SCOPE, FUNCTIONS)

    value = evaluate(expression, environment({"id": 1, "f_n1": Decimal(10)}, row=ITEM))

    assert value == 12
    assert expression.reads == {("row", "f_amt"), ("row", "f_qty"), ("record", "f_n1")}


def test_linked_records_are_asked_for_one_link_a_round() -> None:
    expression = check("customer.parent.name", SCOPE, FUNCTIONS)
    record, known = {"id": 1, "f_customer": 21}, Facts()

    first = missing_records([expression], record, known)
    known = Facts(records={("t_customer", 21): customers()[21]})
    second = missing_records([expression], record, known)
    known = facts()

    assert first == {("t_customer", 21)}
    assert second == {("t_customer", 22)}
    assert missing_records([expression], record, known) == set()


def test_links_in_rows_are_asked_for_too() -> None:
    expression = check("any(r.product.name == 'x' for r in items)", SCOPE, FUNCTIONS)
    record = {"id": 1, "f_items": [{"f_product": 21}, {"f_product": None}, {"f_product": 23}]}

    assert missing_records([expression], record, Facts()) == {("t_customer", 21), ("t_customer", 23)}


def test_a_link_that_was_not_fetched_is_a_mistake_of_the_caller() -> None:
    expression = check("customer.name", SCOPE, FUNCTIONS)

    with pytest.raises(MissingFact) as missing:
        evaluate(expression, Environment({"f_customer": 21}, Facts()))

    assert missing.value.key == ("t_customer", 21)


def test_a_link_to_nothing_visible_reads_as_blank() -> None:
    expression = check("customer.name", SCOPE, FUNCTIONS)
    hidden = Facts(masked={("t_customer", 21): None})

    assert evaluate(expression, Environment({"f_customer": 21}, hidden, truth=False)) == ""
