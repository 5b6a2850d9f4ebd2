"""Prints how long asyncio stood still at most while a credential was made and fetched a token.

First for the first credential of this process, which loads what it needs; then for several more, their median and
the longest.
"""

import asyncio
import statistics
import sys
import time
from importlib import import_module
from typing import Any

SCOPE = "https://vault.azure.net/.default"
_TURN = 0.001  # seconds


async def _ticking(gaps: list[float], stop: asyncio.Event) -> None:
    last = time.perf_counter()
    while not stop.is_set():
        await asyncio.sleep(_TURN)
        now = time.perf_counter()
        gaps.append(now - last - _TURN)
        last = now


async def _longest(kind: Any) -> float:
    gaps: list[float] = []
    stop = asyncio.Event()
    ticking = asyncio.create_task(_ticking(gaps, stop))
    await asyncio.sleep(2 * _TURN)
    if kind:
        async with kind() as credential:
            await credential.get_token(SCOPE)
    else:
        await asyncio.sleep(0.1)
    stop.set()
    await ticking
    return max(gaps)


async def _main(module: str, times: int) -> None:
    kind = import_module(f"{module}.aio").ManagedIdentityCredential if module else None
    first = await _longest(kind)
    stalls = [await _longest(kind) for _ in range(times)]
    print(first, statistics.median(stalls), max(stalls))


asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
