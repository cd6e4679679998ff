"""Tells the stories of an app in a throw-away installation, and says which sentence did not come true."""

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from sqlalchemy import select

from builder_api.stories.deeds import do
from builder_api.stories.installation import beginning, installation, prepare, sign_up
from builder_api.stories.looks import look
from builder_api.stories.untrue import NotSo
from metadata.app import AppDefinition
from metadata.problems import ROOT, Path, Problem, Refusal
from metadata.stories import Step, StoryDefinition
from metadata.text import Text, say
from runtime.cast import Cast, Clock
from runtime.db import tables
from runtime.rules import pausing

TOO_SLOW = "stories_too_slow"
TOO_SLOW_HINT: Text = {
    "en": "Make them shorter; or tell them with “fourfold test”, then publish with skip_stories",
    "zh": "请缩短故事；或先用 fourfold test 运行，再带 skip_stories 发布",
}


@dataclass(frozen=True)
class Told:
    """How one story went: well, or with the problem of the first sentence that did not come true."""

    story: StoryDefinition
    problem: Problem | None = None


class OutOfTime(Exception):
    """The stories take longer than whoever waits for them has patience."""


@dataclass(frozen=True)
class Patience:
    """How long somebody waits for all stories together; None is for ever."""

    seconds: float | None = None
    started: float = field(default_factory=monotonic)

    def check(self) -> None:
        if self.seconds is not None and monotonic() - self.started > self.seconds:
            raise OutOfTime


def tell(definition: AppDefinition, publish: Any, seconds: float | None = None) -> list[Told]:
    """Tell every story of a definition, each in a fresh copy of a throw-away SQLite installation.

    `publish(services, definition)` makes the definition live there. After `seconds` the story under way is the last.
    """
    if not definition.stories:
        return []
    patience = Patience(seconds)
    with TemporaryDirectory(prefix="fourfold-stories-") as folder:
        told: list[Told] = []
        for index, story in enumerate(definition.stories):
            template = FilePath(folder) / f"template-{story.today}"
            if not template.exists():
                prepare(template, publish, definition, beginning(story))
            copy = FilePath(folder) / f"story-{index}"
            shutil.copytree(template, copy)
            told.append(Told(story, _tell_one(copy, definition, story, ROOT / "stories" / index, patience)))
            shutil.rmtree(copy)
            if told[-1].problem is not None and told[-1].problem.code == TOO_SLOW:
                break
        return told


def problems_of(told: list[Told]) -> list[Problem]:
    """What did not come true, a problem for each story."""
    return [each.problem for each in told if each.problem is not None]


def _tell_one(
    folder: FilePath, definition: AppDefinition, story: StoryDefinition, path: Path, patience: Patience
) -> Problem | None:
    clock = Clock(beginning(story))
    with installation(folder, clock) as services:
        cast = Cast(services, definition.app, clock, between=patience.check)
        sign_up(cast, story)
        for index, step in enumerate(story.steps):
            try:
                patience.check()
                _step(cast, step)
            except OutOfTime:
                return Problem(path / "steps" / index, TOO_SLOW, _too_slow(story, index, patience), TOO_SLOW_HINT)
            except NotSo as untrue:
                said = _said(story, index, untrue.message)
                return Problem(path / "steps" / index, "story_untrue", said, _failed_meanwhile(cast))
            except Refusal as refusal:
                why = refusal.problems[0] if refusal.problems else None
                said = _said(story, index, why.message if why else refusal.detail)
                return Problem(path / "steps" / index, "story_refused", said, why.hint if why else "")
    return None


def _failed_meanwhile(cast: Cast) -> Text:
    """What went wrong in a job that nobody waited for, and why: mostly the reason why something is not so."""
    job = tables.job
    failed = select(job.c.rule, job.c.last_error).where(job.c.last_error.is_not(None), job.c.rule.is_not(None))
    with cast.services.database.read() as connection:
        row = connection.execute(failed.order_by(job.c.run_at.desc()).limit(1)).first()
        if row is None:
            return ""
        rule = pausing.title_of(cast.services, connection, cast.app, row.rule)
    return {
        "en": f"The rule “{say(rule, 'en')}” failed meanwhile: {row.last_error}",
        "zh": f"期间规则“{say(rule, 'zh')}”执行失败：{row.last_error}",
    }


def _said(story: StoryDefinition, index: int, message: Text) -> Text:
    return {
        "en": f"The story “{story.name}” fails at step {index + 1}: {say(message, 'en')}",
        "zh": f"故事“{say(story.title or story.name, 'zh')}”在第 {index + 1} 步失败：{say(message, 'zh')}",
    }


def _too_slow(story: StoryDefinition, index: int, patience: Patience) -> Text:
    chinese = say(story.title or story.name, "zh")
    return {
        "en": f"The stories take longer than {patience.seconds:g} s; “{story.name}” was at step {index + 1} then",
        "zh": f"故事运行超过 {patience.seconds:g} 秒；当时“{chinese}”正在第 {index + 1} 步",
    }


def _step(cast: Cast, step: Step) -> None:
    if step.wait is not None:
        cast.pass_time(_length(step.wait))
    elif step.does is not None:
        do(cast, step)
    else:
        look(cast, step)


def _length(text: str) -> timedelta:
    number, unit = text.split(" ", 1)
    return timedelta(**{f"{unit.rstrip('s')}s": int(number)})
