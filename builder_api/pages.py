"""The builder's pages: an app's definition to read, part by part, with its JSON in an editor."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response

from builder_api import drafts, versions
from builder_api.editor import json_view, require_builder
from builder_api.index_offers import offers_in_draft
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.expressions.words import THE_PERSON, Person, say_expression
from engines.flows import tree
from engines.rules import sentence_of, titled
from engines.titles import THE_INITIATOR, titles_of
from metadata.expressions import Expression
from metadata.problems import ROOT
from runtime.rules import traces
from runtime.transaction import Tx
from runtime.web.pages.admin.attention import pauses_of
from runtime.web.pages.navigation import form_icon, live_apps
from runtime.web.pages.page import Page, SignedInOnly

router = APIRouter(include_in_schema=False, prefix="/apps")

TABS = ("forms", "flows", "rules", "reports", "access", "json", "versions")


@router.get("")
def apps(page: SignedInOnly) -> Response:
    """The apps that may be built on."""
    require_builder(page)
    with page.visit.read() as tx:
        found = [
            {
                "name": app.name,
                "title": page.say(app.title),
                "help": page.say(app.definition.help),
                "href": f"/apps/{app.name}/build",
            }
            for app in live_apps(tx)
        ]
        return page.show(tx, "pages/design/apps.html", apps=found)


@router.get("/{app}/build")
def build(page: SignedInOnly, app: str, tab: str = "forms") -> Response:
    """One part of the definition to read, or its JSON to edit."""
    require_builder(page)
    with page.visit.read() as tx:
        live = page.services.apps.live(tx, app)
        shown = tab if tab in TABS else TABS[0]
        return page.show(tx, "pages/design/build.html", **{**_frame(page, live, shown), **PARTS[shown](page, tx, live)})


# --- parts of a definition, to read ---


def _frame(page: Page, app: CompiledApp, shown: str) -> dict[str, Any]:
    titles = {
        "forms": page.word("Forms"),
        "flows": page.word("Flows"),
        "rules": page.word("Rules"),
        "reports": page.word("Reports"),
        "access": page.word("Access"),
        "json": page.word("JSON"),
        "versions": page.word("Versions"),
    }
    return {
        "app": app.name,
        "title": page.say(app.title),
        "parts": [{"name": name, "title": titles[name], "current": name == shown} for name in TABS],
        "part": shown,
        "missing": [
            {"name": name, "package": package, "places": [str(each.path) for each in app.missing if each.name == name]}
            for name, package in dict.fromkeys((each.name, each.package) for each in app.missing)
        ],
        "refused": [
            {"place": str(each.path), "message": page.say(each.message), "hint": page.say(each.hint)}
            for each in app.refused
        ],
    }


def _forms(page: Page, tx: Tx, app: CompiledApp) -> dict[str, Any]:
    forms = [each for each in app.forms.values() if each.parent is None]
    return {
        "offers": offers_in_draft(tx, app, page.language),
        "forms": [
            {
                "title": page.say(each.title),
                "name": each.name,
                "icon": form_icon(app, each.id),
                "fields": [_field(page, app, field) for field in each.fields.values()],
                "validations": [
                    {**_said(page, app, rule.condition), "message": page.say(rule.message)} for rule in each.validations
                ],
            }
            for each in forms
        ],
    }


def _field(page: Page, app: CompiledApp, field: CompiledField) -> dict[str, Any]:
    subform: CompiledForm | None = field.subform
    return {
        "title": page.say(field.title),
        "name": field.name,
        "kind": page.say(field.kind.title),
        "icon": field.kind.icon,
        "notes": _notes(page, app, field),
        "conditions": _conditions(page, app, field),
        "fields": [_field(page, app, each) for each in subform.fields.values()] if subform else [],
    }


def _notes(page: Page, app: CompiledApp, field: CompiledField) -> list[str]:
    notes = []
    if field.required:
        notes.append(page.word("required"))
    if field.unique:
        notes.append(page.word("unique"))
    if field.read_only:
        notes.append(page.word("read only"))
    if field.target is not None and field.target in app.forms:
        notes.append(f"→ {page.say(app.forms[field.target].title)}")
    return notes


def _conditions(page: Page, app: CompiledApp, field: CompiledField) -> list[dict[str, str]]:
    """What a field computes and hangs on, in words and as written."""
    phrases = (
        (field.expression, "= %(condition)s"),
        (field.required_if, _("required if %(condition)s")),
        (field.visible_if, _("shown if %(condition)s")),
    )
    return [
        {name: page.word(phrase, condition=text) for name, text in _said(page, app, expression).items()}
        for expression, phrase in phrases
        if expression is not None
    ]


def _said(page: Page, app: CompiledApp, expression: Expression | None, person: Person = THE_PERSON) -> dict[str, str]:
    """An expression as people read it, and as it is written."""
    if expression is None:
        return {"words": "", "text": ""}
    return {"words": say_expression(expression, titles_of(app, person), page.language), "text": expression.text}


def _flows(page: Page, tx: Tx, app: CompiledApp) -> dict[str, Any]:
    return {
        "flows": [
            {
                "title": page.say(each.title),
                "name": each.name,
                "form": page.say(app.forms[each.form].title),
                "condition": _said(page, app, each.condition, THE_INITIATOR),
                "boxes": tree(each, None, page.language),
            }
            for each in app.flows.values()
        ]
    }


def _rules(page: Page, tx: Tx, app: CompiledApp) -> dict[str, Any]:
    paused = pauses_of(page, tx, app.name)
    return {
        "rules": [
            {
                "title": page.say(rule.title),
                "name": rule.name,
                "enabled": rule.enabled,
                "pause": paused.get(rule.id),
                "href": f"/attention/rules/{app.name}/{rule.id}",
                "sentence": sentence_of(app, rule, page.language),
                "icon": rule.trigger.icon,
                "runs": [
                    {**each, "at": _moment(page, tx, each["at"])} for each in traces.of_rule(tx, app, rule.id, limit=5)
                ],
            }
            for rule in app.rules
        ],
        "resting": [page.say(each.caption) for each in app.definition.rules if each.key not in app.rules.rules],
    }


def _reports(page: Page, tx: Tx, app: CompiledApp) -> dict[str, Any]:
    return {
        "reports": [
            {
                "title": page.say(each.title),
                "name": each.name,
                "form": page.say(app.forms[each.form].title),
                "href": f"/apps/{app.name}/reports/{each.name}",
                "icon": each.chart.icon,
                "chart": page.say(each.chart.title),
                "where": _said(page, app, each.where),
                "dimensions": [page.say(dimension.title) for dimension in each.dimensions],
                "measures": [page.say(measure.title) for measure in each.measures],
            }
            for each in app.reports.reports.values()
        ]
    }


def _access(page: Page, tx: Tx, app: CompiledApp) -> dict[str, Any]:
    """What each role may do, form by form, in the words of the pages."""
    return {
        "roles": [
            {
                "name": role.name,
                "title": page.say(role.caption),
                "entries": [
                    _entry(page, app, place, each)
                    for place, each in enumerate(app.definition.access)
                    if each.role == role.name
                ],
            }
            for role in app.definition.roles
        ]
    }


def _entry(page: Page, app: CompiledApp, place: int, entry: Any) -> dict[str, Any]:
    form = app.form(entry.form)
    named = [(name, form.field(name)) for name in entry.fields or ()]
    return {
        "form": page.say(form.title),
        "icon": form_icon(app, form.id),
        "may": [page.word(VERBS.get(verb, verb)) for verb in entry.may],
        "where": {"text": entry.where or "", "words": titled(app, entry, ROOT / "access" / place, page.language).where},
        "fields": [page.say(field.title) if field else name for name, field in named],
    }


def _json(page: Page, tx: Tx, app: CompiledApp) -> dict[str, Any]:
    return json_view(page, tx, app.name, drafts.get(tx, app.name))


def _versions(page: Page, tx: Tx, app: CompiledApp) -> dict[str, Any]:
    people = tx.organisation.people
    found = versions.versions(tx.connection, app.name)
    for each in found:
        by = each.get("published_by")
        each["by"] = people[int(by)].name if by is not None and int(by) in people else page.word("The system")
        each["at"] = _moment(page, tx, each["published_at"])
    return {"versions": found}


def _moment(page: Page, tx: Tx, moment: Any) -> datetime:
    """A moment as the API says it, in the reader's time zone."""
    parsed = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    return parsed.astimezone(ZoneInfo(page.actor.time_zone or tx.settings.time_zone))


def _(text: str) -> str:
    """Mark a word for the catalogue; it is translated where it is shown."""
    return text


VERBS = {
    "create": _("create"),
    "read": _("see"),
    "update": _("change"),
    "delete": _("delete"),
    "restore": _("restore"),
    "comment": _("comment"),
    "see_history": _("see the history"),
    "assign": _("assign"),
    "start_flow": _("start flows"),
    "bulk": _("change many at once"),
    "import": _("import"),
    "export": _("export"),
}


PARTS = {
    "forms": _forms,
    "flows": _flows,
    "rules": _rules,
    "reports": _reports,
    "access": _access,
    "json": _json,
    "versions": _versions,
}
