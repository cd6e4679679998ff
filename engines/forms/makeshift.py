"""The fields of an app that was in order once, where not all it needs is installed: what cannot be computed is raw."""

from collections.abc import Mapping
from typing import Any

from engines.compiled import StoredAs
from engines.forms.conversion import type_of_shape
from engines.forms.resolve import Resolver
from engines.forms.tables import ROWS
from engines.forms.written import WrittenField, WrittenForm
from metadata.expressions import check
from metadata.problems import Problems
from metadata.registry import Registry
from metadata.value_types import ValueType

NOTHING = "IF(today == null, '', '')"  # computed at reading, so that no column is asked for


class Makeshift(Resolver):
    """Finds out types as far as it goes: a field that cannot be understood shows what is stored of it, or a blank."""

    def __init__(
        self,
        forms: Mapping[str, WrittenForm],
        functions: Registry[Any],
        problems: Problems,
        storages: Mapping[str, StoredAs],
    ) -> None:
        super().__init__(forms, functions, problems)
        self._storages = storages

    def type_instead(self, written: WrittenField) -> ValueType:
        form, id = written.key
        self.raw.add(written.key)
        stored = self._storages.get(id)
        if stored is not None and stored.shape != ROWS:
            return type_of_shape(stored.shape)
        expression = check(NOTHING, self.scope(form), self.functions)
        self.expressions[written.key] = expression
        return expression.type
