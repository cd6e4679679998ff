"""The pages that show the records of one form: the list with its filter, and the trash."""

import secrets
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from engines.access import may
from engines.compiled import CompiledApp
from metadata.problems import Invalid, LimitExceeded
from runtime import reading, records
from runtime.reading import ListQuery, Shown
from runtime.reading.paging import SORTABLE
from runtime.reading.shown_columns import Wanted
from runtime.transaction import Tx
from runtime.web.deps import CheckedForm
from runtime.web.pages.fields.drawing import Drawing
from runtime.web.pages.fields.looks import kind_of
from runtime.web.pages.fields.views import Choice, ColumnView
from runtime.web.pages.lists.filter_views import ConditionView, Rows
from runtime.web.pages.lists.filters import Condition
from runtime.web.pages.lists.listing import SIZE, Listing
from runtime.web.pages.page import Page, SignedInOnly

router = APIRouter(include_in_schema=False, prefix="/apps/{app}/forms/{form}")


@router.get("")
def list_page(page: SignedInOnly, app: str, form: str) -> Response:
    with page.visit.read() as tx:
        listing = open_listing(page, tx, app, form)
        context: dict[str, Any] = {"list": _list_view(page, listing)}
        if page.is_fragment:
            return page.fragment("partials/records.html", headers={"HX-Push-Url": listing.canonical()}, **context)
        return page.show(tx, "pages/app/list.html", islands=("menu",), **context)


@router.get("/filter-row")
def filter_row(page: SignedInOnly, app: str, form: str, key: str = "") -> Response:
    """A new row of the filter builder, or a row whose field was changed."""
    with page.visit.read() as tx:
        listing = open_listing(page, tx, app, form)
        given = next((each for each in listing.narrowed.conditions if each.key == key), None)
        fresh = Condition(secrets.token_hex(3), _first_field(listing))
        row = _row(listing, given or fresh)
        context = {"href": listing.path, "filter_fields": _filter_fields(listing)}
        return page.fragment("partials/filter_row.html", list=context, row=row)


@router.get("/trash")
def trash(page: SignedInOnly, app: str, form: str) -> Response:
    with page.visit.read() as tx:
        listing = open_listing(page, tx, app, form)
        found = reading.list_records(tx, listing.app, listing.form.id, ListQuery(deleted=True, size=100, count="none"))
        wanted = [each for each in found.columns if each.field is not None and each.type.name != "rows"][:5]
        rows = [_row_view(listing, each, wanted) for each in found.items]
        title = page.say(listing.form.title)
        view = {"title": title, "columns": _columns(listing, wanted, sortable=False), "rows": rows}
        return page.show(tx, "pages/app/trash.html", list=view, back=[(listing.path, title)])


@router.post("/{id:int}/restore")
def restore(page: SignedInOnly, form_data: CheckedForm, app: str, form: str, id: int) -> Response:
    def work(tx: Tx) -> None:
        compiled = page.services.apps.live(tx, app)
        records.restore(tx, compiled, form, id)

    page.visit.once_of_form(form_data, work)
    return page.go(f"/apps/{app}/forms/{form}/{id}", page.word("The record is back"))


def open_listing(page: Page, tx: Tx, app: str, form: str) -> Listing:
    """The list of a form that this person may see, as the address describes it."""
    compiled = page.services.apps.live(tx, app)
    found = compiled.form(form)
    listing = Listing(tx, compiled, found, drawing_of(page, tx, compiled), page.request.query_params)
    _ = listing.question
    return listing


def drawing_of(page: Page, tx: Tx, app: CompiledApp) -> Drawing:
    today = tx.now.astimezone(app.zone).date()
    return Drawing(app, page.language, tx.organisation, today=today, viewer=page.clock(app))


def _list_view(page: Page, listing: Listing) -> dict[str, Any]:
    problems = []
    found = None
    try:
        found = reading.list_records(listing.tx, listing.app, listing.form.id, _query(listing))
    except (Invalid, LimitExceeded) as refusal:
        problems = page.problems(refusal)
    rows = [_row_view(listing, each, listing.columns) for each in found.items] if found else []
    columns = {"column_choices": _column_choices(listing), "columns": _columns(listing, listing.columns)}
    shown = {**columns, "rows": rows, "sums": [], "problems": problems}
    return {**_head(page, listing), **_narrowing(listing), **shown, **_paging(listing, found)}


def _head(page: Page, listing: Listing) -> dict[str, Any]:
    """What the list is called, and what may be done beside reading it."""
    title = page.say(listing.form.title)
    return {
        "title": title,
        "title_lower": title if page.language == "zh" else title[:1].lower() + title[1:],
        "href": listing.path,
        "view": listing.view.name if listing.view else "",
        "views": _views(page, listing),
        "create": f"{listing.path}/new" if may(listing.app, page.actor, "create", listing.form.id) else "",
        "may_restore": may(listing.app, page.actor, "restore", listing.form.id),
    }


def _narrowing(listing: Listing) -> dict[str, Any]:
    """What is looked for: words, the rows of the filter builder, the filter as text and in words."""
    return {
        "search": listing.search,
        "sort": listing.sort,
        "match": listing.narrowed.match,
        "filters": [_row(listing, each) for each in listing.narrowed.conditions if each.field in listing.fields],
        "filter_fields": _filter_fields(listing),
        "filter_text": listing.narrowed.text,
        "expression": listing.expression,
        "said": listing.said,
        "cleared": listing.cleared(),
    }


def _paging(listing: Listing, found: reading.Page | None) -> dict[str, Any]:
    return {
        "total": found.total if found else 0,
        "total_text": _total(found),
        "page": listing.page,
        "pages": _pages(found),
        "previous": listing.address(page=listing.page - 1) if listing.page > 1 else "",
        "next": listing.address(page=listing.page + 1) if found and found.has_more else "",
    }


def _query(listing: Listing) -> ListQuery:
    return ListQuery(
        filter=listing.filter,
        sort=listing.order,
        fields=tuple(each.name for each in listing.columns),
        search=listing.search,
        page=listing.page,
        size=SIZE,
    )


def _views(page: Page, listing: Listing) -> list[dict[str, Any]]:
    if not listing.views:
        return []
    all_records = {"href": listing.path, "title": page.word("All"), "current": listing.view is None}
    named = [
        {"href": f"{listing.path}?view={each.name}", "title": page.say(each.caption), "current": each is listing.view}
        for each in listing.views
    ]
    return [all_records, *named]


def _filter_fields(listing: Listing) -> list[Choice]:
    return [Choice(name, listing.drawing.title(each)) for name, each in listing.fields.items()]


def _first_field(listing: Listing) -> str:
    stage = next((name for name, each in listing.fields.items() if each.stage), None)
    return stage or next(iter(listing.fields), "")


def _row(listing: Listing, condition: Condition) -> ConditionView:
    known = condition if condition.field in listing.fields else replace(condition, field=_first_field(listing))
    return Rows(listing.builder, listing.drawing, listing.labels).view(known)


def _column_choices(listing: Listing) -> list[dict[str, Any]]:
    """The columns that are shown, as they stand, then what else there is."""
    shown = {each.name: listing.field_of(each) for each in listing.columns}
    return [
        {"name": name, "label": listing.drawing.title(each), "chosen": name in shown}
        for name, each in (shown | {n: f for n, f in listing.fields.items() if n not in shown}).items()
    ]


def _columns(listing: Listing, wanted: list[Wanted], sortable: bool = True) -> list[ColumnView]:
    return [
        ColumnView(
            field=each.key,
            name=each.name,
            label=listing.drawing.title(listing.field_of(each)),
            kind=kind_of(each.type),
            sort=listing.sort_address(each) if sortable and each.type.name in SORTABLE else "",
            sorted=listing.sorted_by(each) if sortable else "",
        )
        for each in wanted
    ]


def _row_view(listing: Listing, record: Shown, wanted: list[Wanted]) -> dict[str, Any]:
    href = f"{listing.path}/{record.id}"
    return {
        "id": record.id,
        "href": href,
        "restore": f"{href}/restore",
        "label": f"#{record.id}",
        "cells": cells(listing, record, wanted),
    }


def cells(listing: Listing, record: Shown, wanted: list[Wanted]) -> list[Any]:
    """The cells of one record."""
    return [
        listing.drawing.view(
            listing.field_of(each),
            record.values.get(each.key),
            record.labels.get(each.key),
            mode="cell",
            updating=each.key in record.updating,
        )
        for each in wanted
    ]


def _total(found: reading.Page | None) -> str:
    if found is None or found.total is None:
        return "0"
    return f"{found.total:,}" + ("+" if found.is_capped else "")


def _pages(found: reading.Page | None) -> int | None:
    if found is None or found.total is None or found.is_capped:
        return None
    return max(1, -(-found.total // found.size))
