"""One place to add a kind: five throw-away kinds, one class each, known to nothing else, and everything knows them."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from builder_api.catalogue import catalogue
from builder_api.publish import import_document
from builder_api.reference import fill
from engines import compile_app
from engines.action_type import ActionContext, ActionType, Occasion
from engines.actor import system
from engines.compiled import CompiledField
from engines.effects import Effect, SetFields
from engines.field_look import FieldLook
from engines.flows import tree
from engines.flows.compiled import CompiledNode
from engines.flows.node_type import NodeContext, NodeType, Step, Visit, go_on
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.reports.chart_type import ChartType
from engines.reports.result import Result
from engines.rules import sentence_of
from engines.rules.trigger_type import Change, Look, TriggerType
from engines.values import ValueProblem
from metadata import registry
from metadata.kinds import TAGS, KindNoun, Kinds
from metadata.language import Language
from metadata.names import FieldName, FormName
from metadata.text import say
from metadata.value_types import TEXT, ValueType
from runtime import organisation, plugins
from runtime.db.engine import Database
from runtime.identity import passwords
from runtime.server import create_app
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import run

PASSWORD = "correct horse battery staple"


class Weather(FieldType):
    """The sky as a picture; only `best` counts as good weather."""

    name = "weather"
    title = {"en": "Weather", "zh": "天气"}
    icon = "cloud"
    look = FieldLook(tells=True, width=12)
    is_searched = True

    class Options(registry.Options):
        best: str = "☀"

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return TEXT

    def parse(self, raw: Any, field: CompiledField) -> str | None:
        if raw not in ("☀", "☂", None):
            raise ValueProblem("no_weather", {"en": "This is no weather", "zh": "这不是天气"})
        return raw  # type: ignore[no-any-return]


class Clears(TriggerType):
    """Looks when the weather of a saved record is the best there is."""

    name = "clears"
    title = {"en": "The sky clears", "zh": "天气放晴"}
    icon = "sun"
    operations = frozenset({"create", "update"})

    class Options(registry.Options):
        form: FormName
        field: FieldName

    def compile(self, options: Any, context: ActionContext) -> tuple[str, str]:
        field = context.field(context.form or "", options.field, "field")
        return field.id, field.options.best

    def looks(self, compiled: tuple[str, str], change: Change) -> Look:
        field, best = compiled
        return Look(field in change.event.changed and change.now.record.get(field) == best)

    def sentence(self, options: Any, language: str) -> str:
        return f"{options.field}放晴时" if language == "zh" else f"when {options.field} clears"


class Water(ActionType):
    """Writes into a field that the plant was watered."""

    name = "water"
    title = {"en": "Water", "zh": "浇水"}
    icon = "droplet"
    early = True
    needs_record = True

    class Options(registry.Options):
        field: FieldName

    def compile(self, options: Any, context: ActionContext) -> str:
        return str(context.field(context.form or "", options.field, "field").id)

    def execute(self, compiled: str, occasion: Occasion) -> list[Effect]:
        return [SetFields(occasion.form or "", occasion.record_id or 0, {compiled: "watered"})]

    def sentence(self, options: Any, language: str) -> str:
        return f"浇水并写入{options.field}" if language == "zh" else f"water, and say so in {options.field}"


class Grow(NodeType):
    """Lets the record grow by so many leaves when the flow comes by."""

    name = "grow"
    title = {"en": "Grow", "zh": "生长"}
    icon = "plant"
    changes_data = True

    class Options(registry.Options):
        field: FieldName
        by: int = 1

    def compile(self, options: Any, context: NodeContext) -> tuple[str, int]:
        return str(context.field(context.form or "", options.field, "field").id), options.by

    def enter(self, node: CompiledNode, visit: Visit) -> Step:
        field, leaves = node.config
        grown = (visit.record.get(field) or 0) + Decimal(leaves)
        return go_on([SetFields(visit.form, visit.record["id"], {field: grown})], leaves=leaves)

    def sentence(self, options: Any, language: str) -> str:
        return f"长出{options.by}片叶子" if language == "zh" else f"Grows {options.by} leaves"


class Bed(ChartType):
    """Plants in a row, one for each that is counted."""

    name = "bed"
    title = {"en": "Flower bed", "zh": "花坛"}
    icon = "flower"

    def option(self, result: Result, options: Any, language: str) -> dict[str, Any]:
        measure = result.measures[0].name
        return {"bed": [[row.cells[0].label] * int(row.values[measure] or 0) for row in result.rows]}

    def sentence(self, options: Any, language: str) -> str:
        return "每株植物一朵花" if language == "zh" else "One flower for each plant"


KINDS: dict[KindNoun, registry.Kind] = {
    "field": Weather(),
    "node": Grow(),
    "trigger": Clears(),
    "action": Water(),
    "chart": Bed(),
}

GARDEN = {
    "format": 1,
    "app": "garden",
    "roles": [{"id": "r_gardener", "name": "gardener"}],
    "forms": [
        {
            "id": "t_plant",
            "name": "plant",
            "label": "{{name}}",
            "fields": [
                {"id": "f_name", "name": "name", "type": "text"},
                {"id": "f_sky", "name": "sky", "type": "weather", "title": {"en": "Sky", "zh": "天空"}},
                {"id": "f_note", "name": "note", "type": "text"},
                {"id": "f_leaves", "name": "leaves", "type": "number", "decimals": 0},
            ],
        }
    ],
    "rules": [
        {
            "name": "rain_or_shine",
            "when": {"trigger": "clears", "form": "plant", "field": "sky"},
            "then": [{"action": "water", "field": "note"}],
        }
    ],
    "flows": [
        {
            "id": "w_spring",
            "name": "spring",
            "form": "plant",
            "nodes": [{"type": "grow", "id": "n_grow", "name": "grow", "field": "leaves", "by": 3}],
        }
    ],
    "reports": [
        {
            "name": "skies",
            "form": "plant",
            "dimensions": ["sky"],
            "measures": [{"name": "plants", "count": True}],
            "chart": {"type": "bed"},
        }
    ],
    "access": [{"role": "gardener", "form": "plant", "may": ["create", "read", "update", "start_flow"]}],
}


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    every = plugins.built_in()
    for noun, kind in KINDS.items():
        every.of(noun).register(kind)
    return every.freeze()


@pytest.fixture
def services(database: Database, database_url: str, tmp_path: Path, kinds: Kinds) -> Services:
    settings = Settings(_env_file=None, data_dir=tmp_path, database_url=database_url)
    services = Services(settings, database)
    services.kinds = kinds
    return services


@pytest.fixture
def gardener(services: Services) -> Iterator[TestClient]:
    """A gardener at a browser, in an installation where the garden is live."""
    import_document(services, GARDEN)

    def hire(tx: Any) -> None:
        secret = passwords.hash_password(PASSWORD)
        who = organisation.add_member(tx, "Rose", "rose@example.com", password_hash=secret)
        organisation.grant_role(tx, "garden", "r_gardener", who)

    run(services, system("test"), hire)
    with TestClient(create_app(services.settings, services), base_url="http://127.0.0.1:8000") as client:
        answer = client.post("/api/v1/session", json={"email": "rose@example.com", "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        yield client


@pytest.mark.parametrize("noun", KINDS)
def test_the_json_schema_and_the_reference_list_a_kind_nobody_has_written_about(noun: KindNoun, kinds: Kinds) -> None:
    name = KINDS[noun].name

    listed = Language(kinds).schema()["$defs"]
    tags = [model.get("properties", {}).get(TAGS[noun], {}).get("const") for model in listed.values()]
    described = fill(f"<!-- kinds {noun} -->\n<!-- end -->", kinds, "zh")

    assert name in tags
    assert f"`{name}`：{say(KINDS[noun].title, 'zh')}" in described


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_shows_itself_in_the_catalogue_in_both_languages(language: str, kinds: Kinds) -> None:
    found = catalogue(kinds, language)

    for noun, kind in KINDS.items():
        (shown,) = [each for each in found[f"{noun}s"] if each["name"] == kind.name]
        assert (shown["title"], shown["icon"]) == (say(kind.title, language), kind.icon)
        assert set(shown["options"].get("properties", {})) == set(kind.Options.model_fields)


def test_each_says_what_a_configured_one_does_in_both_languages(kinds: Kinds) -> None:
    app = compile_app(Language(kinds).read(GARDEN), kinds)
    (rule,) = app.rules
    (report,) = app.definition.reports

    assert sentence_of(app, rule, "en") == "When Sky clears: water, and say so in Note."
    assert sentence_of(app, rule, "zh") == "天空放晴时，则浇水并写入Note。"
    assert [tree(app.flows["w_spring"], None, each)[1]["sentence"] for each in ("en", "zh")] == [
        "Grows 3 leaves",
        "长出3片叶子",
    ]
    assert kinds.charts.get("bed").sentence(report.chart, "zh") == "每株植物一朵花"


def test_each_works_from_the_form_to_the_report(gardener: TestClient) -> None:
    plants = "/api/v1/apps/garden/forms/plant/records"
    refused = gardener.post(plants, json={"values": {"sky": "green"}}).json()
    rose = gardener.post(plants, json={"values": {"name": "Rose", "sky": "☀"}}).json()
    lily = gardener.post(plants, json={"values": {"name": "Lily", "sky": "☂"}}).json()
    grown = gardener.post("/api/v1/apps/garden/flows/spring/instances", json={"record": rose["id"]})

    assert [(each["path"], each["code"]) for each in refused["errors"]] == [("/values/sky", "no_weather")]
    assert (rose["values"]["note"], lily["values"]["note"]) == ("watered", None)
    assert grown.status_code == 201, grown.text
    assert gardener.get(f"{plants}/{rose['id']}").json()["values"]["leaves"] == 3
    assert gardener.get(plants, params={"filter": 'sky == "☂"'}).json()["items"][0]["values"]["name"] == "Lily"
    assert gardener.get(plants, params={"search": "☂"}).json()["items"][0]["values"]["name"] == "Lily"
    drawn = gardener.get("/api/v1/apps/garden/reports/skies").json()["chart"]
    assert sorted(drawn["option"]["bed"]) == [["☀"], ["☂"]]


def test_the_pages_draw_what_they_have_never_seen(gardener: TestClient) -> None:
    rose = gardener.post(
        "/api/v1/apps/garden/forms/plant/records", json={"values": {"name": "Rose", "sky": "☀"}}
    ).json()

    for place in ("", "/new", f"/{rose['id']}", f"/{rose['id']}/edit"):
        page = gardener.get(f"/apps/garden/forms/plant{place}")
        assert page.status_code == 200, place
        assert "Sky" in page.text
    assert 'class="field span-12" data-field="f_sky"' in page.text
