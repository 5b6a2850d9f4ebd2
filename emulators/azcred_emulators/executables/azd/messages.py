"""The error messages of azd, whose form changed several times from version to version.

Source: Azure/azure-dev `cli/azd/cmd/middleware/ux.go`, `pkg/auth/errors.go`,
`pkg/output/ux/error_with_suggestion.go` and `resources/error_suggestions.yaml` over the released versions.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.executables.versions import Version

NOT_LOGGED_IN = "not logged in, run `azd auth login` to login"
_LOGIN_SCOPES = ("https://management.azure.com//.default", "https://management.azure.com/.default")
_EXPIRED = (70043, 700082)  # the session is too old
_NO_TENANT = (90002, 900023)  # msal reads the tenant's configuration first, whose error has another name
_REFERENCE = {
    "title": "azd auth login reference",
    "url": "https://learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-login",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a command failed: azd's error, and what it advises.

    `suggestion` is advice for this error. With `general`, newer versions give the advice that they have for every error
    with an AADSTS code and without a suggestion.
    """

    error: str
    suggestion: str | None = None
    general: bool = False


def token_failure(error: EntraError, description: str, scopes: tuple[str, ...], *, prefix: str) -> Failure:
    """Return the failure for an error of the token service, whose text is `description`.

    `prefix` is what azd was doing, with which its error begins.
    """
    if error.error not in ("invalid_grant", "interaction_required"):
        kind = "invalid_tenant" if error.code in _NO_TENANT else error.error
        return Failure(error=f"{prefix}failed to authenticate:\n({kind}) {description}\n", general=True)
    scenario = "login expired" if error.code in _EXPIRED else "reauthentication required"
    command = " ".join(["azd auth login", *(f"--scope {scope}" for scope in scopes if scope not in _LOGIN_SCOPES)])
    return Failure(error=f"{prefix}{description}", suggestion=f"{scenario}, run `{command}` to acquire a new token.")


def as_text(failure: Failure, version: Version, _: float) -> str:
    """Return what azd prints on standard error for a person."""
    if failure.suggestion is None:
        return f"\nERROR: {failure.error}\n"
    if version < _SUGGESTIONS:
        return f"\nERROR: {_old_error(failure)}\n"
    return f"\nERROR: {failure.error}\n\nSuggestion: {failure.suggestion}\n"


def as_json(failure: Failure, version: Version, now: float) -> str:
    """Return what azd prints on standard error for a program that asked for JSON."""
    return next(write for since, write in _FORMATS if version >= since)(failure, now)


def _text_alone(failure: Failure, now: float) -> str:
    return _message(f"\nERROR: {_old_error(failure)}", now)


def _two_messages(failure: Failure, now: float) -> str:
    if failure.suggestion is None:
        return _message(f"\nERROR: {failure.error}", now)
    return _message(f"\nERROR: {failure.error}", now) + _message(f"Suggestion: {failure.suggestion}", now)


def _one_message(failure: Failure, now: float) -> str:
    advice = f"\nSuggestion: {failure.suggestion}" if failure.suggestion else ""
    return _message(f"\nERROR: {failure.error}{advice}", now)


def _object_after_a_message(failure: Failure, now: float) -> str:
    blank = _message("", now) if failure.suggestion or failure.general else ""
    return blank + _object(failure, now)


def _object(failure: Failure, now: float) -> str:
    if failure.suggestion:
        return _line({"error": failure.error, "suggestion": failure.suggestion})
    if failure.general:
        return _line(
            {
                "error": failure.error,
                "links": [_REFERENCE],
                "message": "Authentication with Azure failed.",
                "suggestion": "Run 'azd auth login' to sign in again.",
            }
        )
    return _message(f"\nERROR: {failure.error}", now)


_SUGGESTIONS: Version = (1, 11, 1)  # before this version the suggestion was the error itself
# From which version azd writes errors in this way, the newest first.
_FORMATS: tuple[tuple[Version, Callable[[Failure, float], str]], ...] = (
    ((1, 24, 0), _object),
    ((1, 23, 7), _object_after_a_message),
    ((1, 20, 2), _one_message),
    (_SUGGESTIONS, _two_messages),
    ((0,), _text_alone),
)


def _old_error(failure: Failure) -> str:
    if failure.suggestion is None:
        return failure.error
    return "fetching token: " + failure.suggestion.replace(" to acquire a new token.", " to log in")


def _message(text: str, now: float) -> str:
    timestamp = datetime.fromtimestamp(now, timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return _line({"type": "consoleMessage", "timestamp": timestamp, "data": {"message": f"{text}\n"}})


def _line(value: Mapping[str, object]) -> str:
    """Return JSON as Go writes it, which is safe inside HTML."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text + "\n"
