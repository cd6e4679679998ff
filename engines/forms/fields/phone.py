"""A telephone number."""

from collections.abc import Iterator
from typing import Any

import phonenumbers
from pydantic import Field

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.forms.field_type import FieldType
from engines.forms.texts import read_text
from engines.values import ValueProblem
from metadata import registry
from metadata.problems import ROOT, Problem
from metadata.text import Text
from metadata.value_types import TEXT, ValueType


class Phone(FieldType):
    """A telephone number, kept in the international form +8613800000000 however it was written.

    A number without a country code is read as one of `region`.
    """

    name = "phone"
    title = {"en": "Phone", "zh": "电话"}
    icon = "phone"
    widget = "phone"
    look = FieldLook(width=3)
    is_searched = True

    class Options(registry.Options):
        region: str = Field(default="CN", pattern=r"^[A-Z]{2}$")

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        return TEXT

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        region = definition.region
        if region not in phonenumbers.SUPPORTED_REGIONS:
            message = {
                "en": f"“{region}” is no country whose telephone numbers are known",
                "zh": f"没有“{region}”这一电话号码地区",
            }
            yield Problem(ROOT / "region", "unknown_region", message, _REGION)

    def parse(self, raw: Any, field: CompiledField) -> str | None:
        text = read_text(raw, 40)
        if text is None:
            return None
        try:
            number = phonenumbers.parse(text, field.options.region)
        except phonenumbers.NumberParseException:
            raise _no_number(text) from None
        if not phonenumbers.is_possible_number(number):
            raise _no_number(text)
        plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return f"{plain};ext={number.extension}" if number.extension else plain


def _no_number(text: str) -> ValueProblem:
    return ValueProblem(
        "bad_phone",
        {"en": f"“{text}” is not a telephone number", "zh": f"“{text}”不是有效的电话号码"},
        {"en": "As in 138 0000 0000 or +44 20 7946 0000", "zh": "例如 138 0000 0000 或 +44 20 7946 0000"},
    )


_REGION: Text = {
    "en": "Write its two letters, as CN, GB or US",
    "zh": "请填写两位地区代码，例如 CN、GB 或 US",
}
