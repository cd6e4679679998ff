"""What a request may weigh and how often it may come (limits L01-L05, L60, L61, L68)."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from metadata.problems import ROOT, LimitExceeded, Problem

T = TypeVar("T")

URL_BYTES, PATH_BYTES, HEADER_BYTES, HEADERS = 8_000, 2_000, 32_000, 100
HEAVY_PER_CALLER, HEAVY_IN_ALL, HEAVY_WAIT = 2, 4, 5.0
HASHES_AT_ONCE, HASHES_WAITING, HASH_WAIT_SECONDS = 2, 500, 60


class TooMany(LimitExceeded):
    """More requests than allowed; the answer says when to come back."""

    code = "too_many_requests"
    title = {"en": "Too many requests; wait a moment", "zh": "请求过于频繁，请稍后再试"}

    def __init__(self, seconds: float) -> None:
        self.retry_after = max(1, round(seconds))
        super().__init__(Problem(ROOT, "too_many_requests", self.title), status=429)


class Buckets:
    """A bucket of requests for each caller, refilled all the time; the longest unseen callers are forgotten."""

    def __init__(self, per_second: float, burst: int, callers: int = 10_000) -> None:
        self.per_second, self.burst, self.callers = per_second, burst, callers
        self._lock = Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Take one request out of the caller's bucket, or say how long he has to wait."""
        now = time.monotonic()
        with self._lock:
            left, then = self._left.pop(caller, (float(self.burst), now))
            left = min(float(self.burst), left + (now - then) * self.per_second)
            self._left[caller] = (max(0.0, left - 1) if left >= 1 else left, now)
            if len(self._left) > self.callers:
                self._left.popitem(last=False)
        if left < 1:
            raise TooMany((1 - left) / self.per_second)


class HashQueue:
    """Lets two passwords be hashed at a time; who waits holds no thread, and too long a queue is refused."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(HASHES_AT_ONCE)
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread when its turn comes."""
        if self._waiting >= HASHES_WAITING:
            raise TooMany(5)
        self._waiting += 1
        try:
            with anyio.move_on_after(HASH_WAIT_SECONDS) as patience:
                await self._limiter.acquire()
        finally:
            self._waiting -= 1
        if patience.cancelled_caught:
            raise TooMany(5)
        try:
            return await to_thread.run_sync(work)
        finally:
            self._limiter.release()


class Places:
    """So many heavy requests run at a time, of one caller and in all; who finds no place waits a little (L61)."""

    def __init__(
        self, per_caller: int = HEAVY_PER_CALLER, in_all: int = HEAVY_IN_ALL, wait: float = HEAVY_WAIT
    ) -> None:
        self.per_caller, self.in_all, self.wait = per_caller, in_all, wait
        self._taken: Counter[str] = Counter()
        self._changed = Condition()

    @contextmanager
    def take(self, caller: str) -> Iterator[None]:
        """Hold a place as long as the block lasts."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free(caller), self.wait):
                raise TooMany(self.wait)
            self._taken[caller] += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken -= Counter((caller,))
                self._changed.notify_all()

    def _is_free(self, caller: str) -> bool:
        return self._taken[caller] < self.per_caller and self._taken.total() < self.in_all


def check_size(path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Refuse addresses and headers that are longer than any honest one."""
    if len(path) + len(query) > URL_BYTES:
        raise _too_large("url", URL_BYTES, 414, {"en": "The address is too long", "zh": "网址过长"})
    if len(path) > PATH_BYTES:
        raise _too_large("path", PATH_BYTES, 414, {"en": "The address is too long", "zh": "网址过长"})
    if len(headers) > HEADERS or sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES:
        raise _too_large("headers", HEADER_BYTES, 431, {"en": "The headers are too large", "zh": "请求头过大"})


def body_too_large(maximum: int) -> LimitExceeded:
    """The refusal of a body that is larger than the route takes."""
    megabytes = f"{maximum / 1_000_000:g} MB"
    text = {"en": f"The body is larger than {megabytes}", "zh": f"请求内容超过 {megabytes}"}
    return _too_large("body", maximum, 413, text)


def _too_large(name: str, maximum: int, status: int, text: dict[str, str]) -> LimitExceeded:
    return LimitExceeded(
        Problem(ROOT, "too_large", text, limit={"name": name, "max": maximum}), code="too_large", status=status
    )
