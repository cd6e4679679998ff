"""Tasks and instances as the API writes them."""

from collections.abc import Set
from typing import Any

from engines.compiled import CompiledApp
from engines.json_values import moment_text
from runtime.flows.progress import Person, Progress
from runtime.flows.task_view import TaskView
from runtime.flows.tasks import Lines, TaskLine
from runtime.web.api.record_json import record_json

Json = dict[str, Any]


def lines_json(lines: Lines) -> Json:
    """A page of tasks."""
    where = {"page": lines.page, "size": lines.size, "total": lines.total, "has_more": lines.has_more}
    return {"items": [line_json(each) for each in lines.items], "page": where}


def line_json(line: TaskLine) -> Json:
    """A task as it stands in a list."""
    return {
        "id": str(line.id),
        "version": line.version,
        "kind": line.kind,
        "state": line.state,
        "title": line.title,
        "node": line.node,
        "app": line.app,
        "flow": line.flow,
        "form": line.form,
        "record": str(line.record),
        "label": line.label,
        "instance": str(line.instance),
        "instance_state": line.instance_state,
        "initiator": person_json(line.initiator),
        "opened_at": moment_text(line.opened_at),
        "due_at": moment_text(line.due_at) if line.due_at else None,
        "closed_at": moment_text(line.closed_at) if line.closed_at else None,
        "outcome": line.outcome,
        "comment": line.comment,
    }


def task_json(app: CompiledApp, view: TaskView) -> Json:
    """A task with its record as the task shows it, the mode of each field, and what may be done."""
    form = app.form(view.line.form)
    found = line_json(view.line)
    found["operations"] = list(view.operations)
    found["targets"] = [{"id": id, "title": title} for id, title in view.targets]
    found["progress"] = progress_json(view.progress)
    found["related"] = [{"form": name, "id": str(id), "label": label} for name, id, label in view.related]
    found["modes"] = {form.fields[id].name: mode for id, mode in view.modes.items()}
    hidden = set(form.field_ids) - set(found["modes"])
    found["record"] = None if view.shown is None else _without(record_json(app, form, view.shown), hidden)
    return found


def _without(record: Json, hidden: Set[str]) -> Json:
    """The record without the fields that the node hides."""
    for part in record.keys() & {"values", "labels"}:
        record[part] = {name: value for name, value in record[part].items() if name not in hidden}
    if "updating" in record:
        record["updating"] = [name for name in record["updating"] if name not in hidden]
    return record


def progress_json(progress: Progress) -> Json:
    """How far an instance is."""
    return {
        "id": str(progress.id),
        "flow": progress.flow,
        "title": progress.title,
        "state": progress.state,
        "initiator": person_json(progress.initiator),
        "started_at": moment_text(progress.started_at),
        "ended_at": moment_text(progress.ended_at) if progress.ended_at else None,
        "waiting": [
            {
                "person": person_json(each.person),
                "node": each.node,
                "since": moment_text(each.since),
                "due": moment_text(each.due) if each.due else None,
            }
            for each in progress.waiting
        ],
        "next": list(progress.next),
        "incidents": [{"node": node, "reason": reason} for node, reason in progress.incidents],
        "decisions": [
            {
                "at": moment_text(each.at),
                "person": person_json(each.person),
                "node": each.node,
                "outcome": each.outcome,
                "comment": each.comment,
            }
            for each in progress.said
        ],
        "may_withdraw": progress.may_withdraw,
        "tree": list(progress.boxes),
    }


def person_json(person: Person | None) -> Json | None:
    return None if person is None else {"id": str(person.id), "name": person.name}
