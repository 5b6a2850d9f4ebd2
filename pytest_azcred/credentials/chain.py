"""Several credentials, asked in order until one gives a token."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .credential import Credential
from .request import TokenRequest, token_request
from .round import Question, Round

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenProvider, TokenRequestOptions
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

    def __init__(self, *credentials: TokenProvider) -> None:
        if not credentials:
            raise ValueError("at least one credential is required")
        super().__init__()
        self.credentials = credentials
        if isinstance(credentials[0], Credential):
            self._known = credentials[0]._known  # whatever it has is what the chain would return

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Get an access token from the first credential that has one.

        :param scopes: what the token is for, such as ``https://vault.azure.net/.default``.
        :param claims: the claims that a service asked for when it refused a token.
        :param tenant_id: the tenant to ask, if it is not the one that a credential was configured with.
        :param enable_cae: ask for a token that continuous access evaluation can revoke.
        :return: the token and its expiry, in seconds since the epoch.
        :raises ~azure.core.exceptions.ClientAuthenticationError: no credential gave a token; the message lists them.
        :raises ValueError: there is no scope, or a scope or the tenant is malformed.
        """
        slot = self._at_hand(scopes, claims, tenant_id, enable_cae)
        if slot is not None:
            return slot.token
        options = {"claims": claims, "tenant_id": tenant_id, "enable_cae": enable_cae}
        token_request("get_token", scopes, options)
        token: AccessToken = self._ask(Question("get_token", scopes, options, kwargs))
        return token

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Get an access token with its type and the time to renew it. Otherwise the same as ``get_token``.

        :param scopes: what the token is for, such as ``https://vault.azure.net/.default``.
        :param options: ``claims``, ``tenant_id`` and ``enable_cae``, as the keywords of ``get_token``.
        :return: the token; its times are in seconds since the epoch.
        :raises ~azure.core.exceptions.ClientAuthenticationError: no credential gave a token; the message lists them.
        :raises ValueError: there is no scope, or a scope or the tenant is malformed.
        """
        given: Any = options or {}
        slot = self._at_hand(scopes, given.get("claims"), given.get("tenant_id"), given.get("enable_cae", False))
        if slot is not None:
            return slot.info
        token_request("get_token_info", scopes, options)
        info: AccessTokenInfo = self._ask(Question("get_token_info", scopes, given))
        return info

    def _token(self, request: TokenRequest) -> AccessTokenInfo:
        info: AccessTokenInfo = self._ask(Question("get_token_info", request.scopes, request.options))
        return info

    def _ask(self, question: Question) -> Any:
        """Ask the credentials that are to be asked."""
        return self._logged(question)[1]

    def _logged(self, question: Question) -> tuple[Any, Any, Round]:
        from .errors import ChainFailedError

        try:
            return self._first(question)
        except ChainFailedError as error:
            _LOGGER.warning(error.message)
            raise

    def _first(self, question: Question) -> tuple[Any, Any, Round]:
        """The first credential that gives a token, the token, and how that came about."""
        this_round = Round(type(self).__name__, self.credentials, question.scopes)
        for credential in self.credentials:
            with this_round.asking(credential):
                return credential, question.read(question.put_to(credential)), this_round
        raise this_round.failure()

    def explain(self, *scopes: str) -> Explanation:
        """Ask every credential in order, as for a first token, and tell what came of it.

        :param scopes: what the token would be for, such as ``https://storage.azure.com/.default``.
        :return: what each credential found, asked and lacks; it holds neither secrets nor tokens. Printed, it is a
            short table.
        :raises ValueError: there is no scope, or a scope is malformed.
        """
        from .errors import ChainFailedError

        token_request("explain", scopes, None)
        try:
            _, _, this_round = self._first(Question("get_token_info", scopes, {}))
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
