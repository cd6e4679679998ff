"""The reference of the language: in step with the models and the kinds, and its examples work."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from builder_api.packages import check_app
from builder_api.reference import MODELS, fill
from metadata.language import Language
from runtime import plugins

ROOT = Path(__file__).parents[2]
REFERENCES = {"en": ROOT / "docs/definition.md", "zh": ROOT / "docs/definition.zh.md"}


@pytest.mark.parametrize("language", REFERENCES)
def test_the_tables_are_what_the_models_say(language: str) -> None:
    text = REFERENCES[language].read_text(encoding="utf-8")

    assert fill(text, plugins.load(), language) == text, "run: python -m builder_api.reference docs/definition*.md"


@pytest.mark.parametrize("language", REFERENCES)
def test_every_model_and_every_kind_is_described(language: str) -> None:
    text = REFERENCES[language].read_text(encoding="utf-8")
    kinds = plugins.load()

    described = set(re.findall(r"<!-- model (\w+) -->", text))
    listed = set(re.findall(r"<!-- kinds (\w+) -->", text))
    common = {"Options", "Named", "TriggerDefinition", "ActionDefinition", "ChartDefinition", "TaskOptions"}
    assert set(MODELS) - described <= common | {"RequirementDefinition"}
    assert listed == {"field", "node", "trigger", "action", "chart"}
    assert all(f"#### `{kind.name}`" in text for kind in kinds.fields)


def test_the_example_of_the_reference_is_a_working_app() -> None:
    text = REFERENCES["en"].read_text(encoding="utf-8")
    app, story = (json.loads(each) for each in re.findall(r"```json\n(.*?)```", text, re.DOTALL))

    checked = check_app(plugins.load(), {**app, "stories": [story]})

    assert list(checked.problems) == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*_app.json")), ids=lambda path: path.name)
def test_the_published_schema_accepts_every_example(path: Path) -> None:
    language = Language(plugins.load())
    validator = jsonschema.Draft202012Validator(language.schema(), format_checker=jsonschema.FormatChecker())
    document = json.loads(path.read_text(encoding="utf-8"))

    assert [error.message for error in validator.iter_errors(document)] == []
    assert list(validator.iter_errors(language.canonical(language.read(document)))) == []
