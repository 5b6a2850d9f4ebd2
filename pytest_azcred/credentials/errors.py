"""The two ways not to give a token: unavailable, where a chain goes on, and failed, where it stops."""

from __future__ import annotations

from azure.core.exceptions import ClientAuthenticationError


class CredentialUnavailableError(ClientAuthenticationError):
    """The credential lacks something that it needs before it can try to authenticate; a chain asks the next one."""


def is_unavailable(error: BaseException) -> bool:
    """Whether a chain goes on to its next credential after this error.

    azure-identity's error of the same name counts too, so that its credentials can be links of a chain of ours. It
    is known by name, because importing azure-identity only to compare classes would make it a dependency.
    """
    return any(kind.__name__ == "CredentialUnavailableError" for kind in type(error).__mro__)


def authentication_failed(reason: object, *secrets: str) -> ClientAuthenticationError:
    """The error for an attempt that was made and refused.

    :param reason: what the service said, or the exception that ended the attempt.
    :param secrets: what must not be in the message, should the service have echoed it.
    """
    text = str(reason)
    for secret in secrets:
        text = text.replace(secret, "***")
    return ClientAuthenticationError(message=f"Authentication failed: {text}")
