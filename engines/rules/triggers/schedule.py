"""The clock: a rule that runs at planned moments."""

from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from engines.action_type import ActionContext
from engines.rules.trigger_type import TriggerType
from metadata import registry
from metadata.names import FormName

CatchUp = Literal["none", "last", "all"]
MOST_CAUGHT_UP = 10


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


def missed_runs(cron: str, due: datetime, now: datetime, zone: ZoneInfo, catch_up: CatchUp) -> list[datetime]:
    """The planned moments from `due` to `now` that are still to be run."""
    runs, moment = [due], next_run(cron, due, zone)
    while moment <= now:
        runs.append(moment)
        moment = next_run(cron, moment, zone)
    if catch_up == "all":
        return runs[-MOST_CAUGHT_UP:]
    late = (now - runs[-1]).total_seconds() > 120
    return [] if catch_up == "none" and late else runs[-1:]
