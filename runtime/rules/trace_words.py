"""Traces as a reader is told them: in his words, through today's masks."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engines import access
from engines.access import view
from engines.actor import Actor
from engines.compiled import CompiledApp, CompiledField
from engines.computed.sources import shown_in_rows
from engines.expressions.phrases import PHRASES, glued
from engines.expressions.value_words import thousands
from engines.json_values import to_json
from engines.organisation import Organisation
from engines.rules import term_in_words
from engines.system_fields import SYSTEM_TITLES
from metadata.text import say
from runtime.history.entries import TYPES


@dataclass(frozen=True)
class Reader:
    """Who reads a trace, and by what things are called."""

    app: CompiledApp
    actor: Actor
    organisation: Organisation
    language: str


def tell(reader: Reader, row: Any, detail: Mapping[str, Any], visible: frozenset[str]) -> dict[str, Any]:
    rule, language = reader.app.rules.rules.get(row["rule"]), reader.language
    return {
        "rule": rule.name if rule is not None else detail["name"],
        "title": say(rule.title, language) if rule is not None else detail["name"],
        "event": row["event"],
        "outcome": row["outcome"],
        "terms": [
            _term(reader, row["form"] or "", rule.rows if rule is not None else None, visible, each)
            for each in detail["terms"]
        ],
        "actions": list(detail["actions"]),
        "reason": say(detail["reason"], language),
    }


def _term(
    reader: Reader, form: str, rows: str | None, readable: frozenset[str], term: Mapping[str, Any]
) -> dict[str, Any]:
    """A term, as written and in words, with what it read; where a field is hidden, so is the outcome."""
    app, actor, language = reader.app, reader.actor, reader.language
    reads = [(tuple(path), value) for path, value in term["reads"]]
    hidden = [
        path for path, _ in reads if not _may_see(app, form, readable, path) or not _may_follow(app, actor, form, path)
    ]
    if hidden:
        return {"text": None, "words": None, "value": None, "hidden": True, "reads": []}
    return {
        "text": term["text"],
        "words": _step(reader, form, reads)
        if term["text"] == "changed"
        else term_in_words(app, form, rows, term["text"], language) or term["text"],
        "value": term["value"],
        "hidden": False,
        "reads": [
            {
                "name": _name(app, form, path),
                "title": _title(app, form, path, language),
                "value": _plain(app, form, path, value),
                "said": _said(reader, form, path, value),
            }
            for path, value in reads
            if len(path) == 2
        ],
    }


def _step(reader: Reader, form: str, reads: list[tuple[tuple[str, ...], Any]]) -> str:
    """What a trigger looked at that waits for a change: the field, from what, to what."""
    (_, before), (path, after) = reads
    old, new = (_said(reader, form, path, each) or "—" for each in (before, after))
    colon = "：" if reader.language == "zh" else ": "
    return f"{_title(reader.app, form, path, reader.language)}{colon}{old} → {new}"


def _may_see(app: CompiledApp, form: str, readable: frozenset[str], path: tuple[str, ...]) -> bool:
    """Whether the viewer reads the field in this record; a trace knows what it truly computes, so its sources too."""
    if path[0] not in ("record", "old", "row") or len(path) < 2:
        return True
    for rows in app.forms[form].subforms:
        cell = next((id for id in path[1:] if rows.subform is not None and id in rows.subform.fields), None)
        if cell is not None:
            return rows.id in readable and cell in shown_in_rows(app.forms[form], rows, readable)
    field = app.forms[form].fields.get(path[1])
    if field is None or field.storage != "computed" or field.expression is None:
        return field is None or field.id in readable
    return field.id in readable and all(_may_see(app, form, readable, read) for read in field.expression.reads)


def _may_follow(app: CompiledApp, actor: Actor, form: str, path: tuple[str, ...]) -> bool:
    """Whether what lies behind links is open to the viewer in every record: a trace does not know which one it was.

    What a field computes at reading may lie behind links as well.
    """
    at: str | None = form
    is_behind = False
    for step in path[1:] if path[0] in ("record", "old", "row") else ():
        field = _field(app, at, step) if at is not None else None
        if is_behind and at is not None and not _is_open(view(app, actor, at), app.forms[at].fields, step):
            return False
        if field is None or at is None:
            continue
        reads = field.expression.reads if field.storage == "computed" and field.expression is not None else ()
        if not all(_may_follow(app, actor, at, read) for read in reads):
            return False
        if field.subform is None:
            at, is_behind = field.target, True
    return True


def _is_open(seen: access.View, fields: Mapping[str, Any], field: str) -> bool:
    everywhere = any(grant.is_everywhere for grant in seen.grants)
    return everywhere and (field not in fields or seen.masks.get(field) == ())


def _field(app: CompiledApp, form: str, id: str) -> CompiledField | None:
    """A field of the form, or of its rows, by id."""
    if form not in app.forms:
        return None
    holders = [app.forms[form], *(each.subform for each in app.forms[form].subforms if each.subform is not None)]
    return next((each.fields[id] for each in holders if id in each.fields), None)


def _name(app: CompiledApp, form: str, path: tuple[str, ...]) -> str:
    field = _field(app, form, path[-1])
    name = field.name if field is not None else path[-1]
    return f"old.{name}" if path[0] == "old" else name


def _title(app: CompiledApp, form: str, path: tuple[str, ...], language: str) -> str:
    """What people call the field; before the change, as the words of an expression say it."""
    field = _field(app, form, path[-1])
    title = say(field.title if field is not None else SYSTEM_TITLES.get(path[-1], path[-1]), language)
    return glued(say(PHRASES["before"], language), {"a": title}) if path[0] == "old" else title


def _said(reader: Reader, form: str, path: tuple[str, ...], value: Any) -> str:
    """A value as one says it: options by their titles, people and departments by name, of rows how many."""
    field = _field(reader.app, form, path[-1])
    type = field.type if field is not None else TYPES.get(path[-1])
    if type is not None and type.name == "rows":
        return str(len(value or ()))
    if isinstance(value, list | tuple):
        comma = say({"en": ", ", "zh": "、"}, reader.language)
        return comma.join(_said(reader, form, path, each) for each in value)
    if field is not None and value in field.choices:
        return say(field.choices[value].title or value, reader.language)
    kind = (type.of or type).name if type is not None else ""
    known: Mapping[str, Mapping[int, Any]] = {
        "member": reader.organisation.people,
        "department": reader.organisation.departments,
    }
    if isinstance(value, bool):
        return say(PHRASES["yes" if value else "no"], reader.language)
    named = known.get(kind, {}).get(value)
    if isinstance(value, Decimal):
        return thousands(value)
    return named.name if named is not None else "" if value is None else str(_plain(reader.app, form, path, value))


def _plain(app: CompiledApp, form: str, path: tuple[str, ...], value: Any) -> Any:
    field = _field(app, form, path[-1])
    type = field.type if field is not None else TYPES.get(path[-1])
    if type is not None and type.name != "rows":
        return to_json(value, type)
    return value if isinstance(value, str | int | bool) or value is None else str(value)
