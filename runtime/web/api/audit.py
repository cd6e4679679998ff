"""JSON for the audit trail, to be read by auditors."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from runtime.audit import trail
from runtime.audit.trail import LONGEST_PAGE, PAGE_SIZE, Wanted
from runtime.web.answers import JsonResponse
from runtime.web.api.session import Id, small
from runtime.web.deps import Auditor

router = APIRouter(prefix="/api/v1", tags=["audit"])

Word = Annotated[str, Field(max_length=100)]


class Asked(BaseModel):
    """The query: every part narrows the acts down."""

    model_config = ConfigDict(extra="forbid")

    action: Word | None = None
    actor: Id | None = None
    app: Word | None = None
    kind: Word | None = None
    object: Word | None = None
    result: Word | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    before: Id | None = None
    size: int = Field(default=PAGE_SIZE, ge=1, le=LONGEST_PAGE)

    def wanted(self) -> Wanted:
        actor, before = (None if each is None else small(each) for each in (self.actor, self.before))
        words = (self.app, self.kind, self.object, self.result)
        return Wanted(self.action, actor, *words, self.since, self.until, before, self.size)


@router.get("/audit")
def read_audit(visit: Auditor, asked: Annotated[Asked, Query()]) -> JsonResponse:
    """The acts, the newest first; `next` is what to send as `before` for the older ones."""
    items, older = visit.run(lambda tx: trail.look(tx, asked.wanted()))
    return JsonResponse({"items": items, "next": older})
