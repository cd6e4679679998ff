"""What a function of the expression language is: how it is called, what it gives, and its form in each target."""

from typing import Any, ClassVar

from sqlalchemy import ColumnElement, func

from engines.expressions.not_pushable import NotPushable
from metadata.expressions.fitting import EMPTY
from metadata.expressions.signatures import Function
from metadata.text import Text


class FunctionKind(Function):
    """One function of the library.

    The docstring is the help: a sentence, and examples in the language itself that the tests run. A function made of
    simpler steps overrides `build` only; any other gives `value`, and `postgresql` where that database can do the same.
    SQLite calls `value` unless `sqlite` says it better.
    """

    theme: ClassVar[str]
    chinese: ClassVar[str]
    wants: ClassVar[tuple[str, ...]] = ()  # constants put behind the arguments: zone, today, now, organisation
    in_browser: ClassVar[bool] = True
    repeats: ClassVar[int] = 1  # how often the SQL form names its arguments, at most
    blank_passes: ClassVar[bool] = True

    def value(self, *args: Any, **_: Any) -> Any:
        """The meaning: from values to a value."""
        raise NotImplementedError(f"{self.name} is built of other steps")

    def call(self, *args: Any) -> Any:
        """The value; a blank argument gives a blank, unless the function says otherwise."""
        if self.blank_passes and None in args:
            return EMPTY.get(self.result.name)
        return self.value(*args)

    def postgresql(self, *args: Any, **_: Any) -> ColumnElement[Any]:
        """The same on PostgreSQL, total: no row may make it fail."""
        raise NotPushable({"en": f"{self.name}() runs on the server only", "zh": f"{self.name}() 只能逐行计算"})

    def sqlite(self, *args: Any, **_: Any) -> ColumnElement[Any]:
        """The same on SQLite: by default a call of `value`."""
        return getattr(func, self.sqlite_name)(*args)  # type: ignore[no-any-return]

    @property
    def sqlite_name(self) -> str:
        return "ff_" + self.name.lower()

    @property
    def has_value(self) -> bool:
        """Whether the function is a step of its own, not built of others."""
        return type(self).value is not FunctionKind.value

    @property
    def sentence(self) -> Text:
        """What it does, in one sentence."""
        english = (type(self).__doc__ or "").split("\n\n")[0]
        return {"en": " ".join(english.split()), "zh": self.chinese}

    @property
    def form(self) -> str:
        """How a call is written."""
        names = [parameter.name if parameter.is_required else f"[{parameter.name}]" for parameter in self.parameters]
        return f"{self.name}({', '.join(names + ['…'] * self.variadic)})"
