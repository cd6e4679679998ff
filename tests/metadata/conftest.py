"""The language with a handful of kinds of its own."""

import pytest

from metadata.language import Language
from tests.metadata.small_kinds import small_language


@pytest.fixture(scope="session")
def language() -> Language:
    return small_language()
