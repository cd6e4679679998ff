"""The example apps: they are read, published, and every story they carry comes true."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder_api import publish, stories
from metadata.language import Language
from runtime import plugins
from runtime.services import Services

EXAMPLES = sorted(Path(__file__).parent.parent.glob("examples/*_app.json"))


@pytest.fixture(scope="module")
def language() -> Language:
    return Language(plugins.load())


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_story_of_an_example_comes_true(path: Path, language: Language) -> None:
    document = json.loads(path.read_text())

    def make_live(services: Services, _definition: Any) -> None:
        publish.import_document(services, document)

    told = stories.tell(language.read(document), make_live)

    assert told, "an example carries stories"
    assert [problem.as_json() for problem in stories.problems_of(told)] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_broken_rule_makes_a_story_fail(path: Path, language: Language) -> None:
    """A story that cannot fail proves nothing: with its flows at rest no example's first story comes true."""
    document = json.loads(path.read_text())
    for flow in document["flows"]:
        flow["enabled"] = False
    document["stories"] = document["stories"][:1]

    def make_live(services: Services, _definition: Any) -> None:
        publish.import_document(services, document)

    told = stories.tell(language.read(document), make_live)

    assert stories.problems_of(told)
