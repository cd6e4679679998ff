"""Offers an index for fields by which lists are filtered or sorted slowly, and puts it into the draft."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import Field

from builder_api import drafts
from engines.compiled import CompiledApp
from engines.json_values import moment_text
from metadata.problems import ROOT, NotFound, Problem
from metadata.text import say
from runtime.reading import slow_lists
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.api.session import Body
from runtime.web.deps import AppAdmin

router = APIRouter(prefix="/api/v1/builder", tags=["builder"])

App = Annotated[str, InPath(max_length=48)]


class IndexBody(Body):
    """Which field is to have an index."""

    form: str = Field(max_length=60)
    field: str = Field(max_length=60)


@router.get("/apps/{app}/index-offers")
def get_offers(app: App, visit: AppAdmin) -> JsonResponse:
    """The fields without an index by which lists were filtered or sorted slowly, the most often met first."""
    with visit.read() as tx:
        found = offers(tx, tx.services.apps.live(tx, app), visit.language)
    return JsonResponse({"items": found})


@router.post("/apps/{app}/index-offers")
def take_offer(app: App, body: IndexBody, visit: AppAdmin) -> JsonResponse:
    """Set `indexed` on a field of the draft; publishing makes the index."""
    draft = visit.run(lambda tx: put_index(tx, app, body.form, body.field))
    return JsonResponse({"app": app, "version": draft.version})


def offers(tx: Tx, app: CompiledApp, language: str) -> list[dict[str, Any]]:
    """What lists were slow by, with the names and titles of today."""
    return [
        {
            "form": form.name,
            "field": form.fields[row["field"]].name,
            "title": f"{say(form.title, language)}: {say(form.fields[row['field']].title, language)}",
            "times": row["times"],
            "slowest_ms": row["slowest"],
            "last_at": moment_text(row["last_at"]),
        }
        for row in slow_lists.of_app(tx.connection, app)
        for form in (app.forms[row["form"]],)
    ]


def offers_in_draft(tx: Tx, app: CompiledApp, language: str) -> list[dict[str, Any]]:
    """The offers, each with whether the draft takes it already."""
    found = offers(tx, app, language)
    document = drafts.get(tx, app.name).document if found else {}
    return [{**each, "taken": _is_taken(document, each["form"], each["field"])} for each in found]


def _is_taken(document: Any, form: str, field: str) -> bool:
    return any(each.get("indexed") is True for each in _fields(document, form, field))


def put_index(tx: Tx, app: str, form: str, field: str) -> drafts.Draft:
    """The draft, in which the field asks for an index."""
    draft = drafts.get(tx, app)
    document = deepcopy(draft.document)
    found = next(_fields(document, form, field), None)
    if found is None:
        raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such field", "zh": "不存在该字段"}))
    found["indexed"] = True
    return drafts.put(tx, app, document, draft.version)


def _fields(document: Any, form: str, field: str) -> Iterator[dict[str, Any]]:
    for each in _named(document, "forms", form):
        yield from _named(each, "fields", field)


def _named(holder: Any, section: str, name: str) -> Iterator[dict[str, Any]]:
    """The things of a section that go by a name; a draft may be unfinished, so anything may stand there."""
    things = holder.get(section) if isinstance(holder, Mapping) else None
    for each in things if isinstance(things, list) else ():
        if isinstance(each, dict) and each.get("name") == name:
            yield each
