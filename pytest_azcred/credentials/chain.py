"""Several credentials, asked in order until one gives a token."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from .credential import Credential
from .request import TokenRequest, is_overridden, token_info, token_request
from .round import Round
from .token_cache import TokenResult
from .trace import Caller

if TYPE_CHECKING:
    from azure.core.credentials import TokenProvider
    from typing_extensions import Self

    from .explanation import Explanation

_LOGGER = logging.getLogger(__name__)


class ChainedTokenCredential(Credential):
    """Asks each credential for a token, in order.

    A credential that is unavailable lets the next one try; one that fails ends the attempt. Every call begins with
    the first credential again.

    :param credentials: the credentials, in the order to ask them.
    :raises ValueError: there are none.
    """

    _caller = Caller.CHAIN

    def __init__(self, *credentials: TokenProvider) -> None:
        if not credentials:
            raise ValueError("at least one credential is required")
        super().__init__()
        self.credentials = credentials

    def _token(self, request: TokenRequest) -> TokenResult:
        credential, result, _ = self._first_logged(request)
        # Only what the first credential has is what the next call would return, too.
        return result if credential is self.credentials[0] else TokenResult(result.info)

    def _first_logged(self, request: TokenRequest) -> tuple[TokenProvider, TokenResult, Round]:
        from .errors import ChainFailedError

        try:
            return self._first(request)
        except ChainFailedError as error:
            _LOGGER.warning(error.message)
            raise

    def _first(self, request: TokenRequest) -> tuple[TokenProvider, TokenResult, Round]:
        """The first credential that gives a token, the token, and how that came about."""
        request = replace(request, asked_by=self._caller)
        this_round = Round(type(self).__name__, self.credentials, request)
        for credential in self.credentials:
            with this_round.asking(credential):
                return credential, ask(credential, request), this_round
        raise this_round.failure()

    def explain(self, *scopes: str) -> Explanation:
        """Ask every credential in order, as for a first token, and tell what came of it.

        :param scopes: what the token would be for, such as ``https://storage.azure.com/.default``.
        :return: what each credential found, asked and lacks; it holds neither secrets nor tokens. Printed, it is a
            short table.
        :raises ValueError: there is no scope, or a scope is malformed.
        """
        from .errors import ChainFailedError

        try:
            _, _, this_round = self._first(token_request("explain", scopes, {}))
        except ChainFailedError as error:
            return error.explanation
        return this_round.explanation()

    def close(self) -> None:
        """Close each credential that can be closed."""
        with ExitStack() as stack:  # closes the others too if one raises
            for credential in reversed(self.credentials):
                if hasattr(credential, "close"):
                    stack.callback(credential.close)

    def __enter__(self) -> Self:
        for credential in self.credentials:
            if hasattr(credential, "__enter__"):
                credential.__enter__()
        return self


def ask(credential: TokenProvider, request: TokenRequest) -> TokenResult:
    """Ask one credential: one of ours directly, any other by the method that the app called."""
    if isinstance(credential, Credential) and not is_overridden(credential, Credential):
        return credential._token(request)
    return TokenResult(token_info(request.repeat_call(credential)))
