"""What is wrong with an expression: one problem, with its column, a plain sentence and the way out."""

from metadata.problems import ROOT, Path, Problem, Refusal
from metadata.text import Text


class ExpressionError(Refusal):
    """An expression or template that cannot be accepted; carries one Problem."""

    status = 422
    code = "expression"
    title = {"en": "The expression is not right", "zh": "表达式有误"}

    def __init__(self, code: str, message: Text, column: int | None = None, hint: Text = "", path: Path = ROOT) -> None:
        super().__init__(Problem(path, code, message, hint, column=column))

    @property
    def problem(self) -> Problem:
        return self.problems[0]

    @property
    def column(self) -> int | None:
        return self.problem.column

    def moved(self, columns: int) -> "ExpressionError":
        """The same error, seen from a text in which the expression begins that much further right."""
        at = None if self.column is None else self.column + columns
        return ExpressionError(self.problem.code, self.problem.message, at, self.problem.hint)


class EvaluationError(Refusal):
    """An expression that grew beyond a limit while it ran. Says nothing about the data."""

    status = 422
    code = "expression_limit"
    title = {"en": "The expression could not be worked out", "zh": "表达式无法计算"}

    def __init__(self, code: str, message: Text, hint: Text = "") -> None:
        super().__init__(Problem(ROOT, code, message, hint))
