"""What became of the values of one step of a publish."""

import dataclasses

MOST_REPORTED = 1_000


@dataclasses.dataclass
class Report:
    """What became of the values of one step; `failed` names the records whose value did not fit, up to 1,000."""

    form: str
    field: str
    rows: int = 0
    failures: int = 0
    failed: list[int] = dataclasses.field(default_factory=list)
    touched: set[int] = dataclasses.field(default_factory=set)  # whose value is another one now (not: computed anew)

    def fail(self, record: int) -> None:
        """Note a record whose value does not fit."""
        self.failures += 1
        if len(self.failed) < MOST_REPORTED:
            self.failed.append(record)
