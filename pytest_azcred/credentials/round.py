"""One round of questions to the credentials of a chain; what asking and awaiting have in common."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .credential import Credential, within_chain

if TYPE_CHECKING:
    from azure.core.exceptions import ClientAuthenticationError

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A credential that gave no token, and why."""

    credential: str
    reason: str


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

    :param chain: the name of the chain's class.
    """

    def __init__(self, chain: str) -> None:
        self._chain = chain
        self._attempts: list[Attempt] = []

    @contextmanager
    def asking(self, credential: object) -> Iterator[None]:
        """Ask one credential within this; that it is unavailable is noted, and the next one can be asked.

        :raises ~azure.core.exceptions.ClientAuthenticationError: it failed, and that is the end of the round.
        """
        from .errors import is_unavailable

        name = credential.name if isinstance(credential, Credential) else type(credential).__name__
        reset = within_chain.set(True)
        try:
            yield
        except Exception as error:
            if not is_unavailable(error):
                self._attempts.append(Attempt(name, str(error)))
                raise self.failure() from error
            self._attempts.append(Attempt(name, getattr(error, "message", str(error))))
        else:
            _LOGGER.info("%s got a token from %s", self._chain, name)
        finally:
            within_chain.reset(reset)

    def failure(self) -> ClientAuthenticationError:
        """The error for a round in which nobody gave a token."""
        from azure.core.exceptions import ClientAuthenticationError

        message = failure_message(self._chain, self._attempts)
        _LOGGER.warning(message)
        return ClientAuthenticationError(message=message)


def failure_message(chain: str, attempts: Iterable[Attempt]) -> str:
    """Why a chain has no token, word for word in the format of azure-identity 1.27, which tools look for."""
    lines = [f"\t{attempt.credential}: {attempt.reason}" for attempt in attempts]
    return "\n".join(
        [
            f"{chain} failed to retrieve a token from the included credentials.",
            "Attempted credentials:",
            *(line.removesuffix(": ") for line in lines),
            "To mitigate this issue, please refer to the troubleshooting guidelines here at "
            "https://aka.ms/azsdk/python/identity/defaultazurecredential/troubleshoot.",
        ]
    )
