"""What is wrong, where, and what to do: collected first, said once, in the reader's language."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from metadata.text import Text, say


@dataclass(frozen=True)
class Path:
    """A place in a JSON document, written as a JSON pointer (RFC 6901)."""

    parts: tuple[str | int, ...] = ()

    def __truediv__(self, part: "str | int | Path") -> "Path":
        return Path(self.parts + (part.parts if isinstance(part, Path) else (part,)))

    def __str__(self) -> str:
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in self.parts)


ROOT = Path()


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (path), which kind (code, stable), a plain sentence and the way out (hint).

    `limit` names the limit that was passed, with its maximum and the actual figure; `column` is the place within an
    expression, counted from 0.
    """

    path: Path
    code: str
    message: Text
    hint: Text = ""
    limit: dict[str, Any] | None = None
    column: int | None = None

    def under(self, prefix: Path) -> "Problem":
        return replace(self, path=prefix / self.path)

    def as_json(self, language: str = "en") -> dict[str, Any]:
        said: dict[str, Any] = {"path": str(self.path), "code": self.code, "message": say(self.message, language)}
        if self.hint:
            said["hint"] = say(self.hint, language)
        if self.limit is not None:
            said["limit"] = self.limit
        if self.column is not None:
            said["column"] = self.column
        return said


class Refusal(Exception):
    """The base of everything we refuse on purpose; carries problems and becomes a clear answer, never a 5xx."""

    status = 400
    code = "refused"
    title: Text = {"en": "This could not be done", "zh": "无法完成"}

    def __init__(self, *problems: Problem, code: str | None = None, detail: Text = "", **extra: Any) -> None:
        self.problems = problems
        self.code = code or (problems[0].code if len(problems) == 1 else type(self).code)
        self.detail = detail or (problems[0].message if problems else self.title)
        self.extra = extra
        super().__init__(say(self.detail, "en"))


@dataclass
class Problems:
    """A collector: add what is wrong as you meet it, prefix it with a place, raise once at the end."""

    items: list[Problem] = field(default_factory=list)

    def add(self, path: Path, code: str, message: Text, hint: Text = "", **more: Any) -> None:
        self.items.append(Problem(path, code, message, hint, **more))

    def extend(self, problems: Iterable[Problem], prefix: Path = ROOT) -> None:
        self.items.extend(problem.under(prefix) for problem in problems)

    def raise_if_any(self, error: type[Refusal] | None = None) -> None:
        if self.items:
            raise (error or InvalidDefinition)(*self.items)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.items)

    def __bool__(self) -> bool:
        return bool(self.items)

    def __len__(self) -> int:
        return len(self.items)


class InvalidDefinition(Refusal):
    """A definition that cannot be published; carries all its problems."""

    status = 422
    code = "invalid_definition"
    title = {"en": "The definition has problems", "zh": "应用定义存在问题"}


class Invalid(Refusal):
    """Values that cannot be saved; carries all problems of the save, and what rules thought of it."""

    trace: tuple[Any, ...] = ()
    status = 422
    code = "invalid"
    title = {"en": "Some values are not right", "zh": "部分内容有误"}


class Refused(Refusal):
    """Access refused; says nothing about the data."""

    status = 403
    code = "forbidden"
    title = {"en": "You are not allowed to do this", "zh": "您没有权限执行此操作"}


class NotFound(Refusal):
    """There is no such thing, or the actor may not know of it: both give the same answer."""

    status = 404
    code = "not_found"
    title = {"en": "There is nothing here", "zh": "内容不存在"}


class Conflict(Refusal):
    """Somebody else was first, or the state does not allow it; 409 unless told otherwise (412 stale, 423 locked)."""

    status = 409
    code = "conflict"
    title = {"en": "This has changed in the meantime", "zh": "内容已发生变化"}

    def __init__(self, *problems: Problem, status: int = 409, **more: Any) -> None:
        super().__init__(*problems, **more)
        self.status = status


class LimitExceeded(Refusal):
    """A limit was passed; nothing was done."""

    status = 422
    code = "limit_exceeded"
    title = {"en": "This is more than the limit allows", "zh": "超出限制"}

    def __init__(self, *problems: Problem, status: int = 422, **more: Any) -> None:
        super().__init__(*problems, **more)
        self.status = status


def nearest(name: str, known: Iterable[str]) -> Text:
    """Offer the known name that looks most like the wrong one, as a hint; empty when none is near."""
    matches = get_close_matches(name, list(known), 1)
    if not matches:
        return ""
    return {"en": f"Did you mean “{matches[0]}”?", "zh": f"您是否想写“{matches[0]}”？"}
