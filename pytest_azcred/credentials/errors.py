"""The two ways not to give a token: unavailable, where a chain goes on, and failed, where it stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from azure.core.exceptions import ClientAuthenticationError

if TYPE_CHECKING:
    from .explanation import Explanation


class CredentialUnavailableError(ClientAuthenticationError):
    """The credential lacks something that it needs before it can try to authenticate; a chain asks the next one."""


class ChainFailedError(ClientAuthenticationError):
    """No credential of a chain gave a token.

    :param message: lists the credentials that were asked, in the format of azure-identity.
    :param explanation: what was tried, as data; print it for a short table.
    """

    def __init__(self, message: str, explanation: Explanation) -> None:
        super().__init__(message=message)
        self.explanation = explanation


def problem_of(error: BaseException) -> Literal["unavailable", "failed"]:
    """Whether a chain goes on to its next credential after this error, because the credential is unavailable.

    azure-identity's error of the same name counts too, so that its credentials can be links of a chain of ours. It
    is known by name, because importing azure-identity only to compare classes would make it a dependency.
    """
    if isinstance(error, CredentialUnavailableError):
        return "unavailable"
    names = [kind.__name__ for kind in type(error).__mro__]
    return "unavailable" if "CredentialUnavailableError" in names else "failed"


class AnswerCutOff(ClientAuthenticationError):
    """The connection ended in the middle of an answer."""


def authentication_failed(reason: object, *secrets: str) -> ClientAuthenticationError:
    """The error for an attempt that was made and refused.

    :param reason: what the service said, or the exception that ended the attempt.
    :param secrets: what must not be in the message, should the service have echoed it.
    """
    text = str(reason)
    for secret in secrets:
        text = text.replace(secret, "***")
    return ClientAuthenticationError(message=f"Authentication failed: {text}")
