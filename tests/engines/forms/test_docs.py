"""The page about forms names every field type and every option, in both languages, and its examples compile."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from metadata.forms import FieldDefinition
from runtime.plugins import load
from tests.engines.forms.play import app_of, field, form

DOCS = Path(__file__).parents[3] / "docs"
PAGES = {"en": "forms.md", "zh": "forms.zh.md"}
BESIDE = [
    field("signed_on", "date"),
    field("win_rate", "percent"),
    field("contract_amount", "money"),
    field("paid", "money"),
    field("customer", "link", form="customer"),
]


def sections(language: str) -> dict[str, str]:
    """The text about each field type."""
    text = (DOCS / PAGES[language]).read_text(encoding="utf-8")
    parts = re.split(r"^### .*`(\w+)`$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def example(kind: str, language: str) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(sections(language)[kind].split("```json\n")[1].split("```")[0])
    return written


@pytest.mark.parametrize("language", PAGES)
def test_the_page_tells_of_every_field_type(language: str) -> None:
    assert set(sections(language)) == set(load().fields.names())


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("kind", load().fields.names())
def test_the_page_names_every_option_of_a_type(kind: str, language: str) -> None:
    section = sections(language)[kind]
    options = load().fields.get(kind).Options.model_fields

    assert [name for name in options if f"`{name}`" not in section and f'"{name}"' not in section] == []


@pytest.mark.parametrize("language", PAGES)
def test_the_page_names_what_every_field_can_say(language: str) -> None:
    text = (DOCS / PAGES[language]).read_text(encoding="utf-8")
    told_elsewhere = {"id", "was", "width"}

    assert [
        name for name in FieldDefinition.model_fields if f"`{name}`" not in text and name not in told_elsewhere
    ] == []


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("kind", load().fields.names())
def test_every_example_compiles(kind: str, language: str) -> None:
    written = {"id": "f_example", **example(kind, language)}
    beside = [each for each in BESIDE if each["name"] != written["name"]]
    opportunity = form("opportunity", *beside, field("amount", "money"), field("stage", "select", options=["won"]))
    customer = form("customer", field("level"), field("name"))
    target = customer if kind == "rollup" else opportunity
    target["fields"] = [each for each in target["fields"] if each["name"] != written["name"]] + [written]

    app = app_of(customer, opportunity, roles=["seller"])

    assert app.forms[target["id"]].fields["f_example"].kind.name == kind
