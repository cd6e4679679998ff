"""Acts on many records at once: those of a list of ids, or all that meet a filter."""

from typing import Any

from engines import access
from engines.compiled import CompiledApp, CompiledForm
from metadata.problems import ROOT, Conflict, Invalid, LimitExceeded, Path, Problem, Refused
from runtime import reading, records
from runtime.idempotency import Answer
from runtime.reading import ListQuery
from runtime.reading.refusals import no_form, no_record
from runtime.transaction import Tx
from runtime.web.incoming import id_or, values_of

MOST_AT_ONCE = 200


def bulk(tx: Tx, app: CompiledApp, form: str, asked: dict[str, Any]) -> Answer:
    """Change or delete what is chosen; a filter without `expected_count` is only counted."""
    compiled = app.form(form)
    action = _action(tx, app, compiled, asked.get("action"))
    ids = _chosen(tx, app, compiled, asked)
    if "ids" not in asked and "expected_count" not in asked:
        return Answer({"count": len(ids)})
    _check_count(asked, len(ids))
    for id in sorted(ids):
        if action == "update":
            records.save(tx, app, form, id, values_of(asked), check_version=False)
        else:
            records.delete(tx, app, form, id, check_version=False)
    return Answer({"count": len(ids)})


def _action(tx: Tx, app: CompiledApp, form: CompiledForm, action: Any) -> str:
    if action not in ("update", "delete"):
        message = {"en": "The action is “update” or “delete”", "zh": "action 须为 update 或 delete"}
        raise Invalid(Problem(Path(("action",)), "bad_action", message))
    if not access.view(app, tx.actor, form.id).grants:
        raise no_form()
    if not access.may(app, tx.actor, "bulk", form.id):
        message = {"en": "You may not change many records at once here", "zh": "您不能在此批量操作"}
        raise Refused(Problem(ROOT, "forbidden", message))
    return str(action)


def _chosen(tx: Tx, app: CompiledApp, form: CompiledForm, asked: dict[str, Any]) -> list[int]:
    if ("ids" in asked) == bool(asked.get("filter")):
        message = {"en": "Name the records by “ids” or by a “filter”", "zh": "请用 ids 或 filter 指定记录"}
        raise Invalid(Problem(ROOT, "nothing_chosen", message))
    ids = _listed(asked["ids"]) if "ids" in asked else _matching(tx, app, form, asked["filter"])
    if len(ids) > MOST_AT_ONCE:
        message = {"en": f"At most {MOST_AT_ONCE} records at once", "zh": f"一次最多 {MOST_AT_ONCE} 条记录"}
        limit = {"name": "records", "max": MOST_AT_ONCE}
        raise LimitExceeded(Problem(ROOT, "limit_exceeded", message, limit=limit))
    return ids


def _listed(given: Any) -> list[int]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        message = {"en": "“ids” is a list of ids", "zh": "ids 须为 id 列表"}
        raise Invalid(Problem(Path(("ids",)), "bad_ids", message))
    return [id_or(each, no_record()) for each in dict.fromkeys(given)]


def _matching(tx: Tx, app: CompiledApp, form: CompiledForm, filter: Any) -> list[int]:
    if not isinstance(filter, str):
        message = {"en": "A filter is text", "zh": "filter 须为文本"}
        raise Invalid(Problem(Path(("filter",)), "bad_filter", message))
    return reading.ids_matching(tx, app, form.id, ListQuery(filter=filter), MOST_AT_ONCE + 1)


def _check_count(asked: dict[str, Any], count: int) -> None:
    expected = asked.get("expected_count")
    if expected is not None and expected != count:
        message = {
            "en": f"{count} records are chosen now, not {expected}",
            "zh": f"现在选中 {count} 条记录，而非 {expected} 条",
        }
        raise Conflict(Problem(Path(("expected_count",)), "count_changed", message))
