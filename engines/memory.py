"""What a compiled app keeps of its own work: statements and views that would come out the same again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, TypeVar

Made = TypeVar("Made")

MOST_LATELY = 500  # statements of single people, some 30 kB each


class Memory:
    """Two shelves: for good what depends on the definition and the roles held, for a while what depends on one person.

    It belongs to one compiled app and goes with it, so that nothing in it ever grows old. Two threads may make the
    same thing at once; either's is as good.
    """

    def __init__(self) -> None:
        self._for_good: dict[Hashable, Any] = {}
        self._lately: OrderedDict[Hashable, Any] = OrderedDict()

    def remember(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Keep what only depends on the definition and the roles held; an app has few combinations of them."""
        if key not in self._for_good:
            self._for_good[key] = make()
        found: Made = self._for_good[key]
        return found

    def recall(self, key: Hashable) -> Any | None:
        """What was kept for one person's question, if it is among the last asked for."""
        found = self._lately.get(key)
        if found is not None:
            with suppress(KeyError):  # another thread may just have thrown it out
                self._lately.move_to_end(key)
        return found

    def keep(self, key: Hashable, value: Any) -> None:
        """Keep what depends on one person for a while."""
        self._lately[key] = value
        while len(self._lately) > MOST_LATELY:
            self._lately.popitem(last=False)
