"""Conditions of rules: one expression decides, and its terms explain."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext
from engines.action_values import needs_of
from engines.expressions import Environment, MissingFact, evaluate
from engines.expressions.phrases import PHRASES, glued, joined
from engines.facts import Needs
from metadata.conditions import terms, text_of
from metadata.expressions import Expression
from metadata.text import say
from metadata.value_types import YES_NO

MAXIMUM_TERMS = 30


@dataclass(frozen=True)
class CompiledCondition:
    """What must hold: the whole as one expression, and its single terms to show with their values."""

    whole: Expression
    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Term:
    """A term of a condition as it came out: its text, its value, and what it read (paths of field ids)."""

    text: str
    value: Any
    reads: tuple[tuple[tuple[str, ...], Any], ...] = ()


def compile_condition(condition: Any, context: ActionContext, *place: str | int) -> CompiledCondition | None:
    """Check a condition, nested or plain; None when there is none, or when it has problems (which are noted)."""
    if condition is None:
        return None
    written = list(terms(condition))
    if len(written) > MAXIMUM_TERMS:
        message = {"en": f"A condition has at most {MAXIMUM_TERMS} parts", "zh": f"条件最多包含 {MAXIMUM_TERMS} 项"}
        context.add("limit_exceeded", message, *place)
        return None
    parts = [context.expression(text, *place, *path.parts, want=YES_NO) for path, text in written]
    if any(part is None for part in parts):
        return None
    whole = parts[0] if len(parts) == 1 else context.expression(text_of(condition), *place, want=YES_NO)
    if whole is None:
        return None
    single = [context.quietly(term, YES_NO) for _, text in written for term in _split(text)]
    return CompiledCondition(whole, tuple(term for term in single if term is not None))


def holds(condition: CompiledCondition | None, environment: Environment) -> bool | Needs:
    """Whether the condition holds now, or which records it would have to read first."""
    if condition is None:
        return True
    needs = needs_of([condition.whole], environment)
    return needs if needs else evaluate(condition.whole, environment) is True


def explain(
    condition: CompiledCondition | None, environment: Environment, held: bool | None = None
) -> tuple[Term, ...]:
    """Every term with its value and what it read; what cannot be known any more is left blank.

    `held` is what came of the condition, where that is known already: the value of its only term.
    """
    if condition is None:
        return ()
    if held is not None and len(condition.terms) == 1 and condition.terms[0].text == condition.whole.text:
        return (_term(condition.terms[0], held, environment),)
    return tuple(_explain(term, environment) for term in condition.terms)


def condition_words(condition: Any, language: str) -> str:
    """A condition as one reads it: the words of its expressions, joined by words."""
    if condition is None or isinstance(condition, str):
        return condition or ""
    said = [condition_words(each, language) for each in condition.all or ()]
    if condition.any:
        said.append(_joined("or", [condition_words(each, language) for each in condition.any], language))
    if condition.none:
        either = _joined("or", [condition_words(each, language) for each in condition.none], language)
        said.append(glued(say(PHRASES["not"], language), {"a": _in_brackets(either, language)}))
    return _joined("and", said, language)


def _joined(word: str, said: list[str], language: str) -> str:
    if len(said) == 1:
        return said[0]
    return joined(word, (_in_brackets(each, language) for each in said), language)


def _in_brackets(said: str, language: str) -> str:
    """What holds an “and” or “or” of its own, so that it does not run into its neighbours."""
    several = any(say(PHRASES[word], language) in said for word in ("and", "or"))
    return glued(say(PHRASES["brackets"], language), {"a": said}) if several else said


def _explain(term: Expression, environment: Environment) -> Term:
    try:
        value = evaluate(term, environment)
    except MissingFact:
        value = None
    return _term(term, value, environment)


def _term(term: Expression, value: Any, environment: Environment) -> Term:
    reads = ((path, _read(path, environment)) for path in sorted(term.reads) if len(path) > 1)
    return Term(term.text, value, tuple(reads))


def _read(path: tuple[str, ...], environment: Environment) -> Any:
    """What stands in the record itself; of what lies behind a link only the path is kept, so that it can be hidden."""
    root, field, *further = path
    if further:
        return None
    sources = {"record": environment.record, "old": environment.old, "row": environment.row}
    source = sources.get(root)
    return source.get(field) if source is not None else None


def _split(text: str) -> Iterator[str]:
    """The parts that `and` and `or` join, as the author wrote them; the whole where Python cannot tell them apart."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        yield text
        return
    yield from _parts(tree, text.strip())


def _parts(tree: ast.expr, text: str) -> Iterator[str]:
    if isinstance(tree, ast.BoolOp):
        for value in tree.values:
            yield from _parts(value, text)
    else:
        yield ast.get_source_segment(text, tree) or text
