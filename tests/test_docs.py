"""The documentation cannot rot: what exists is told, what is told exists, and every example does what it says."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
from fastapi.testclient import TestClient

from builder_api.packages import check_app
from builder_api.publish import import_document
from engines import effects
from engines.actor import system
from metadata.language import Language
from runtime import organisation, plugins
from runtime.cli import commands
from runtime.db.engine import Database
from runtime.identity import passwords
from runtime.identity.api_keys import SCOPES
from runtime.server import all_routes, create_app
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import Tx, run
from tests.docs.pages import DOCS, PAGES, ROOT, Block, anchors, blocks, headings, links, put, read
from tests.docs.shell import Curl, fourfold, promised

LANGUAGES = {"en": "", "zh": ".zh"}
BILINGUAL = sorted(path.stem for path in DOCS.glob("*.md") if (DOCS / f"{path.stem}.zh.md").exists())
TUTORIAL = {language: f"first-app{suffix}.md" for language, suffix in LANGUAGES.items()}
KINDS = plugins.load()
KIND_PAGES = {"fields": "forms", "nodes": "flows", "triggers": "rules", "actions": "rules", "charts": "reports"}


def whole_text(language: str) -> str:
    return "\n".join(read(f"{stem}{LANGUAGES[language]}.md") for stem in BILINGUAL)


# --- what exists is told ---


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("noun", KIND_PAGES)
def test_every_kind_has_its_place_in_the_reference_and_on_the_page_of_its_noun(noun: str, language: str) -> None:
    reference = read(f"definition{LANGUAGES[language]}.md")
    page = read(f"{KIND_PAGES[noun]}{LANGUAGES[language]}.md")

    for kind in getattr(KINDS, noun):
        assert f"#### `{kind.name}`" in reference
        assert f"`{kind.name}`" in page, f"{kind.name} is missing in {KIND_PAGES[noun]}{LANGUAGES[language]}.md"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_function_is_told_with_an_example(language: str) -> None:
    page = read(f"expressions{LANGUAGES[language]}.md")

    assert [kind.name for kind in KINDS.functions if kind.theme and f"#### `{kind.name.upper()}(" not in page] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_connector_is_told(language: str) -> None:
    page = read(f"admin{LANGUAGES[language]}.md").lower()

    assert [kind.name for kind in KINDS.connectors if kind.name not in page] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_is_in_the_table_with_what_holds_without_it(language: str) -> None:
    page = read(f"admin{LANGUAGES[language]}.md")
    rows = {row[0]: row[2] for row in re.findall(r"^\| `FOURFOLD_(\w+)` \| (.+?) \| (.*?) \|$", page, re.MULTILINE)}

    assert set(rows) == {name.upper() for name in Settings.model_fields}
    for name, info in Settings.model_fields.items():
        if isinstance(info.default, int | float | str | Path) and str(info.default):
            assert f"`{info.default}`" in rows[name.upper()], f"FOURFOLD_{name.upper()} is {info.default} otherwise"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_its_options_are_told(language: str) -> None:
    page = read(f"admin{LANGUAGES[language]}.md")
    group: Any = typer.main.get_command(commands)

    for name, command in group.commands.items():
        assert command.help, f"fourfold {name} does not say what it does"
        assert f"`fourfold {name}" in page, f"fourfold {name} is not in the admin's page"
        options = [option for each in command.params for option in each.opts if option.startswith("--")]
        assert [option for option in options if option not in page] == []


def test_every_effect_is_named_in_the_architecture() -> None:
    asked = {each.__name__ for each in effects.Effect.__args__}

    assert [name for name in sorted(asked) if f"`{name}`" not in read("architecture.md")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_scope_of_a_key_is_told(language: str) -> None:
    page = read(f"api{LANGUAGES[language]}.md")

    assert [scope for scope in sorted(SCOPES) if f"`{scope}`" not in page] == []


# --- what is told exists ---


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in links(text):
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", ["architecture.md", "glossary.md"])
def test_every_path_that_is_named_exists(page: str) -> None:
    text = read(page)
    named = set(re.findall(r"`((?:[\w.]+/)+[\w.-]*)`", text)) | _tree(text)

    assert len(named) > 10
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def _tree(text: str) -> set[str]:
    """The paths of a drawn tree: an indented line stands in the folder above it."""
    found = set()
    for block in blocks(text):
        if block.language != "tree":
            continue
        folders: list[tuple[int, str]] = []
        for line in block.text.splitlines():
            names = re.split(r"\s{2,}", line.strip())[0].split()
            depth = len(line) - len(line.lstrip())
            folders = [each for each in folders if each[0] < depth]
            above = folders[-1][1] if folders else ""
            found |= {above + name for name in names}
            if len(names) == 1 and names[0].endswith("/"):
                folders.append((depth, above + names[0]))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_that_is_told_exists(page: Path) -> None:
    group: Any = typer.main.get_command(commands)
    text = page.read_text(encoding="utf-8")
    told = set(re.findall(r"(?:^|[`$] ?)fourfold ([a-z][a-z-]+)", text, re.MULTILINE))

    assert sorted(told - set(group.commands)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_setting_that_is_told_exists(page: Path) -> None:
    told = re.findall(r"FOURFOLD_([A-Z_]+[A-Z])", page.read_text(encoding="utf-8"))

    assert sorted({name.lower() for name in told} - set(Settings.model_fields)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_address_that_is_told_is_served(page: Path, tmp_path: Path) -> None:
    told = set(re.findall(r"[`/ (](/api/v1/[\w/{}.$-]+)", page.read_text(encoding="utf-8")))
    if not told:
        return
    services = Services(Settings(_env_file=None, data_dir=tmp_path), None, None)  # type: ignore[arg-type]
    served = [re.sub(r"\{[^}]*\}", "X", route.path) for route in all_routes(_routes(services))] + [
        "/api/v1/openapi.json"
    ]
    patterns = [re.compile(re.escape(route).replace("X", "[^/]+") + r"(/.*)?$") for route in served]
    known_starts = {re.sub(r"\{[^}]*\}|\$\w+", "X", address).rstrip(".") for address in told}

    lost = [
        each
        for each in known_starts
        if not any(one.match(each) or route.startswith(each) for one, route in zip(patterns, served, strict=True))
    ]
    assert sorted(lost) == []


def _routes(services: Services) -> Any:
    from fastapi import APIRouter

    from runtime.server import web_modules

    gathered = APIRouter()
    for module in web_modules():
        gathered.include_router(module.router)
    return gathered


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_page_names_a_machine_of_ours(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert not re.search(r"/(home|root|work|tmp|Users)/|file://", text)
    hosts = set(re.findall(r"https?://([\w.-]+)", text))
    assert {host for host in hosts if not re.fullmatch(r"127\.0\.0\.1|localhost|.*example(\.com)?|HOST", host)} == set()


# --- both languages tell the same ---


@pytest.mark.parametrize("stem", BILINGUAL)
def test_both_languages_have_the_same_headings(stem: str) -> None:
    english, chinese = headings(read(f"{stem}.md")), headings(read(f"{stem}.zh.md"))

    assert [len(each) - len(each.lstrip("#")) for each in english] == [
        len(each) - len(each.lstrip("#")) for each in chinese
    ]


@pytest.mark.parametrize("stem", ["api", "first-app"])
def test_both_languages_have_the_same_examples(stem: str) -> None:
    assert blocks(read(f"{stem}.md")) == blocks(read(f"{stem}.zh.md"))


def test_every_page_for_users_is_there_in_both_languages() -> None:
    for_programmers = {"architecture", "performance", "glossary"}  # the glossary is bilingual in itself

    stems = {path.stem for path in DOCS.glob("*.md") if not path.stem.endswith(".zh")}
    assert stems - set(BILINGUAL) <= for_programmers


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_leads_to_every_page_of_its_language(name: str) -> None:
    linked = {Path(target).name for target in links((ROOT / name).read_text(encoding="utf-8"))}
    suffix = ".zh.md" if ".zh." in name else ".md"
    pages = {f"{stem}{suffix}" for stem in BILINGUAL} | {"architecture.md", "glossary.md"}

    assert sorted(pages - linked) == []


# --- every example does what it says ---


@pytest.mark.parametrize("page", [path for path in PAGES if path.parent == DOCS], ids=lambda path: path.name)
def test_every_json_example_can_be_read(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "json":
            block.json()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tutorial_keeps_its_promises(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON is written and grows as the page says; each command prints what the page shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOURFOLD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FOURFOLD_DATABASE_URL", "")
    document: dict[str, Any] = {}
    for block in blocks(read(TUTORIAL[language])):
        if block.language == "console":
            _keep_promise(block)
        elif block.mark.startswith("file "):
            Path(block.mark.removeprefix("file ")).write_text(block.text, encoding="utf-8")
            document = block.json() if block.mark == "file repairs.json" else document
        else:
            put(document, block.mark, block.json())
            Path("repairs.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            assert [each.as_json() for each in check_app(KINDS, document).problems] == [] or "replace" in block.mark


def _keep_promise(block: Block) -> None:
    """Lines after a command are what it prints, in this order, perhaps with more between them."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, *lines = part.strip().splitlines()
        printed = fourfold(command)
        place = 0
        for line in lines:
            place = printed.find(line.strip(), place) + 1
            assert place, f"{command} does not print {line!r}, but:\n{printed}"


def test_the_whole_file_of_the_tutorial_is_what_its_steps_make() -> None:
    document: dict[str, Any] = {}
    for block in blocks(read(TUTORIAL["en"])):
        if block.mark == "file repairs.json":
            document = block.json()
        elif block.mark.startswith("into "):
            put(document, block.mark, block.json())

    assert document == json.loads((ROOT / "tests/docs/first_app.json").read_text(encoding="utf-8"))


@pytest.fixture
def curl(database: Database, database_url: str, now: Any, tmp_path: Path) -> Any:
    """The installation that the pages about the API speak to: the app of the tutorial, and Fiona."""
    settings = Settings(_env_file=None, data_dir=tmp_path, database_url=database_url, base_url="http://127.0.0.1:8000")
    services = Services(settings, database, lambda: now)
    import_document(services, json.loads((ROOT / "tests/docs/first_app.json").read_text(encoding="utf-8")))

    def add(tx: Tx) -> None:
        kept = passwords.hash_password("three odd words here")
        fiona = organisation.add_member(
            tx, "Fiona Fox", "fiona@example.com", rights=organisation.RIGHTS, password_hash=kept
        )
        for role in ("foreman", "mechanic"):
            organisation.grant_role(tx, "repairs", services.apps.live(tx, "repairs").role_ids[role], fiona)

    run(services, system("test"), add)
    with TestClient(create_app(settings, services), base_url=settings.address) as client:
        yield Curl(client, {"URL": settings.address})


def test_the_api_answers_as_its_page_says(curl: Curl) -> None:
    answer: Any = None
    for block in blocks(read("api.md")):
        if block.language == "sh":
            answer = curl.do(block.text)
            if block.mark.startswith("as "):
                _, name, key = block.mark.split()
                curl.known[name] = answer.json()[key]
        elif block.language == "json":
            assert promised(block.json(), answer.json()) == [], f"{answer.request.method} {answer.request.url}"


def test_no_example_hides_a_variable_from_the_shell() -> None:
    """Nothing is replaced between single quotes, so an example that has it there cannot be pasted."""
    for block in blocks(read("api.md")):
        if block.language == "sh":
            assert not any("$" in quoted for quoted in re.findall(r"'([^']*)'", block.text)), block.text


def test_the_apps_of_the_documentation_fit_the_published_schema() -> None:
    import jsonschema

    validator = jsonschema.Draft202012Validator(Language(KINDS).schema())
    for path in sorted((ROOT / "tests/docs").glob("*_app.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert [error.message for error in validator.iter_errors(document)] == []


def test_the_dependencies_that_the_architecture_names_are_the_ones_we_have() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[\[<>=]", wanted)[0].lower() for wanted in project["dependencies"]}

    assert [name for name in ("sqlalchemy", "asteval", "dbos", "fastapi", "alembic") if name not in names] == []
