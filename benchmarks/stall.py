"""Prints how long asyncio stood still at most while a token was fetched: the median of several, and the longest."""

import asyncio
import statistics
import sys
import time
from importlib import import_module

SCOPE = "https://vault.azure.net/.default"
_TURN = 0.001  # seconds


async def _ticking(gaps: list[float], stop: asyncio.Event) -> None:
    last = time.perf_counter()
    while not stop.is_set():
        await asyncio.sleep(_TURN)
        now = time.perf_counter()
        gaps.append(now - last - _TURN)
        last = now


async def _longest(module: str) -> float:
    gaps: list[float] = []
    stop = asyncio.Event()
    ticking = asyncio.create_task(_ticking(gaps, stop))
    if module:
        async with import_module(f"{module}.aio").ManagedIdentityCredential() as credential:
            await credential.get_token(SCOPE)
    else:
        await asyncio.sleep(0.1)
    stop.set()
    await ticking
    return max(gaps)


async def _main(module: str, times: int) -> None:
    await _longest(module)  # imports what a first token needs
    stalls = [await _longest(module) for _ in range(times)]
    print(statistics.median(stalls), max(stalls))


asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
