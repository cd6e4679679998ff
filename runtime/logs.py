"""The log: one line per event, secrets masked by key and by value."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from runtime.settings import Settings

SECRET_KEYS = ("password", "secret", "token", "authorization", "cookie", "api_key", "csrf")
MASK = "***"


def set_up(settings: Settings) -> None:
    """Send every event to standard error, readable on a terminal, as JSON elsewhere."""
    secrets = (settings.smtp_password.get_secret_value(), settings.master_key.get_secret_value())
    values = {value for value in secrets if len(value) > 3}

    def mask(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: _masked(key, value, values) for key, value in event.items()}

    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def _masked(key: str, value: Any, secrets: set[str]) -> Any:
    if any(word in key.lower() for word in SECRET_KEYS):
        return MASK
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
    return value
