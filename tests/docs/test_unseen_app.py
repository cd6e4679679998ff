"""An app written from the reference alone: it lives without a line of Python, and no mistake in it goes through."""

import copy
import hashlib
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from builder_api import publish, stories
from builder_api.packages import check_app
from metadata.language import Language
from metadata.names import IsExpression, IsTemplate, IsValue
from metadata.problems import InvalidDefinition, Problem, Refusal
from metadata.walk import Leaf, leaves
from runtime import plugins
from runtime.db.engine import Database
from runtime.services import Services
from runtime.settings import Settings
from runtime.web.strict_json import read_json
from tests.conftest import THOROUGH
from tests.docs.mutations import mutations, unseen

MUTATIONS = mutations()
EVERY = 5  # all of them take a minute; a fifth of them meets every kind of place
UNREADABLE = {"bad_json", "not_utf8", "byte_order_mark", "broken_text", "not_a_number", "number_too_long"}
ABOUT_THE_WHOLE = UNREADABLE | {"wrong_type", "limit_exceeded"}


@pytest.fixture
def services(database: Database, database_url: str, now: Any, tmp_path: Path) -> Services:
    settings = Settings(_env_file=None, data_dir=tmp_path, database_url=database_url)
    return Services(settings, database, lambda: now)


def test_it_is_published_on_both_databases(services: Services) -> None:
    assert publish.import_document(services, unseen()) == "training"
    assert publish.import_document(services, unseen()) == "training"


def test_a_file_that_tells_of_a_rename_can_be_imported_again_and_again(services: Services) -> None:
    document = unseen()
    publish.import_document(services, document)
    document["forms"][0]["fields"][1] |= {"name": "rating", "was": "grade"}

    for _ in range(2):  # the references in the file still say `grade`
        publish.import_document(services, document)

    with services.database.read() as connection:
        live = services.apps.live(connection, "training")
    assert live.definition.reports[0].dimensions[1].field == "provider.rating"


def test_its_stories_come_true() -> None:
    document = unseen()

    def make_live(services: Services, _definition: Any) -> None:
        publish.import_document(services, document)

    told = stories.tell(Language(plugins.load()).read(document), make_live)

    assert len(told) == 2
    assert [problem.as_json() for problem in stories.problems_of(told)] == []


def test_there_are_a_hundred_ways_to_be_wrong() -> None:
    assert len(MUTATIONS) > 150


@pytest.mark.slow
def test_every_mistake_is_refused_with_its_place_and_a_way_out_and_changes_nothing(services: Services) -> None:
    """On SQLite and on PostgreSQL, over an app that is live: its tables and every row stay as they were."""
    publish.import_document(services, unseen())
    before = fingerprint(services.database)
    tried = list(MUTATIONS.items())[:: 1 if services.database.dialect == "sqlite" or THOROUGH else 4]
    wrong = {name: found for name, written in tried if (found := complaint(services, written))}

    assert wrong == {}
    assert fingerprint(services.database) == before


def test_no_name_and_no_expression_in_it_escapes_the_check() -> None:
    """Each reference, expression and placeholder in turn leads nowhere; by its type, so also those of later kinds."""
    language = Language(plugins.load())
    app = language.read(unseen())
    document = language.canonical(app)
    missed = []
    for number, leaf in enumerate(leaves(app)):
        if number % EVERY or not isinstance(leaf.value, str):
            continue
        spoilt = with_leaf_spoilt(document, leaf)
        if not any(each.hint for each in check_app(language.kinds, spoilt).problems):
            missed.append(str(leaf.path))

    assert missed == []


def with_leaf_spoilt(document: dict[str, Any], leaf: Leaf) -> dict[str, Any]:
    document = copy.deepcopy(document)
    holder: Any = document
    for part in leaf.path.parts[:-1]:
        holder = holder[part]
    last: Any = leaf.path.parts[-1]
    spoilt = {IsExpression: "nowhere > 1", IsTemplate: "{{nowhere}}", IsValue: "=nowhere"}.get(
        type(leaf.marker), "nowhere"
    )
    if leaf.is_key:
        holder[spoilt] = holder.pop(last)
    else:
        holder[last] = spoilt
    return document


def complaint(services: Services, written: Any) -> str:
    """What is to be said against the way in which a definition was refused; nothing, if it was done well."""
    try:
        document = read_json(written) if isinstance(written, bytes) else written
        publish.import_document(services, document)
    except Refusal as refusal:
        return "; ".join(each for problem in refusal.problems for each in _lacks(problem, refusal)) or (
            "" if refusal.problems else "it names no problem"
        )
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "it was published"


def _lacks(problem: Problem, refusal: Refusal) -> list[str]:
    said = [problem.as_json(language) for language in ("en", "zh")]
    lacks = []
    if not said[0]["path"] and problem.code not in ABOUT_THE_WHOLE:
        lacks.append(f"{problem.code} names no place")
    if not said[0].get("hint") and isinstance(refusal, InvalidDefinition):
        lacks.append(f"{problem.code} at {problem.path} shows no way out: {said[0]['message']}")
    if said[0]["message"] == said[1]["message"] or not any("\u4e00" <= each <= "\u9fff" for each in said[1]["message"]):
        lacks.append(f"{problem.code} at {problem.path} is not said in Chinese: {said[1]['message']}")
    return lacks


def fingerprint(database: Database) -> str:
    """Every table with its columns and rows, in short."""
    digest = hashlib.sha256()
    with database.read() as connection:
        meta = sa.MetaData()
        meta.reflect(connection)
        for table in sorted(meta.tables.values(), key=lambda each: each.name):
            digest.update(f"{table.name} {[(column.name, str(column.type)) for column in table.columns]}".encode())
            for row in sorted(str(tuple(each)) for each in connection.execute(sa.select(table))):
                digest.update(row.encode())
    return digest.hexdigest()
