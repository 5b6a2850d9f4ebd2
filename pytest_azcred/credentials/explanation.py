"""Why a chain has the token that it has, or none: as data, and as a table for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from .trace import Exchange

_CODE = re.compile(r"AADSTS\d+")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]*\.[\w-]*")


class Outcome(Enum):
    """What came of asking a credential."""

    WON = "won"
    UNAVAILABLE = "unavailable"
    """It lacks something that it needs, so the next one is asked."""
    FAILED = "failed"
    """It tried and was refused, which ends the search."""
    NOT_REACHED = "not reached"
    """An earlier one won or failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One credential of a chain, and what came of asking it.

    :param provider: the credential's class name.
    :param outcome: what came of it.
    :param configured: whether it has what it needs to try at all; None if that is not known.
    :param seen: the environment variables that concern it and are set, by name.
    :param reason: why it gave no token, in its own words; without secrets or tokens.
    :param requests: what it asked, in order.
    :param code: Entra ID's code for the error, such as ``AADSTS7000215``; None if there is none.
    :param elapsed: how long it took, in seconds.
    :param remedy: what to do about it; empty if nothing needs to be done, or nothing is known to help.
    :param attempts: those of its own, if it is a chain as well.
    """

    provider: str
    outcome: Outcome
    configured: bool | None = None
    seen: tuple[str, ...] = ()
    reason: str = ""
    requests: tuple[Exchange, ...] = ()
    code: str | None = None
    elapsed: float = 0.0
    remedy: str = ""
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a chain tried in order to get a token. Printed, it is a short table.

    :param chain: the chain's class name.
    :param scopes: what the token was for.
    :param attempts: one for each credential of the chain, in order.
    """

    chain: str
    scopes: tuple[str, ...]
    attempts: tuple[Attempt, ...]

    @property
    def selected(self) -> str | None:
        """The class name of the credential that gave the token; None if none did."""
        return next((attempt.provider for attempt in self.attempts if attempt.outcome is Outcome.WON), None)

    @property
    def elapsed(self) -> float:
        """How long it took altogether, in seconds."""
        return sum(attempt.elapsed for attempt in self.attempts)

    def __str__(self) -> str:
        verdict = f"a token from {self.selected}" if self.selected else "no token"
        heading = f"{self.chain}, {' '.join(self.scopes)}: {verdict} after {_milliseconds(self.elapsed)}"
        return "\n".join([heading, *_lines(self.attempts, "  ")])


def error_code(text: str) -> str | None:
    """Entra ID's code in an error's text, if there is one."""
    match = _CODE.search(text)
    return match[0] if match else None


def without_tokens(text: str) -> str:
    """The text with everything that looks like a token struck out."""
    return _TOKEN.sub("***", text)


def _lines(attempts: tuple[Attempt, ...], margin: str) -> Iterator[str]:
    width = max(len(attempt.provider) for attempt in attempts)
    for attempt in attempts:
        reached = attempt.outcome is not Outcome.NOT_REACHED
        time = _milliseconds(attempt.elapsed) if reached else ""
        yield f"{margin}{attempt.provider:{width}}  {attempt.outcome.value:11}  {time:>8}".rstrip()
        if attempt.attempts:
            yield from _lines(attempt.attempts, f"{margin}    ")
        elif reached:
            yield from (f"{margin}    {detail}" for detail in _details(attempt))


def _details(attempt: Attempt) -> Iterator[str]:
    for exchange in attempt.requests:
        yield f"{exchange.request}  {exchange.outcome}  {_milliseconds(exchange.elapsed)}"
    if attempt.outcome is Outcome.WON:
        return
    reason = attempt.reason.removeprefix(f"{attempt.provider} is unavailable: ")
    yield from (line.strip() for line in reason.splitlines())
    if attempt.seen:
        yield f"set: {', '.join(attempt.seen)}"
    if attempt.remedy:
        yield f"to do: {attempt.remedy}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
