"""The Azure CLI in which a developer has signed in."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_azcred.credentials.request import TokenRequest

from .developer_tool import DeveloperToolCredential, failed, find, redacted, unavailable

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo
    from azure.core.exceptions import ClientAuthenticationError

    from .process import Output

_SUBSCRIPTION = re.compile(r"[\w\-. ]+", re.ASCII)
NOT_FOUND = "Azure CLI not found on path"
NOT_SIGNED_IN = "Please run 'az login' to set up an account"


class AzureCliCredential(DeveloperToolCredential):
    """Authenticates as whoever has signed in to the Azure CLI with ``az login``.

    :keyword tenant_id: the tenant to ask; by default that of the CLI's current account.
    :keyword subscription: the name or id of a subscription, to use its account instead of the current one.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all. Without a
        ``tenant_id`` every tenant is allowed.
    :keyword process_timeout: how long the CLI may take, in seconds.
    :raises ValueError: the tenant or the subscription is malformed.
    """

    label = "Azure CLI"
    variables: tuple[tuple[str, str], ...] = (("AZURE_CORE_NO_COLOR", "true"),)

    def __init__(
        self,
        *,
        tenant_id: str = "",
        subscription: str | None = None,
        additionally_allowed_tenants: Iterable[str] | None = None,
        process_timeout: float = 10,
    ) -> None:
        if subscription and not _SUBSCRIPTION.fullmatch(subscription):
            raise ValueError(f"{subscription!r} is not taken for a subscription's name: give its id.")
        super().__init__(
            tenant_id=tenant_id,
            additionally_allowed_tenants=additionally_allowed_tenants,
            process_timeout=process_timeout,
        )
        self._subscription = subscription

    def _arguments(self, request: TokenRequest) -> list[str]:
        if request.claims:
            raise unavailable(_how_to_answer(request))
        arguments = ["account", "get-access-token", "--output", "json", "--resource", request.resource]
        if request.tenant_id:
            arguments += ["--tenant", request.tenant_id]
        return [*arguments, "--subscription", self._subscription] if self._subscription else arguments

    def _path(self) -> str | None:
        return find("az.cmd", "az") if sys.platform == "win32" else find("az")

    def _read(self, stdout: str) -> AccessTokenInfo | None:
        from azure.core.credentials import AccessTokenInfo

        try:
            payload = json.loads(stdout)
            expires_on = payload.get("expires_on")
            if expires_on is None:  # an old CLI, which gives only the local time
                expires_on = datetime.strptime(payload["expiresOn"], "%Y-%m-%d %H:%M:%S.%f").timestamp()
            return AccessTokenInfo(payload["accessToken"], int(expires_on))
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def _not_found(self) -> str:
        return NOT_FOUND

    def _refusal(self, output: Output) -> ClientAuthenticationError:
        stderr = output.stderr
        if output.exit_code == 127 or stderr.startswith("'az' is not recognized"):
            return unavailable(NOT_FOUND)
        if ("az login" in stderr or "az account set" in stderr) and "AADSTS" not in stderr:
            return unavailable(NOT_SIGNED_IN)
        return failed(redacted(stderr).strip() or "Failed to invoke Azure CLI")


def _how_to_answer(request: TokenRequest) -> str:
    """What to do about a claims challenge, which takes a person."""
    claims = base64.b64encode((request.claims or "").encode()).decode()
    command = f"az login --claims-challenge {claims}"
    if request.tenant_id:
        command += f" --tenant {request.tenant_id}"
    command += f" --scope {request.scopes[0]}"
    return f"A service asks for claims that the Azure CLI gets only at sign-in. Run: {command}"
