"""Renames: one edit of a name, and every reference in the draft follows."""

from typing import Any

from metadata.app import AppDefinition
from metadata.expressions import FieldReference, Names
from metadata.language import Language
from metadata.references import NamesOfApp
from metadata.renames import follow, renamed, under_old_names
from metadata.value_types import DATE, TEXT, link, number, rows
from tests.metadata.small_kinds import small_app

TYPES = {"text": TEXT, "number": number(), "date": DATE, "select": TEXT, "lookup": TEXT}


def test_every_reference_to_a_renamed_field_follows(language: Language) -> None:
    draft = _renamed_draft(language, ("forms", 1, "fields", 1), "price_of_deal")

    deal, rule = draft["forms"][1], draft["rules"][0]
    assert deal["sort"] == [{"field": "price_of_deal", "descending": True}]
    assert draft["flows"][0]["nodes"][0]["fields"] == {"price_of_deal": "write", "*": "read"}
    assert draft["flows"][0]["nodes"][1]["branches"][0]["if"] == "price_of_deal > 5"
    assert rule["when"]["if"] == "price_of_deal > 100"
    assert rule["if"]["all"][1]["any"][0] == "price_of_deal > 5"
    assert rule["then"][0]["values"] == {"price_of_deal": "=price_of_deal * 2", "title": "{{title}}!"}
    assert draft["reports"][0]["measures"][0]["sum"] == "price_of_deal"


def test_the_same_name_in_another_form_is_another_field(language: Language) -> None:
    draft = _renamed_draft(language, ("forms", 1, "fields", 0), "subject")

    assert draft["forms"][0]["fields"][0]["name"] == "title"
    assert draft["forms"][1]["label"] == "{{subject}}"
    assert draft["rules"][0]["then"][1]["values"] == {"title": "=subject"}
    assert draft["rules"][0]["else"][0]["text"] == {"en": "{{subject}}", "zh": "{{subject}}"}
    assert draft["access"][0]["fields"] == ["subject"]


def test_paths_through_a_link_follow_at_each_step(language: Language) -> None:
    draft = _renamed_draft(language, ("forms", 0, "fields", 1), "rank")

    assert draft["forms"][1]["columns"][1] == {"field": "customer.rank"}
    assert draft["forms"][1]["fields"][3]["field"] == "rank"
    assert draft["reports"][0]["dimensions"][1] == {"field": "customer.rank"}


def test_a_renamed_subform_is_followed_by_reports_over_its_rows(language: Language) -> None:
    draft = _renamed_draft(language, ("forms", 1, "fields", 5), "positions")

    assert draft["reports"][1]["rows"] == "positions"


def test_in_a_rule_about_rows_bare_names_are_fields_of_the_row(language: Language) -> None:
    when = {"trigger": "date", "form": "deal", "rows": "items", "field": "price"}
    rule = {"name": "due", "when": when, "if": "price > 5 and record.title != ''"}
    live = language.read(small_app(rules=[rule]))
    document = language.canonical(live)
    document["forms"][1]["fields"][5]["fields"][1]["name"] = "unit_price"
    document["forms"][1]["fields"][0]["name"] = "subject"

    draft = _followed(language, live, document)

    assert draft["rules"][0]["if"] == "unit_price > 5 and record.subject != ''"
    assert draft["rules"][0]["when"]["field"] == "unit_price"


def test_a_renamed_form_role_and_report_are_followed(language: Language) -> None:
    live = language.read(small_app())
    document = language.canonical(live)
    document["forms"][1]["name"] = "opportunity"
    document["roles"][0]["name"] = "rep"
    document["reports"][0]["name"] = "by_stage"

    draft = _followed(language, live, document)

    assert draft["flows"][0]["form"] == draft["rules"][0]["when"]["form"] == draft["access"][0]["form"] == "opportunity"
    assert (draft["access"][0]["role"], draft["stories"][0]["people"]) == ("rep", {"ann": ["rep"]})
    assert draft["dashboards"][0]["cards"] == [{"report": "by_stage"}]


def test_nothing_follows_a_name_that_something_else_has_taken(language: Language) -> None:
    live = language.read(small_app())
    document = language.canonical(live)
    first, second = document["forms"][1]["fields"][:2]
    first["name"], second["name"] = "amount", "title"

    assert renamed(live, _read(language, document)) == ()


def _renamed_draft(language: Language, path: tuple[Any, ...], name: str) -> dict[str, Any]:
    live = language.read(small_app())
    document = language.canonical(live)
    thing: Any = document
    for part in path:
        thing = thing[part]
    thing["name"] = name
    draft = _followed(language, live, document)
    assert not language.examine(draft).problems
    return draft


def _followed(language: Language, live: AppDefinition, document: dict[str, Any]) -> dict[str, Any]:
    renames = renamed(live, _read(language, document))
    old = _read(language, under_old_names(document, renames))
    return follow(document, old, renames, _names(old))


def _read(language: Language, document: dict[str, Any]) -> AppDefinition:
    app = language.shape(document, {}).app
    assert app is not None
    return app


def _names(app: AppDefinition) -> Names:
    """What field names mean, as far as these small kinds need it."""
    known = NamesOfApp(app)

    def reference(form: str, field: Any) -> FieldReference:
        leads = known.leads_to(form, field.name)
        kind = rows(field.key) if field.type == "subform" else link(leads) if leads else TYPES[field.type]
        return FieldReference(field.key, field.name, kind)

    return Names(
        {form: {name: reference(form, each) for name, each in fields.items()} for form, fields in known.fields.items()}
    )
