"""A fair lock: SQLite has one writer, and whoever waits longest writes next."""

from collections import deque
from threading import Lock


class FairLock:
    """A first-come, first-served lock with a time limit; the holder hands over to the longest waiting thread."""

    def __init__(self) -> None:
        self._mutex = Lock()
        self._waiting: deque[Lock] = deque()
        self._held = False

    def acquire(self, seconds: float) -> bool:
        """Wait for the turn at most so long; False when it did not come."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        return self._wait_for(turn, seconds)

    def release(self) -> None:
        """Hand over to the longest waiting thread, or be free."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()  # it stays held: the turn goes straight to the next one
            else:
                self._held = False

    def _wait_for(self, turn: Lock, seconds: float) -> bool:
        if turn.acquire(timeout=seconds):
            return True
        with self._mutex:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        return True  # it was handed over in the very last moment
