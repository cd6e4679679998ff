"""JSON for to-dos: lists, one task with its record, and the operations that decide it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from metadata.problems import ROOT, Invalid, NotFound, Path, Problem, nearest
from runtime import flows, tasks
from runtime.idempotency import Answer
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.deps import JsonBody, Visit, needs_scope
from runtime.web.flow_json import lines_json, task_json

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
    with visit.read() as tx:
        app = tasks.app_of_task(tx, number(id, flows.no_task()))
        view = tasks.view(tx, app, int(id))
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
    if operation not in flows.OPERATIONS:
        message = {
            "en": f"“{operation[:60]}” is nothing one can do with a task",
            "zh": f"任务不支持操作“{operation[:60]}”",
        }
        raise NotFound(Problem(ROOT, "unknown_operation", message, nearest(operation, flows.OPERATIONS)))
    task = number(id, flows.no_task())
    version = _version(request, asked, task)

    def work(tx: Tx) -> Answer:
        app = tasks.app_of_task(tx, task)
        if operation == "comment":
            flows.remark(tx, app, task, text(asked, "comment"))
            return Answer({"task": id, "operation": operation})
        state = flows.decide(
            tx,
            app,
            task,
            operation,
            version,
            text(asked, "comment"),
            _values(asked),
            text(asked, "target") or None,
            whole_number(asked, "record_version"),
        )
        return Answer({"task": id, "operation": operation, "instance_state": state})

    return visit.once(work)


# --- what came in ---


def number(given: str, missing: Exception) -> int:
    """An id from an address; anything else leads nowhere."""
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) < 2**63):
        raise missing
    return int(given)


def known_keys(body: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """The body, if it holds nothing else than these keys."""
    unknown = [key for key in body if key not in known]
    if unknown:
        raise Invalid(
            *[
                Problem(
                    Path((key,)),
                    "unknown_key",
                    {"en": f"“{key[:60]}” means nothing here", "zh": f"此处不能使用“{key[:60]}”"},
                    nearest(key, known),
                )
                for key in unknown
            ]
        )
    return body


def text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(Problem(Path((key,)), "wrong_type", {"en": "This must be text", "zh": "此处须为文本"}))
    return value


def whole_number(body: dict[str, Any], key: str) -> int | None:
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        message = {"en": "This must be a whole number", "zh": "此处须为整数"}
        raise Invalid(Problem(Path((key,)), "wrong_type", message))
    return value


def _values(body: dict[str, Any]) -> dict[str, Any]:
    values = body.get("values")
    if values is None:
        return {}
    if not isinstance(values, dict):
        message = {"en": "“values” must be an object with the fields to write", "zh": "“values”须为包含字段内容的对象"}
        raise Invalid(Problem(Path(("values",)), "object_expected", message))
    return values


def _version(request: Request, body: dict[str, Any], task: int) -> int | None:
    given = request.headers.get("if-match")
    if given is None:
        return whole_number(body, "version")
    parts = given.strip().strip('"').split(".")
    if len(parts) != 2 or parts[0] != str(task) or not parts[1].isascii() or not parts[1].isdigit():
        message = {"en": "If-Match must hold the ETag of this task", "zh": "If-Match 须为该任务的 ETag"}
        raise Invalid(Problem(ROOT, "bad_etag", message))
    return int(parts[1][:9])
