"""Preparing a publish: everything that can be found out before anything is locked or written."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from builder_api.checking import Checked, Known, check
from builder_api.drafts import Draft
from engines.compiled import CompiledApp
from engines.forms.schema_plan import SchemaPlan, plan
from metadata.canonical import place_of
from metadata.kinds import TAGS, MissingKind
from metadata.language import Language
from metadata.problems import ROOT, Conflict, Path, Problem
from metadata.text import say
from runtime.apps import manifest_row, stored_as
from runtime.db import tables
from runtime.db.backfill import NO_WORK, Work, work_of
from runtime.flows import pinned
from runtime.services import Services

MOST_ROWS_AT_ONCE = 100_000
ROWS_WITHOUT_ASKING = 10_000
SECONDS_WITHOUT_ASKING = 2


@dataclass(frozen=True)
class Consent:
    """What somebody who publishes has said yes to: that something goes out of sight, that saving pauses for a while."""

    losses: bool = False
    maintenance: bool = False


@dataclass(frozen=True)
class Prepared:
    """What would be published, found out without any lock: the check, the plan, and what was live and drafted."""

    name: str
    checked: Checked
    plan: SchemaPlan
    known: Known
    manifest: int | None
    draft: Draft | None
    work: Work = NO_WORK
    told: bool = False  # whether its stories were told, and came true

    @property
    def app(self) -> CompiledApp:
        return self.checked.require()

    @property
    def needs_maintenance(self) -> bool:
        """Whether nobody could save for longer than people wait without asking."""
        return self.work.rows > ROWS_WITHOUT_ASKING or self.work.seconds > SECONDS_WITHOUT_ASKING

    def changes_nothing(self, language: Language) -> bool:
        """Whether this is what is live already."""
        live = self.known.live
        return live is not None and language.canonical(live.definition) == language.canonical(self.app.definition)


def prepare(
    services: Services, connection: sa.Connection, name: str | None, document: Any, draft: Draft | None
) -> Prepared:
    """Check a document against what is live, and plan what its publishing would do. Takes no lock."""
    manifest, known = what_is_known(services, connection, name)
    checked = check(services.apps.language, document, known, name if draft is not None else None)
    _name_packages(checked, document, known)
    if checked.app is None:
        return Prepared(name or "", checked, SchemaPlan(), known, manifest, draft)
    _check_pinned(services, connection, checked)
    _check_requirements(services, connection, checked)
    planned = plan(known.live, checked.app)
    work = work_of(connection, planned) if known.live is not None else NO_WORK
    return Prepared(checked.app.name, checked, planned, known, manifest, draft, work)


def what_is_known(services: Services, connection: sa.Connection, name: str | None) -> tuple[int | None, Known]:
    """What is live under a name, and what ever was; a new app gets its number when it is published."""
    row = connection.execute(sa.select(tables.app).where(tables.app.c.name == name)).one_or_none()
    if row is None or row.live is None:
        return None, Known()
    manifest = manifest_row(connection, row.live)
    live = services.apps.of_manifest(connection, row.live)
    return row.live, Known(live, manifest.ids["known"], stored_as(manifest), row.number)


def require_consent(prepared: Prepared, consent: Consent) -> None:
    """Refuse what needs an explicit yes and has none; and what is too much in any case."""
    _require_small(prepared)
    _require_consent_to_losses(prepared.plan, consent)
    _require_consent_to_maintenance(prepared, consent)


def _require_consent_to_losses(planned: SchemaPlan, consent: Consent) -> None:
    if planned.losses and not consent.losses:
        hint = {
            "en": "Agree to it and publish again (API: accept_losses)",
            "zh": "确认后再次发布（API：accept_losses）",
        }
        problems = [
            Problem(ROOT / "losses" / index, loss.code, loss.message, hint) for index, loss in enumerate(planned.losses)
        ]
        detail = {"en": "Publishing this loses something; say yes to it first", "zh": "发布会造成损失，请先确认"}
        raise Conflict(*problems, code="losses_need_consent", detail=detail)


def _name_packages(checked: Checked, document: Any, known: Known) -> None:
    """A kind that was there once is not misspelt: its package is missing."""
    missing = known.live.missing if known.live else ()
    for index, problem in enumerate(checked.problems.items):
        each = next((each for each in missing if _is_about(problem, each, document)), None)
        if each is not None:
            checked.problems.items[index] = _not_installed(problem.path, each)


def _is_about(problem: Problem, missing: MissingKind, document: Any) -> bool:
    if missing.noun == "function":
        return problem.code == "unknown_function" and f"“{missing.name}”" in say(problem.message, "en").upper()
    named = (str(problem.path.parts[-1]), str(place_of(document, problem.path))) if problem.path.parts else None
    return problem.code == "unknown_kind" and named == (TAGS[missing.noun], missing.name)


def _not_installed(path: Path, missing: MissingKind) -> Problem:
    english, chinese = f"“{missing.name}” is not installed", f"未安装“{missing.name}”"
    if missing.package is not None:
        english += f"; it came with the package “{missing.package}”"
        chinese += f"；它由软件包“{missing.package}”提供"
    hint = {
        "en": "Install the package again and restart, or take it out of the definition",
        "zh": "请重新安装该软件包并重启，或从定义中删除",
    }
    return Problem(path, "kind_missing", {"en": english, "zh": chinese}, hint)


def _check_pinned(services: Services, connection: sa.Connection, checked: Checked) -> None:
    """Running flows keep their own version; it must still fit the forms."""
    assert checked.app is not None
    instances: Counter[tuple[str, ...]] = Counter()
    for title, count, problems in pinned.broken_by(checked.app, connection, services.kinds):
        first = next(iter(problems))
        instances[*(say(text, language) for text in (title, first.message) for language in ("en", "zh"))] += count
    for (title_en, title_zh, english, chinese), count in instances.items():
        message = {
            "en": f"“{title_en}” still runs {count} times as it was, and no longer fits: {english}",
            "zh": f"流程“{title_zh}”有 {count} 个正在运行的实例与新版本不匹配：{chinese}",
        }
        hint = {
            "en": "Keep what it names until these are finished, or withdraw them",
            "zh": "请保留其所用内容直至这些流程结束，或撤回它们",
        }
        checked.problems.add(ROOT / "flows", "running_flow_broken", message, hint)


def _check_requirements(services: Services, connection: sa.Connection, checked: Checked) -> None:
    """The apps that this one needs must be there."""
    assert checked.app is not None
    live = services.apps.names(connection)
    for index, required in enumerate(checked.app.definition.requires):
        if required.app not in live:
            message = {"en": f"The app “{required.app}” is not installed", "zh": f"尚未安装应用“{required.app}”"}
            hint = {"en": "Import it first", "zh": "请先导入该应用"}
            checked.problems.add(ROOT / "requires" / index, "app_missing", message, hint)


def _require_consent_to_maintenance(prepared: Prepared, consent: Consent) -> None:
    if prepared.needs_maintenance and not consent.maintenance:
        rows, seconds = prepared.work.rows, prepared.work.seconds
        message = {
            "en": f"{rows:,} records have to be rewritten; saving will pause for about {seconds} s",
            "zh": f"需要改写 {rows:,} 条记录，期间约有 {seconds} 秒无法保存",
        }
        hint = {
            "en": "At a quiet hour agree to it and publish again (API: maintenance)",
            "zh": "请选择空闲时段，确认后再次发布（API：maintenance）",
        }
        problem = Problem(ROOT / "maintenance", "maintenance_needed", message, hint)
        detail = {
            "en": "Publishing this makes everybody wait; say yes to it first",
            "zh": "发布期间他人需等待，请先确认",
        }
        raise Conflict(problem, code="maintenance_needs_consent", detail=detail, records=rows, seconds=seconds)


def _require_small(prepared: Prepared) -> None:
    if prepared.work.rows > MOST_ROWS_AT_ONCE:
        message = {
            "en": f"{prepared.work.rows:,} records would have to be converted; at most {MOST_ROWS_AT_ONCE:,} at once",
            "zh": f"需要转换 {prepared.work.rows:,} 条记录，一次最多 {MOST_ROWS_AT_ONCE:,} 条",
        }
        hint = {
            "en": "Add a new field beside the old one, or archive records first",
            "zh": "请在旧字段旁新增字段，或先归档部分记录",
        }
        limit = {"name": "publish_rows", "max": MOST_ROWS_AT_ONCE, "actual": prepared.work.rows}
        raise Conflict(Problem(ROOT, "too_many_records", message, hint, limit))
