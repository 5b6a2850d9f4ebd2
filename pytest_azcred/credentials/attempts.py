"""Makes data and messages of what came of asking the credentials of a chain, once somebody wants to know."""

from __future__ import annotations

import os
from collections.abc import Iterable

from .credential import name_of
from .explanation import Attempt, Explanation, Outcome, error_code, without_tokens
from .remedies import remedy, seen
from .trace import Trace

_OUTCOMES = {"unavailable": Outcome.UNAVAILABLE, "failed": Outcome.FAILED, None: Outcome.WON}


def attempt_of(trace: Trace) -> Attempt:
    """A credential that was asked."""
    provider, outcome = name_of(trace.credential), _OUTCOMES[trace.problem]
    reason = without_tokens(trace.reason)
    code = error_code(reason)
    own = trace.explanation
    return Attempt(
        provider=provider,
        outcome=outcome,
        configured=_is_configured(trace.credential),
        seen=seen(provider, os.environ),
        reason=reason,
        requests=tuple(trace.exchanges),
        code=code,
        elapsed=trace.elapsed,
        remedy=remedy(provider, code=code, is_unavailable=outcome is Outcome.UNAVAILABLE),
        attempts=own.attempts if isinstance(own, Explanation) else (),
    )


def attempt_not_made(credential: object) -> Attempt:
    """A credential that was not asked, since an earlier one won or failed."""
    provider = name_of(credential)
    return Attempt(
        provider=provider,
        outcome=Outcome.NOT_REACHED,
        configured=_is_configured(credential),
        seen=seen(provider, os.environ),
    )


def _is_configured(credential: object) -> bool | None:
    configured: bool | None = getattr(credential, "is_configured", None)
    return configured


def failure_message(chain: str, attempts: Iterable[Attempt]) -> str:
    """Why a chain has no token, word for word in the format of azure-identity 1.27, which tools look for."""
    lines = [f"\t{attempt.provider}: {attempt.reason}" for attempt in attempts]
    return "\n".join(
        [
            f"{chain} failed to retrieve a token from the included credentials.",
            "Attempted credentials:",
            *(line.removesuffix(": ") for line in lines),
            "To mitigate this issue, please refer to the troubleshooting guidelines here at "
            "https://aka.ms/azsdk/python/identity/defaultazurecredential/troubleshoot.",
        ]
    )
