"""JSON for flow instances: start one, see how far it is, withdraw it, remark on it, retry an incident."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from engines.compiled import CompiledApp
from engines.flows import CompiledFlow
from metadata.problems import ROOT, Invalid, NotFound, Path, Problem, nearest
from runtime.flows import checks, instances, progress
from runtime.idempotency import Answer
from runtime.reading.refusals import no_record
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.api.flow_json import progress_json
from runtime.web.api.tasks import Reader
from runtime.web.deps import JsonBody
from runtime.web.guards import holds, needs_scope
from runtime.web.incoming import id_or, known_keys, text_of, whole_number
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1/apps/{app}", tags=["flows"])

Starter = Annotated[Visit, Depends(needs_scope("start_flow"))]
Operator = Annotated[Visit, Depends(holds("ops"))]


class InstanceParameters(BaseModel):
    """Which instances: of one record, or in one state."""

    model_config = ConfigDict(extra="forbid")

    record: str | None = Field(default=None, pattern=r"^[0-9]{1,19}$")
    state: Literal["running", "approved", "rejected", "withdrawn", "incident"] | None = None
    page: int = Field(default=1, ge=1, le=10_000)
    size: int = Field(default=progress.PAGE_SIZE, ge=1, le=progress.LARGEST_PAGE)


@router.get("/flows/{flow}/instances")
def list_instances(app: str, flow: str, visit: Reader, asked: Annotated[InstanceParameters, Query()]) -> Response:
    """The instances of a flow on records that I may see, the latest first."""
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        found = find_flow(compiled, flow)
        if asked.record is not None:
            every = progress.instances_of(tx, compiled, found.form, id_or(asked.record, no_record()))
            items = [each for each in every if each.flow == found.name and asked.state in (None, each.state)]
        else:
            items = progress.instances_of_flow(tx, compiled, found, asked.state, asked.page, asked.size)
    return JsonResponse({"items": [progress_json(each) for each in items]}, headers={"Cache-Control": "no-store"})


@router.post("/flows/{flow}/instances", status_code=201)
def start_instance(app: str, flow: str, visit: Starter, body: JsonBody) -> Response:
    """Start a flow on a record."""
    asked = known_keys(body, ("record", "version"))
    record = _record(asked)
    version = whole_number(asked, "version")

    def work(tx: Tx) -> Answer:
        compiled = tx.services.apps.live(tx, app)
        found = find_flow(compiled, flow)
        id = instances.submit(tx, compiled, found.id, found.form, record, version)
        place = f"/api/v1/apps/{compiled.name}/flows/{found.name}/instances/{id}"
        return Answer(progress_json(progress.progress(tx, compiled, id)), 201, {"Location": place})

    return visit.once(work)


@router.get("/flows/{flow}/instances/{id}")
def get_instance(app: str, flow: str, id: str, visit: Reader) -> Response:
    """How far an instance is: who has it, since when, what was decided, what comes next."""
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        find_flow(compiled, flow)
        found = progress_json(progress.progress(tx, compiled, id_or(id, checks.no_instance())))
    return JsonResponse(found, headers={"Cache-Control": "no-store"})


@router.post("/flows/{flow}/instances/{id}/withdraw")
def withdraw_instance(app: str, flow: str, id: str, visit: Starter, body: JsonBody) -> Response:
    """Take a request of mine back."""
    asked = known_keys(body, ("comment",))
    return _act(
        visit, app, flow, id, lambda tx, found, at: instances.withdraw(tx, found, at, text_of(asked, "comment"))
    )


@router.post("/flows/{flow}/instances/{id}/comments", status_code=201)
def remark_on_instance(app: str, flow: str, id: str, visit: Starter, body: JsonBody) -> Response:
    """Say something about an instance whose record I may see."""
    asked = known_keys(body, ("comment",))
    return _act(visit, app, flow, id, lambda tx, found, at: _remark(tx, found, at, text_of(asked, "comment")), 201)


@router.post("/flows/{flow}/instances/{id}/retry")
def retry_instance(app: str, flow: str, id: str, visit: Operator, body: JsonBody) -> Response:
    """Try an instance that is stuck once more."""
    known_keys(body, ())
    return _act(visit, app, flow, id, instances.retry)


@router.get("/incidents")
def list_incidents(app: str, visit: Operator) -> Response:
    """The flows that are stuck, with the reason; nothing of their records."""
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        items = [
            {key: value for key, value in progress_json(each).items() if key not in ("decisions", "tree")}
            for each in progress.incidents(tx, compiled)
        ]
    return JsonResponse({"items": items}, headers={"Cache-Control": "no-store"})


def find_flow(app: CompiledApp, name: str) -> CompiledFlow:
    """A flow by its name."""
    for each in app.flows.values():
        if name == each.name:
            found: CompiledFlow = each
            return found
    message = {"en": f"There is no flow “{name[:60]}”", "zh": f"不存在流程“{name[:60]}”"}
    raise NotFound(Problem(ROOT, "not_found", message, nearest(name, [each.name for each in app.flows.values()])))


def _act(visit: Visit, app: str, flow: str, id: str, act: Any, status: int = 200) -> Response:
    at = id_or(id, checks.no_instance())

    def work(tx: Tx) -> Answer:
        compiled = tx.services.apps.live(tx, app)
        find_flow(compiled, flow)
        state = act(tx, compiled, at)
        return Answer({"id": id, "state": state}, status)

    return visit.once(work)


def _remark(tx: Tx, app: CompiledApp, id: int, comment: str) -> str:
    seen = progress.progress(tx, app, id)
    instances.remark_on_instance(tx, id, comment)
    return seen.state


def _record(body: dict[str, Any]) -> int:
    given = body.get("record")
    if not isinstance(given, str):
        message = {"en": "Say which record: its id, as text", "zh": "请用文本形式提供记录 id"}
        raise Invalid(Problem(Path(("record",)), "wrong_type", message))
    return id_or(given, no_record())
