"""A user who signs in on another device."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .errors import authentication_failed
from .token_response import refusal
from .user import DEVELOPER_CLIENT_ID, UserCredential

if TYPE_CHECKING:
    from .request import TokenRequest


class DeviceCodeCredential(UserCredential):
    """Shows a code that the user types in at Entra ID's page, in a browser on any device.

    :param client_id: the application that users sign in to; by default that of the Azure CLI.
    :keyword timeout: how long to wait for the user, in seconds; by default, and at most, as long as the code is good.
    :keyword prompt_callback: called with the address of the page, the code, and the time when it ends (a ``datetime``
        in UTC); by default Entra ID's own message is printed.
    :keyword tenant_id: the tenant that users sign in to; by default any of theirs.
    :keyword authentication_record: an account that signed in before, which ``authenticate`` returned.
    :keyword disable_automatic_authentication: let a user sign in only when ``authenticate`` is called; otherwise a
        call that needs a user raises :class:`AuthenticationRequiredError`.
    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :raises ValueError: the client's id is empty, the tenant is malformed, or the authority is not https.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``.
    """

    def __init__(
        self,
        client_id: str = DEVELOPER_CLIENT_ID,
        *,
        timeout: int | None = None,
        prompt_callback: Callable[[str, str, datetime], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(client_id, **kwargs)
        self._timeout = timeout
        self._prompt = prompt_callback

    def _sign_in(self, client: Any, request: TokenRequest) -> Any:
        flow = client.initiate_device_flow(list(request.scopes))
        if "error" in flow:
            raise authentication_failed(refusal(flow))
        if self._prompt:
            ends = datetime.fromtimestamp(flow["expires_at"], timezone.utc)
            self._prompt(flow["verification_uri"], flow["user_code"], ends)
        else:
            print(flow["message"])
        options: dict[str, Any] = {"claims_challenge": request.claims}
        if self._timeout is not None and self._timeout < flow["expires_in"]:
            deadline = time.time() + self._timeout
            options["exit_condition"] = lambda _: time.time() > deadline
        result = client.acquire_token_by_device_flow(flow, **options)
        if "access_token" not in result and result.get("error") == "authorization_pending":
            raise authentication_failed(f"nobody signed in within {self._timeout:g} s.")
        return result
