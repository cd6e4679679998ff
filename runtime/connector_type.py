"""What a connector is: a way out of the house, for mail now and for other channels later; all through one gate."""

from typing import Any, ClassVar

from metadata.registry import Kind
from runtime.settings import Settings


class ConnectorType(Kind):
    """A channel to the outside. What it sends carries an id that stays the same however often it is tried."""

    permanent: ClassVar[tuple[type[Exception], ...]] = ()

    def send(self, settings: Settings, message: Any) -> None:
        """Send one message, or raise; an exception with `is_permanent` will not be tried again."""
        raise NotImplementedError
