"""Ids of 63 bits, ordered by time, made before the insert: children, history and jobs then go out in one flush."""

import secrets
import threading
import time

EPOCH_MILLISECONDS = 1_735_689_600_000  # 2025-01-01 UTC: 42 bits of milliseconds reach the year 2164
RANDOM_BITS = 21

_lock = threading.Lock()
_last = 0


def new_id() -> int:
    """Give a number larger than any this process gave before, and unlike those of other processes."""
    global _last
    milliseconds = time.time_ns() // 1_000_000 - EPOCH_MILLISECONDS
    fresh = (milliseconds << RANDOM_BITS) | secrets.randbits(RANDOM_BITS)
    with _lock:
        _last = max(fresh, _last + 1)
        return _last
