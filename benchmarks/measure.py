"""Taking and printing figures."""

import statistics
import time
from collections.abc import Callable


def median_seconds(action: Callable[[], object], times: int) -> float:
    """Return the median duration of an action in seconds."""
    durations = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        durations.append(time.perf_counter() - started)
    return statistics.median(durations)


def heading(text: str) -> None:
    """Print what the next figures are about."""
    print(f"\n{text}", flush=True)


def figure(name: str, value: str, remark: str = "") -> None:
    """Print one figure."""
    print(f"  {name:58} {value:>12}  {remark}".rstrip(), flush=True)


def milliseconds(seconds: float) -> str:
    """Format a duration."""
    return f"{seconds * 1000:.2f} ms"
