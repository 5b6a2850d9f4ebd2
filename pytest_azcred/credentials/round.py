"""One round of questions to the credentials of a chain; what asking and awaiting have in common."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .credential import name_of
from .trace import TRACE, Trace

if TYPE_CHECKING:
    from .errors import ChainFailedError
    from .explanation import Explanation
    from .request import TokenRequest

_LOGGER = logging.getLogger(__name__)


class Round:
    """Notes what each credential of a chain says. Only if somebody wants to know, an explanation is made of it.

    :param chain: the chain's class name.
    :param credentials: those of the chain.
    :param request: what they are asked.
    """

    def __init__(self, chain: str, credentials: Sequence[object], request: TokenRequest) -> None:
        self._chain = chain
        self._credentials = credentials
        self._request = request
        self._traces: list[Trace] = []

    @contextmanager
    def asking(self, credential: object) -> Iterator[None]:
        """Ask one credential within this; that it is unavailable is noted, and the next one can be asked.

        :raises ChainFailedError: it failed, and that is the end of the round.
        """
        from .errors import problem_of

        trace = Trace(credential, self._request.asked_by)
        self._traces.append(trace)
        started, reset = time.monotonic(), TRACE.set(trace)
        try:
            yield
        except Exception as error:
            trace.elapsed = time.monotonic() - started
            problem = problem_of(error)
            trace.note(error, problem)
            if problem == "failed":
                raise self.failure() from error
        else:
            trace.elapsed = time.monotonic() - started
            _LOGGER.info("%s got a token from %s", self._chain, name_of(credential))
        finally:
            TRACE.reset(reset)

    @contextmanager
    def asking_again(self, credential: object) -> Iterator[None]:
        """Ask the one that has won before: its errors are passed on as they are, with an ``explanation``."""
        from azure.core.exceptions import ClientAuthenticationError

        from .errors import problem_of

        trace = Trace(credential, self._request.asked_by)
        self._traces.append(trace)
        started, reset = time.monotonic(), TRACE.set(trace)
        try:
            yield
        except ClientAuthenticationError as error:
            trace.elapsed = time.monotonic() - started
            trace.note(error, problem_of(error))
            vars(error)["explanation"] = self.explanation()  # the class is azure-core's, and knows none
            raise
        finally:
            TRACE.reset(reset)

    def explanation(self) -> Explanation:
        """What has been tried, and what has not."""
        from .attempts import attempt_not_made, attempt_of
        from .explanation import Explanation

        made = [attempt_of(trace) for trace in self._traces]
        others = [attempt_not_made(credential) for credential in self._credentials[len(made) :]]
        return Explanation(chain=self._chain, scopes=self._request.scopes, attempts=(*made, *others))

    def failure(self) -> ChainFailedError:
        """The error for a round in which nobody gave a token."""
        from .attempts import failure_message
        from .errors import ChainFailedError

        explanation = self.explanation()
        attempts = explanation.attempts[: len(self._traces)]
        return ChainFailedError(failure_message(self._chain, attempts), explanation)
