"""JSON for to-dos: lists, one task with its record, and the operations that decide it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from metadata.problems import ROOT, Invalid, NotFound, Problem, nearest
from runtime.flows import checks, instances, tasks
from runtime.flows.task_view import app_of_task, task_view
from runtime.idempotency import Answer
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.api.flow_json import lines_json, task_json
from runtime.web.deps import JsonBody
from runtime.web.guards import needs_scope
from runtime.web.incoming import id_or, known_keys, text_of, values_of, whole_number
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])

KEYS = ("version", "comment", "values", "target", "record_version")

Reader = Annotated[Visit, Depends(needs_scope("read"))]
Decider = Annotated[Visit, Depends(needs_scope("decide"))]


class TaskParameters(BaseModel):
    """Which of my tasks: to do, done by me, of flows I started, or copies for me."""

    model_config = ConfigDict(extra="forbid")

    box: Literal["todo", "done", "started", "copies"] = "todo"
    app: str | None = Field(default=None, max_length=48)
    page: int = Field(default=1, ge=1, le=10_000)
    size: int = Field(default=tasks.PAGE_SIZE, ge=1, le=tasks.LARGEST_PAGE)


@router.get("")
def list_tasks(visit: Reader, asked: Annotated[TaskParameters, Query()]) -> Response:
    """My tasks."""
    with visit.read() as tx:
        found = lines_json(tasks.tasks(tx, asked.box, asked.page, asked.size, asked.app))
    return JsonResponse(found, headers={"Cache-Control": "no-store"})


@router.get("/{id}")
def get_task(id: str, visit: Reader) -> Response:
    """One task with its record as the task shows it, and how each field shows."""
    task = id_or(id, checks.no_task())
    with visit.read() as tx:
        app = app_of_task(tx, task)
        view = task_view(tx, app, task)
        found = task_json(app, view)
    headers = {"ETag": f'"{view.line.id}.{view.line.version}"', "Cache-Control": "no-store"}
    return JsonResponse(found, headers=headers)


@router.post("/{id}/{operation}")
def decide_task(id: str, operation: str, request: Request, visit: Decider, body: JsonBody) -> Response:
    """Decide a task (approve, reject, return, resubmit, read), or remark on it (comment).

    Name the version of the task that was looked at (`version`, or If-Match); `record_version` makes sure that the
    record is still as it was seen.
    """
    asked = known_keys(body, KEYS)
    _require_known(operation)
    task = id_or(id, checks.no_task())
    version = _version(request, asked, task)

    def work(tx: Tx) -> Answer:
        app = app_of_task(tx, task)
        if operation == "comment":
            instances.remark(tx, app, task, text_of(asked, "comment"))
            return Answer({"task": id, "operation": operation})
        state = instances.decide(
            tx,
            app,
            task,
            operation,
            version,
            text_of(asked, "comment"),
            values_of(asked) if asked.get("values") is not None else {},
            text_of(asked, "target") or None,
            whole_number(asked, "record_version"),
        )
        return Answer({"task": id, "operation": operation, "instance_state": state})

    return visit.once(work)


# --- what came in ---


def _require_known(operation: str) -> None:
    if operation not in checks.OPERATIONS:
        message = {
            "en": f"“{operation[:60]}” is nothing one can do with a task",
            "zh": f"任务不支持操作“{operation[:60]}”",
        }
        raise NotFound(Problem(ROOT, "unknown_operation", message, nearest(operation, checks.OPERATIONS)))


def _version(request: Request, body: dict[str, Any], task: int) -> int | None:
    given = request.headers.get("if-match")
    if given is None:
        return whole_number(body, "version")
    parts = given.strip().strip('"').split(".")
    if len(parts) != 2 or parts[0] != str(task) or not parts[1].isascii() or not parts[1].isdigit():
        message = {"en": "If-Match must hold the ETag of this task", "zh": "If-Match 须为该任务的 ETag"}
        raise Invalid(Problem(ROOT, "bad_etag", message))
    return int(parts[1][:9])
