"""HTTP for files: upload, then name them in a record; download through the record that holds them."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Request, UploadFile
from sqlalchemy import Row
from starlette.datastructures import FormData
from starlette.responses import FileResponse, Response

from metadata.problems import Invalid, NotFound, Path, Problem
from runtime import files, reading
from runtime.idempotency import Answer
from runtime.organisation import no_such
from runtime.transaction import Tx
from runtime.web.api.session import Id, small
from runtime.web.deps import SignedIn
from runtime.web.guards import needs_scope
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1", tags=["files"])

SANDBOX = "default-src 'none'; sandbox"


async def one_file(request: Request) -> FormData:
    """The form that was sent, which must hold one file: of two, one would be lost in silence."""
    form = await request.form()
    if len(form.getlist("file")) > 1:
        message = {"en": "Send one file at a time", "zh": "请每次上传一个文件"}
        raise Invalid(Problem(Path(("file",)), "one_file_at_a_time", message))
    return form


@router.post("/apps/{app}/files", status_code=201)
def upload(
    app: str,
    file: Annotated[UploadFile, File()],
    visit: Annotated[Visit, Depends(needs_scope("create", "update"))],
    form: Annotated[FormData, Depends(one_file)],
) -> Response:
    """Keep a file; the answer's id is what an attachment field of a record then names."""

    def work(tx: Tx) -> Answer:
        live = tx.services.apps.live(tx, app)
        if not visit.actor.roles_in(live.name):
            raise no_such("app", app)
        kept = files.store(tx, live.name, file.filename or "", file.file)
        return Answer({"id": str(kept.id), "name": kept.name, "size": kept.size, "type": kept.type}, 201)

    return visit.once_with(form, work)


@router.get("/files/{file}")
def download(file: Id, visit: SignedIn) -> Response:
    """Give a file to whoever may see it in its record; what has no record yet, to who uploaded it."""
    with visit.read() as tx:
        row = files.find(tx, small(file))
        if not _may_see(tx, visit, row):
            raise NotFound()
    inline = row.type in files.SHOWN_INLINE
    headers = {
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(row.name)}",
        "Content-Security-Policy": SANDBOX,
        "Cache-Control": "private, no-cache",
    }
    kind = row.type if inline else "application/octet-stream"
    answer = FileResponse(files.path_of(visit.services, row), media_type=kind, headers=headers)
    return visit.tell(answer, "file_downloaded", kind="file", object=row.id, app=row.app, detail=_where(row))


def _where(row: Row) -> dict[str, object]:
    """What the audit tells of a download: where the file belongs and how large it is, not what it is called."""
    return {"form": row.form, "record": None if row.record is None else str(row.record), "size": row.size}


def _may_see(tx: Tx, visit: Visit, row: Row) -> bool:
    if row.record is None:
        return bool(row.uploaded_by == visit.actor.member)
    live = tx.services.apps.live(tx, row.app)
    shown = reading.get(tx, live, row.form, row.record)
    return _names(shown.values, str(row.id))


def _names(value: object, file: str) -> bool:
    """Tell whether the masked record, or a row of it, shows the file."""
    if isinstance(value, dict):
        return any(_names(each, file) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_names(each, file) for each in value)
    return value == file
