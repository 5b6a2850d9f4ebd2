"""One round of questions to the credentials of a chain; what asking and awaiting have in common."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .credential import Credential, within_chain
from .explanation import Attempt, Explanation, Outcome, error_code, without_tokens
from .remedies import remedy, seen
from .trace import Trace, recording

if TYPE_CHECKING:
    from .errors import ChainFailedError

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """A call of ``get_token`` or ``get_token_info`` that goes to one credential after the other."""

    method: str
    scopes: tuple[str, ...]
    options: Mapping[str, Any]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def put_to(self, credential: Any) -> Any:
        """Call the method, or the other one if the credential has only that.

        :return: a token of either kind, or from an asynchronous credential what gives one when awaited.
        :raises CredentialUnavailableError: a proof of possession is asked for, and the credential can give none.
        """
        given = {name: value for name, value in self.options.items() if value is not None}
        if self.method == "get_token" and hasattr(credential, "get_token"):
            return credential.get_token(*self.scopes, **self.options, **self.keywords)
        if hasattr(credential, "get_token_info"):
            return credential.get_token_info(*self.scopes, options=given)
        if given.get("pop"):
            from .errors import CredentialUnavailableError

            raise CredentialUnavailableError(message="It cannot give a proof-of-possession token.")
        return credential.get_token(*self.scopes, **given)

    def read(self, token: Any) -> Any:
        """The token in the shape that the method returns."""
        from azure.core.credentials import AccessToken, AccessTokenInfo

        if self.method == "get_token":
            return AccessToken(token.token, token.expires_on)
        return token if isinstance(token, AccessTokenInfo) else AccessTokenInfo(token.token, token.expires_on)


class Round:
    """Notes what each credential of a chain says.

    :param chain: the chain's class name.
    :param credentials: those of the chain.
    :param scopes: what they are asked for.
    """

    def __init__(self, chain: str, credentials: Sequence[object], scopes: tuple[str, ...]) -> None:
        self._chain = chain
        self._credentials = credentials
        self._scopes = scopes
        self._attempts: list[Attempt] = []

    @contextmanager
    def asking(self, credential: object) -> Iterator[None]:
        """Ask one credential within this; that it is unavailable is noted, and the next one can be asked.

        :raises ChainFailedError: it failed, and that is the end of the round.
        """
        from .errors import is_unavailable

        started = time.monotonic()
        reset = within_chain.set(True)
        try:
            with recording() as trace:
                yield
        except Exception as error:
            outcome = Outcome.UNAVAILABLE if is_unavailable(error) else Outcome.FAILED
            self._attempts.append(_attempt(credential, outcome, started, trace, error))
            if outcome is Outcome.FAILED:
                raise self.failure() from error
        else:
            self._attempts.append(_attempt(credential, Outcome.WON, started, trace))
            _LOGGER.info("%s got a token from %s", self._chain, name_of(credential))
        finally:
            within_chain.reset(reset)

    @contextmanager
    def asking_again(self, credential: object) -> Iterator[None]:
        """Ask the one that has won before: its errors are passed on as they are, with an ``explanation``."""
        from azure.core.exceptions import ClientAuthenticationError

        from .errors import is_unavailable

        started = time.monotonic()
        with recording() as trace:
            try:
                yield
            except ClientAuthenticationError as error:
                outcome = Outcome.UNAVAILABLE if is_unavailable(error) else Outcome.FAILED
                self._attempts.append(_attempt(credential, outcome, started, trace, error))
                vars(error)["explanation"] = self.explanation()  # the class is azure-core's, and knows none
                raise

    def explanation(self) -> Explanation:
        """What has been tried, and what has not."""
        rest = self._credentials[len(self._attempts) :]
        return Explanation(
            chain=self._chain,
            scopes=self._scopes,
            attempts=(*self._attempts, *(_attempt(credential, Outcome.NOT_REACHED) for credential in rest)),
        )

    def failure(self) -> ChainFailedError:
        """The error for a round in which nobody gave a token."""
        from .errors import ChainFailedError

        return ChainFailedError(failure_message(self._chain, self._attempts), self.explanation())


def name_of(credential: object) -> str:
    """What a chain calls a credential in its messages."""
    return credential.name if isinstance(credential, Credential) else type(credential).__name__


def _attempt(
    credential: object,
    outcome: Outcome,
    started: float | None = None,
    trace: Trace | None = None,
    error: Exception | None = None,
) -> Attempt:
    provider = name_of(credential)
    reason = str(error or "") if outcome is Outcome.FAILED else getattr(error, "message", str(error or ""))
    reason = without_tokens(reason)
    code = error_code(reason)
    explained = getattr(error, "explanation", None)
    return Attempt(
        provider=provider,
        outcome=outcome,
        configured=getattr(credential, "is_configured", None),
        seen=seen(provider, os.environ),
        reason=reason,
        requests=tuple(trace.exchanges) if trace else (),
        code=code,
        elapsed=0.0 if started is None else time.monotonic() - started,
        remedy=remedy(provider, code=code, is_unavailable=outcome is Outcome.UNAVAILABLE),
        attempts=explained.attempts if isinstance(explained, Explanation) else (),
    )


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
