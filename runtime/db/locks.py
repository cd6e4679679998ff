"""A fair lock: SQLite has one writer, and whoever waits longest writes next."""

from collections import deque
from threading import Lock, get_ident


class FairLock:
    """A first-come, first-served lock with a time limit; the holder hands over to the longest waiting thread."""

    def __init__(self) -> None:
        self._mutex = Lock()
        self._waiting: deque[Lock] = deque()
        self._holder: int | None = None

    def acquire(self, seconds: float) -> bool:
        """Wait for the turn at most so long; False when it did not come."""
        if self._holder == get_ident():
            raise RuntimeError("this thread already writes; a write cannot be opened inside a write")
        with self._mutex:
            if self._holder is None:
                self._holder = get_ident()
                return True
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        return self._wait_for(turn, seconds)

    def release(self) -> None:
        """Hand over to the longest waiting thread, or be free."""
        with self._mutex:
            if self._waiting:
                self._holder = -1  # promised to the next one, who writes its own name on waking
                self._waiting.popleft().release()
            else:
                self._holder = None

    def _wait_for(self, turn: Lock, seconds: float) -> bool:
        came = turn.acquire(timeout=seconds)
        with self._mutex:
            if not came and turn in self._waiting:
                self._waiting.remove(turn)
                return False
            self._holder = get_ident()
        return True
