"""A form that was saved before and comes again with other content: somebody went back, or heard no answer."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response
from starlette.datastructures import FormData

from engines.access import may
from engines.json_values import id_in
from metadata.problems import Refused
from runtime import reading
from runtime.flows.task_access import task_grants
from runtime.web.pages.page import Page
from runtime.web.visit import FORM_KEY

ANOTHER = "save-another"  # no field can be called so


def on_top_of(page: Page, data: FormData, first: Mapping[str, Any]) -> FormData:
    """The form of a change, as a change of what its first saving made: nobody is in his own way."""
    key = page.visit.form_key(data)
    assert key is not None
    kept = [(name, value) for name, value in data.multi_items() if name not in (FORM_KEY, "version")]
    return FormData([*kept, (FORM_KEY, key.of_its_content().key), ("version", str(first["version"]))])


def ask_which(page: Page, app: str, form: str, first: Mapping[str, Any]) -> Response:
    """The form of a new record, after it made one: is that the one that was meant, or is this another?"""
    with page.visit.read() as tx:
        compiled = page.services.apps.live(tx, app)
        found = compiled.form(form)
        if not may(compiled, page.actor, "create", found.id):
            raise Refused()
        made = id_in(first["id"]) or 0
        labels = reading.labels_of(tx, compiled, found.id, [made], also=task_grants(tx, compiled, page.actor))
    path = f"/apps/{app}/forms/{form}"
    shown = {"label": labels.get(made, ""), "open": f"{path}/{made}" if made in labels else "", "action": f"{path}/new"}
    return page.fragment("partials/saved_before.html", 409, saved=shown)
