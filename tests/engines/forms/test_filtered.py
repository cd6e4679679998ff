"""What an app filters and sorts by has an index, without anybody asking."""

from typing import Any

from engines import compile_app
from metadata.language import Language
from runtime import plugins


def indexes(**more: Any) -> set[str]:
    """The columns of the deal's table that lead an index."""
    kinds = plugins.load()
    fields = [
        {"id": "f_code", "name": "code", "type": "text"},
        {"id": "f_amount", "name": "amount", "type": "money"},
        {"id": "f_note", "name": "note", "type": "long_text"},
    ]
    form = {"id": "t_deal", "name": "deal", "fields": fields, **more.pop("form", {})}
    definition = {"format": 1, "app": "shop", "roles": ["seller"], "forms": [form], **more}
    app = compile_app(Language(kinds).read(definition), kinds)
    return {index.columns[0].name for index in app.form("deal").table.indexes}


def test_nothing_is_indexed_that_nobody_filters_by() -> None:
    assert indexes() == {"owner", "department"}


def test_views_scopes_reports_and_orders_bring_indexes() -> None:
    view = [{"name": "large", "form": "deal", "where": "amount > 1000"}]
    access = [{"role": "seller", "form": "deal", "may": ["read"], "where": "code == 'x'"}]
    report = [{"name": "sum", "form": "deal", "where": "amount > 0", "measures": [{"name": "deals", "count": True}]}]

    assert "f_amount" in indexes(views=view)
    assert "f_code" in indexes(access=access)
    assert "f_amount" in indexes(reports=report)
    assert "f_code" in indexes(form={"sort": ["code"]})


def test_long_texts_have_no_room_in_an_index() -> None:
    assert "f_note" not in indexes(views=[{"name": "noted", "form": "deal", "where": "note != ''"}])
