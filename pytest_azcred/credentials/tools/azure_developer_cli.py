"""The Azure Developer CLI in which a developer has signed in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_azcred.credentials.request import TokenRequest

from .developer_tool import DeveloperToolCredential, failed, find, redacted, unavailable

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo
    from azure.core.exceptions import ClientAuthenticationError

    from .process import Output

NOT_FOUND = "Azure Developer CLI could not be found. See https://aka.ms/azure-dev, and then run 'azd auth login'."
NOT_SIGNED_IN = "Please run 'azd auth login' from a command prompt to authenticate before using this credential."
TOO_OLD = "The Azure Developer CLI on this machine cannot answer claims challenges: it takes version 1.18.1 or later."


class AzureDeveloperCliCredential(DeveloperToolCredential):
    """Authenticates as whoever has signed in to the Azure Developer CLI with ``azd auth login``.

    :keyword tenant_id: the tenant to ask; by default that of the account.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all. Without a
        ``tenant_id`` every tenant is allowed.
    :keyword process_timeout: how long the CLI may take, in seconds.
    :raises ValueError: the tenant is malformed.
    """

    label = "Azure Developer CLI"
    variables: tuple[tuple[str, str], ...] = (("NO_COLOR", "true"),)

    def _arguments(self, request: TokenRequest) -> list[str]:
        arguments = ["auth", "token", "--output", "json", "--no-prompt"]
        for scope in request.scopes:
            arguments += ["--scope", scope]
        if request.tenant_id:
            arguments += ["--tenant-id", request.tenant_id]
        if request.claims:
            arguments += ["--claims", base64.b64encode(request.claims.encode()).decode()]
        return arguments

    def _path(self) -> str | None:
        return find("azd")

    def _read(self, stdout: str) -> AccessTokenInfo | None:
        from azure.core.credentials import AccessTokenInfo

        try:
            payload = json.loads(stdout)
            # In UTC, as the Z at its end says; azure-identity 1.27 takes it for the local time.
            expires_on = datetime.strptime(payload["expiresOn"], "%Y-%m-%dT%H:%M:%S%z")
            return AccessTokenInfo(payload["token"], int(expires_on.timestamp()))
        except (KeyError, TypeError, ValueError):
            return None

    def _not_found(self) -> str:
        return NOT_FOUND

    def _refusal(self, output: Output) -> ClientAuthenticationError:
        text = f"{output.stdout}\n{output.stderr}"
        if output.exit_code == 127 or output.stderr.startswith("'azd' is not recognized"):
            return unavailable(NOT_FOUND)
        if "not logged in, run `azd auth login` to login" in text and "AADSTS" not in text:
            return unavailable(NOT_SIGNED_IN)
        if "unknown flag: --claims" in text:
            return unavailable(TOO_OLD)
        reason = error_in(output.stdout) or error_in(output.stderr) or output.stderr.strip()
        return failed(redacted(reason) or "Failed to invoke Azure Developer CLI")

    def _unexpected(self, output: Output) -> str:
        return redacted(error_in(output.stdout)) or super()._unexpected(output)


def error_in(text: str) -> str:
    """The first error in azd's lines of JSON; empty if there is none.

    From 1.23.7 on, azd prints an object with an ``error``, possibly after an empty message; before that, the error is
    the text of a message.
    """
    objects = list(_objects(text))
    errors = (entry.get("error") for entry in objects)
    messages = (entry["data"].get("message") for entry in objects if isinstance(entry.get("data"), dict))
    texts = (entry.strip() for entry in (*errors, *messages) if isinstance(entry, str))
    return next(filter(None, texts), "")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if line.lstrip().startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue
