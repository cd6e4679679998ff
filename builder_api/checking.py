"""Checking a draft: read it, let renames follow, compile all engines, and say everything that is wrong."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engines import compile_app
from engines.checks.comparisons import vain_comparisons
from engines.compiled import CompiledApp, StoredAs
from engines.forms.compile import compile_forms
from metadata.app import AppDefinition
from metadata.expressions import FieldReference, Names
from metadata.hints import with_hints
from metadata.ids import known_ids
from metadata.language import Examined, Language
from metadata.problems import ROOT, InvalidDefinition, Problem, Problems, Refusal
from metadata.renames import follow, renamed, under_old_names


@dataclass(frozen=True)
class Known:
    """What is live, as far as anything is: the compiled app, which name ever had which id, and its number."""

    live: CompiledApp | None = None
    ids: Mapping[str, str] | None = None
    storages: Mapping[str, StoredAs] | None = None
    number: int = 1


@dataclass(frozen=True)
class Checked:
    """What came of a check: the canonical document, the compiled app if nothing is wrong, and all problems."""

    document: dict[str, Any] | None
    app: CompiledApp | None
    problems: Problems

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is possible but probably not meant: the gaps and overlaps between the branches of flows."""
        return tuple(each for flow in self.app.flows.values() for each in flow.warnings) if self.app else ()

    def require(self) -> CompiledApp:
        """The compiled app; raises InvalidDefinition with all problems where there is none."""
        self.problems.raise_if_any()
        assert self.app is not None
        return self.app


def check(language: Language, document: Any, known: Known, name: str | None = None) -> Checked:
    """Check a definition against what is live. Nothing is written."""
    live = known.live.definition if known.live else None
    examined = _with_renames(language, document, live, known)
    if examined.app is None:
        return Checked(None, None, with_hints(examined.problems))
    if name is not None and examined.app.app != name:
        examined.add([_other_app(examined.app.app, name)])
    compiled = _compile(language, examined, known)
    written = language.canonical(examined.app) if examined.rest is None else None
    return Checked(written, compiled if not examined.problems else None, with_hints(examined.problems))


def _with_renames(language: Language, document: Any, live: AppDefinition | None, known: Known) -> Examined:
    """Read the draft; where a known id has a new name, every reference to the old one is written anew first."""
    ids = {**(known.ids or {}), **(known_ids(live) if live else {})}
    shaped = language.shape(document, ids)
    if live is None or shaped.app is None or shaped.problems:
        return language.complete(shaped)
    renames = renamed(live, shaped.app)
    if not renames:
        return language.complete(shaped)
    written = language.canonical(shaped.app)
    old = language.shape(under_old_names(written, renames), ids)
    if old.app is None or old.problems:
        return language.complete(shaped)
    meanings = _meanings(compile_forms(old.app, language.kinds, known.number, {}, Problems()).names)
    return language.examine(follow(written, old.app, renames, meanings), live, known.ids)


def _meanings(names: Names) -> Names:
    """What the names of all fields mean that can be understood; the others are for the check to complain of."""
    return Names({form: dict(_understood(fields)) for form, fields in names.forms.items()}, names.titles)


def _understood(fields: Mapping[str, FieldReference]) -> Iterator[tuple[str, FieldReference]]:
    for name in fields:
        with suppress(Refusal):
            yield name, fields[name]


def _compile(language: Language, examined: Examined, known: Known) -> CompiledApp | None:
    assert examined.app is not None
    try:
        app = compile_app(examined.app, language.kinds, known.number, known.storages or {})
        examined.add(vain_comparisons(app, language.kinds.functions))
        return app
    except InvalidDefinition as refusal:
        examined.add(refusal.problems)
        return None


def _other_app(found: str, wanted: str) -> Problem:
    message = {"en": f"This is the app “{found}”, not “{wanted}”", "zh": f"这是应用“{found}”，而不是“{wanted}”"}
    hint = {"en": f'Write "app": "{wanted}"', "zh": f'请写 "app": "{wanted}"'}
    return Problem(ROOT / "app", "other_app", message, hint)
