"""The symmetries that keep the project readable: one noun a file, one kind a file, pure engines, one door."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("metadata", "engines", "runtime", "builder_api", "migrations")
NOUNS = ("forms", "flows", "rules", "reports")
ENGINES = {"forms": "field_type", "flows": "node_type", "rules": "trigger_type", "reports": "chart_type"}
KINDS = {
    "engines/forms/fields",
    "engines/flows/nodes",
    "engines/rules/triggers",
    "engines/reports/charts",
    "engines/actions",
}
BASES = {"engines/action_type.py", *(f"engines/{engine}/{kind}.py" for engine, kind in ENGINES.items())}
NETWORK = {"httpx2", "httpx", "requests", "smtplib", "socket", "urllib.request", "httpcore2"}
MAY_OPEN_SOCKETS = {"runtime/outbound.py", "runtime/jobs/worker.py"}
FORBIDDEN_NAMES = {"utils", "helpers", "manager", "misc", "common"}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def functions_of(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_every_module_says_in_one_sentence_why_it_exists() -> None:
    written = [path for path in sources(*FLOORS, "tests") if path.stat().st_size]

    assert [name_of(path) for path in written if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_no_module_is_named_after_nothing() -> None:
    assert [name_of(path) for path in sources(*FLOORS, "tests") if path.stem in FORBIDDEN_NAMES] == []


def test_the_same_four_nouns_stand_on_every_floor() -> None:
    for noun in NOUNS:
        assert (ROOT / f"metadata/{noun}.py").exists()
        assert (ROOT / f"engines/{noun}/__init__.py").exists()
        doing = "records" if noun == "forms" else noun
        assert (ROOT / f"runtime/{doing}.py").exists() or (ROOT / f"runtime/{doing}/__init__.py").exists()


@pytest.mark.parametrize(("engine", "kind"), ENGINES.items())
def test_each_engine_compiles_executes_and_has_kinds(engine: str, kind: str) -> None:
    folder = ROOT / "engines" / engine

    assert {"compile.py", "execute.py", f"{kind}.py"} <= {path.name for path in folder.glob("*.py")}
    assert f"compile_{engine}" in functions_of(folder / "compile.py")
    assert "execute" in functions_of(folder / "execute.py")


@pytest.mark.parametrize("base", sorted(BASES))
def test_the_bases_of_kinds_stay_thin(base: str) -> None:
    for node in ast.parse((ROOT / base).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and any(
            isinstance(each, ast.Name) and each.id == "Kind" for each in node.bases
        ):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            assert len(methods) < 10, f"{node.name} has {len(methods)} methods"


@pytest.mark.parametrize("folder", sorted(KINDS))
def test_kinds_never_import_kinds(folder: str) -> None:
    package = folder.replace("/", ".")
    for path in (ROOT / folder).glob("*.py"):
        others = {name for name in imports_of(path) if name.startswith(package + ".")}
        assert not others, f"{name_of(path)} imports {others}"


@pytest.mark.parametrize("folder", sorted(KINDS))
def test_each_kind_shows_itself_in_both_languages(folder: str) -> None:
    for path in (ROOT / folder).glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and (said := _class_values(node)).get("name"):
                assert set(said.get("title") or {}) >= {"en", "zh"}, f"{name_of(path)} has no title in both languages"
                assert said.get("icon"), f"{name_of(path)} has no icon"


def _class_values(node: ast.ClassDef) -> dict[str, object]:
    said: dict[str, object] = {}
    for line in node.body:
        targets = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and line.value is not None:
                try:
                    said[target.id] = ast.literal_eval(line.value)
                except ValueError:
                    said[target.id] = ast.dump(line.value)
    return said


def test_engines_and_language_know_no_clock() -> None:
    asked = re.compile(r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time|perf_counter|monotonic)\b")
    found = [name_of(path) for path in sources("metadata", "engines") if asked.search(path.read_text(encoding="utf-8"))]

    assert found == []


def test_engines_speak_sql_but_hold_no_connection() -> None:
    for path in sources("engines"):
        held = imports_of(path) & {
            "sqlalchemy.engine",
            "sqlalchemy.Engine",
            "sqlalchemy.Connection",
            "sqlalchemy.create_engine",
        }
        assert not held, f"{name_of(path)} imports {held}"


def test_only_one_module_opens_sockets() -> None:
    for path in sources(*FLOORS):
        if name_of(path) not in MAY_OPEN_SOCKETS:
            used = imports_of(path) & NETWORK
            assert not used, f"{name_of(path)} imports {used}; everything goes out through runtime/outbound.py"


def test_only_the_engine_factory_makes_engines() -> None:
    made = [name_of(path) for path in sources(*FLOORS) if "sqlalchemy.create_engine" in imports_of(path)]

    assert made == ["runtime/db/engine.py"]


def test_sql_is_not_written_by_hand_outside_migrations() -> None:
    allowed = {"runtime/db/engine.py", "runtime/db/migrate.py", "runtime/web/health.py"}
    statement = re.compile(r"\btext\(\s*f?[\"'](SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE|DROP)\b", re.IGNORECASE)
    found = {
        name_of(path) for path in sources("engines", "runtime", "builder_api") if statement.search(path.read_text())
    }

    assert found <= allowed


def test_no_python_knows_the_examples() -> None:
    """The platform knows of forms and flows, never of customers, contracts or leave requests."""
    trade = re.compile(r"[\"'](customer|opportunity|leave_request|seller|follow_ups)[\"']")
    for path in sources("metadata", "engines", "runtime", "builder_api"):
        code = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not trade.search(code), f"{name_of(path)} knows of {trade.search(code)}"


def test_templates_compile_no_code_from_strings() -> None:
    unsafe = re.compile(r"hx-on[:=]|hx-vals=['\"]js:|\sstyle=\"|\son[a-z]+=\"|javascript:")
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if "emails" not in path.parts and "print" not in path.parts:
            found = unsafe.search(path.read_text(encoding="utf-8"))
            assert not found, f"{name_of(path)}: {found and found.group()}"
