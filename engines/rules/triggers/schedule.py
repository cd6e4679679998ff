"""The clock: a rule that runs at planned moments."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from engines.action_type import ActionContext
from engines.rules.trigger_type import TriggerType
from metadata import registry
from metadata.names import FormName

CatchUp = Literal["none", "last", "all"]
MOST_CAUGHT_UP = 10
LONGEST_CATCH_UP = timedelta(days=31)
PATIENCE = timedelta(minutes=2)


class Schedule(TriggerType):
    """Fires by a cron line in the app's time zone; with a form, once for each of its records that meets the `if`."""

    name = "schedule"
    title = {"en": "Schedule", "zh": "定时"}
    icon = "calendar-clock"
    source = "schedule"

    class Options(registry.Options):
        cron: str
        catch_up: CatchUp = "last"
        form: FormName | None = None

    def compile(self, options: Any, context: ActionContext) -> Any:
        try:
            if len(options.cron.split()) != 5:
                raise CronSimError("it has not five parts")
            CronSim(options.cron, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            message = {
                "en": f"“{options.cron}” is no cron line: {error}",
                "zh": f"“{options.cron}”不是有效的 cron 表达式",
            }
            hint = {
                "en": "Five parts: minute hour day month weekday; “0 9 * * 1” is Monday at nine",
                "zh": "五段：分 时 日 月 周；“0 9 * * 1”表示每周一九点",
            }
            context.add("bad_cron", message, "cron", hint=hint)
        return options

    def sentence(self, options: Any, language: str) -> str:
        return f"按计划 {options.cron}" if language == "zh" else f"on the schedule {options.cron}"


def next_run(cron: str, after: datetime, zone: ZoneInfo) -> datetime:
    """The first planned moment after this one; local times that a clock change skips or doubles come once."""
    return next(CronSim(cron, after.astimezone(zone))).astimezone(UTC)


def runs_due(cron: str, due: datetime, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The planned moments from `due` to `now`, those of the last 31 days at most."""
    moment = due if due > now - LONGEST_CATCH_UP else next_run(cron, now - LONGEST_CATCH_UP, zone)
    runs = []
    while moment <= now:
        runs.append(moment)
        moment = next_run(cron, moment, zone)
    return runs


def to_be_run(runs: list[datetime], now: datetime, catch_up: CatchUp) -> list[datetime]:
    """Those of the due runs that are done, however late: as the author wants it."""
    if catch_up == "all":
        return runs[-MOST_CAUGHT_UP:]
    return runs[-1:] if catch_up == "last" else [run for run in runs[-1:] if not is_late(run, now)]


def is_late(run: datetime, now: datetime) -> bool:
    """Whether a planned moment was missed: nobody looked for a while."""
    return now - run > PATIENCE
