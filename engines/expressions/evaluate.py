"""Evaluate a checked expression over one record, with asteval behind our own tree and our own helpers.

asteval is not the boundary: the checker is. What arrives here holds names of our helpers, constants, calls, and/or,
if and comprehensions, and nothing else; the symbol table holds our helpers and the values, and nothing else.
"""

import ast
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from asteval import Interpreter

from engines.expressions import arithmetic
from engines.expressions.canonical import Read, canonical
from engines.expressions.environment import Environment, MissingFact, user_values
from engines.expressions.function_kind import FunctionKind
from engines.expressions.standard import standard_functions
from metadata.expressions import EvaluationError, Expression, Node, limits

HANDLED = frozenset({"module", "expression", "expr", "name", "constant", "call", "boolop", "ifexp", "listcomp"})
GUARDED = ("_rows", "_follow", "_join", "REPLACE")  # helpers that have something to say when they fail
NOTHING: Mapping[str, Any] = {}

_interpreters: deque[Interpreter] = deque()
_prepared: "WeakKeyDictionary[Expression, _Prepared]" = WeakKeyDictionary()


def evaluate(expression: Expression, environment: Environment) -> Any:
    """Work the value out. Ordinary data never raises; limits raise EvaluationError."""
    prepared = _prepared.get(expression)
    if prepared is None:
        prepared = _prepared[expression] = _prepare(expression.root)
    return _run(prepared, environment)


def evaluate_node(node: Node, environment: Environment) -> Any:
    """Work out a part of an expression: what the other targets take for a constant."""
    return _run(_prepare(node), environment)


@dataclass(frozen=True)
class _Prepared:
    """A canonical tree with those of our helpers that it calls; the others are not even there."""

    statement: ast.Expr
    reads: Mapping[str, Read]
    helpers: Mapping[str, Callable[..., Any]]
    guarded: tuple[str, ...]


def _prepare(node: Node) -> _Prepared:
    written = canonical(node, _wants())
    names = {each.id for each in ast.walk(written.statement) if isinstance(each, ast.Name)}
    helpers = {name: helper for name, helper in _helpers().items() if name in names and name not in GUARDED}
    return _Prepared(written.statement, written.reads, helpers, tuple(name for name in GUARDED if name in names))


def _run(prepared: _Prepared, environment: Environment) -> Any:
    run = _Run(environment)
    interpreter = _borrow()
    interpreter.symtable = run.table(prepared)
    try:
        return interpreter.run(prepared.statement)
    except Exception:  # asteval's own text quotes the arguments, that is the record: it goes no further
        raise run.failure or _failed() from None
    finally:
        _give_back(interpreter)


class _Run:
    """One evaluation: its values, its budget, and the true reason if it fails."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.left = limits.LOOP_WORK
        self.failure: Exception | None = None

    def table(self, prepared: _Prepared) -> dict[str, Any]:
        """All that the statement can reach: its helpers and the values."""
        environment, facts = self.environment, self.environment.facts
        moment = environment.moment
        constants = moment or facts
        roots = {
            "record": environment.record,
            "row": environment.row,
            "old": environment.old,
            "user": user_values(facts) if moment is None else moment.user,
        }
        return {
            **prepared.helpers,
            **{name: self.guarded(name) for name in prepared.guarded},
            **{name: _get(roots[read.root], read.field, read.blank) for name, read in prepared.reads.items()},
            **{f"_{root}": row for root, row in environment.loops.items()},
            "_old": environment.old,
            "_extras": environment.extras,
            "_today": constants.today,
            "_now": constants.now,
            "_zone": constants.zone,
            "_organisation": constants.organisation,
        }

    def guarded(self, name: str) -> Callable[..., Any]:
        """A helper whose own error is kept, since asteval would wrap it together with the arguments."""
        own: dict[str, Callable[..., Any]] = {"_rows": self.rows, "_follow": self.follow}
        helper = own.get(name) or _helpers()[name]

        def call(*args: Any) -> Any:
            try:
                return helper(*args)
            except (EvaluationError, MissingFact) as error:
                self.failure = error
                raise

        return call

    def rows(self, rows: Any, work: int) -> Any:
        """The rows of a loop, as long as the budget lasts."""
        rows = rows or ()
        self.left -= len(rows) * work
        if self.left < 0:
            message = {"en": "The loop goes over too many rows", "zh": "循环的行数过多"}
            hint = {"en": "Use fewer rows or a simpler expression", "zh": "请减少行数或简化表达式"}
            raise EvaluationError("too_many_rows", message, hint)
        return rows

    def follow(self, kind: str, form: str | None, value: Any) -> Any:
        """Where a link, a member or a department leads."""
        if value is None:
            return None
        facts, moment = self.environment.facts, self.environment.moment
        organisation = moment.organisation if moment else facts.organisation
        if kind == "member":
            return _person(organisation.people.get(value))
        if kind == "department":
            return _department(organisation.departments.get(value))
        known = facts.records if self.environment.truth else facts.masked
        key = (form or "", value)
        if key not in known:
            raise MissingFact(key)
        return known[key]


# --- interpreters: one evaluation each at a time, since their state is not shared safely ---


def _borrow() -> Interpreter:
    try:
        interpreter = _interpreters.pop()
    except IndexError:
        interpreter = _new_interpreter()
    interpreter.error = []
    interpreter.error_msg = interpreter.retval = interpreter._interrupt = None
    interpreter._calldepth = 0
    interpreter.code_text = []
    interpreter.expr = "(expression)"
    return interpreter


def _give_back(interpreter: Interpreter) -> None:
    interpreter.symtable = {}
    interpreter.error = []
    _interpreters.append(interpreter)


def _new_interpreter() -> Interpreter:
    interpreter = Interpreter(
        symtable={},
        use_numpy=False,
        minimal=True,
        builtins_readonly=True,
        config={"ifexp": True, "listcomp": True},
    )
    for name in interpreter.node_handlers:
        if name not in HANDLED:
            interpreter.node_handlers[name] = interpreter.unimplemented
    return interpreter


# --- helpers ---


@cache
def _helpers() -> dict[str, Callable[..., Any]]:
    """All that an expression can call: our steps and the functions of the library."""
    return {
        "_get": _get,
        "_add": arithmetic.add,
        "_subtract": arithmetic.subtract,
        "_multiply": arithmetic.multiply,
        "_divide": arithmetic.divide,
        "_modulo": arithmetic.modulo,
        "_negate": arithmetic.negate,
        "_equal": arithmetic.equal,
        "_less": arithmetic.less,
        "_at_most": arithmetic.at_most,
        "_more": arithmetic.more,
        "_at_least": arithmetic.at_least,
        "_join": arithmetic.join,
        "_not": _not,
        "_in": _in,
        "_blank": arithmetic.is_blank,
        "_either": _either,
        "_smallest": arithmetic.smallest,
        "_largest": arithmetic.largest,
        "_length": _length,
        "_sum": arithmetic.total,
        "_avg": arithmetic.average,
        "_min": _least_of,
        "_max": _most_of,
        "_count": _count,
        "_any": _any,
        "_all": _all,
        **{function.name: function.call for function in _kinds().values() if function.has_value},
    }


@cache
def _kinds() -> dict[str, FunctionKind]:
    return {function.name: function for function in standard_functions()}


def function_kind(name: str) -> FunctionKind:
    """The function that a call names; the checker has made sure that there is one."""
    return _kinds()[name]


@cache
def _wants() -> dict[str, tuple[str, ...]]:
    return {function.name: function.wants for function in _kinds().values()}


def _get(values: Mapping[str, Any] | None, field: str, default: Any) -> Any:
    value = None if values is None else values.get(field)
    return default if value is None else value


def _person(person: Any) -> Mapping[str, Any]:
    if person is None:
        return NOTHING
    return {"name": person.name, "email": person.email, "department": person.department, "manager": person.manager}


def _department(department: Any) -> Mapping[str, Any]:
    if department is None:
        return NOTHING
    return {"name": department.name, "head": department.head, "parent": department.parent}


def _not(value: bool) -> bool:
    return not value


def _in(value: Any, values: Any) -> bool:
    return value in (values or ())


def _either(value: Any, instead: Any) -> Any:
    return instead if value is None or value == "" else value


def _length(values: Any) -> Decimal:
    return Decimal(len(values or ()))


def _least_of(values: list[Any]) -> Any:
    return arithmetic.smallest(*values)


def _most_of(values: list[Any]) -> Any:
    return arithmetic.largest(*values)


def _count(values: list[Any]) -> Decimal:
    return Decimal(sum(not arithmetic.is_blank(value) for value in values))


def _any(values: list[bool]) -> bool:
    return any(values)


def _all(values: list[bool]) -> bool:
    return all(values)


def _failed() -> EvaluationError:
    return EvaluationError(
        "expression_failed", {"en": "The expression could not be worked out", "zh": "表达式无法计算"}
    )
