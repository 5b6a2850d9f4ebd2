"""A bounded number of threads that do what others have queued for them."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

Job = TypeVar("Job")
_AT_ONCE = 8  # threads that start as soon as there is a job, and stay for the next: more hinder each other


class Workers(Generic[Job]):
    """Calls `work` with each job on one of at most `most` threads. `work` raises nothing.

    The first few threads start as jobs come. More start by `grow`, when jobs wait and nothing moves, and end when there
    is nothing to do. None is left after `stop`.
    """

    def __init__(self, work: Callable[[Job], object], *, most: int) -> None:
        self._work = work
        self._most = most
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self._free = 0  # threads without a job, less the jobs without a thread

    @property
    def crowded(self) -> bool:
        """Whether a job waits for a thread."""
        return self._free < 0

    @property
    def has_room(self) -> bool:
        """Whether the next job would have a thread at once."""
        return self._free > 0 or (self._free == 0 and len(self._threads) < _AT_ONCE)

    def submit(self, job: Job) -> bool:
        """Queue a job; returns False, with nothing queued, if there is no thread and none can be started."""
        with self._lock:
            self._free -= 1
            started = self._free >= 0 or len(self._threads) >= min(_AT_ONCE, self._most) or self._start()
            if not started and not self._threads:
                self._free += 1
                return False
            self._jobs.put(job)
            return True

    def grow(self) -> None:
        """Start a thread for each job that waits, as far as that is allowed and the system gives some."""
        with self._lock:
            while self._free < 0 and len(self._threads) < self._most and self._start():
                pass

    def _start(self) -> bool:
        thread = threading.Thread(target=self._run, name="azcred-worker", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # the system gives no more threads
            return False
        self._threads.add(thread)
        self._free += 1
        return True

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._work(job)
            del job  # it would be kept until the next
            with self._lock:
                self._free += 1
                if self._free > _AT_ONCE:
                    self._free -= 1
                    self._threads.discard(threading.current_thread())
                    return

    def stop(self) -> list[threading.Thread]:
        """Let every thread end once it has done what was queued before; returns them. No job may follow."""
        with self._lock:
            threads = list(self._threads)
            self._threads.clear()
            self._free = 0
        for _ in threads:
            self._jobs.put(None)
        return threads
