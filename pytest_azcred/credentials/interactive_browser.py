"""A user who signs in in the browser."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import webbrowser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .errors import CredentialUnavailableError, authentication_failed
from .redirect_listener import RedirectListener
from .tools.process import run
from .trace import Caller
from .user import DEVELOPER_CLIENT_ID, UserCredential

if TYPE_CHECKING:
    from .request import TokenRequest

_PORTS = range(8400, 9000)
"""Where azure-identity listens, the first that is free: applications are registered with them."""


class InteractiveBrowserCredential(UserCredential):
    """Opens Entra ID's page in the default browser and waits on loopback for its answer.

    :keyword client_id: the application that users sign in to; by default that of the Azure CLI.
    :keyword redirect_uri: the application's redirect URI, such as ``http://localhost:8400``; by default the first free
        port of localhost from 8400 on.
    :keyword login_hint: who is likely to sign in, for the page to suggest.
    :keyword timeout: how long to wait for the user, in seconds; by default 300.
    :keyword tenant_id: the tenant that users sign in to; by default any of theirs.
    :keyword authentication_record: an account that signed in before, which ``authenticate`` returned.
    :keyword disable_automatic_authentication: let a user sign in only when ``authenticate`` is called; otherwise a
        call that needs a user raises :class:`AuthenticationRequiredError`.
    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :raises ValueError: the redirect URI has no host or port, the client's id is empty, the tenant is malformed, or
        the authority is not https.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``.
    """

    def __init__(
        self,
        *,
        client_id: str = DEVELOPER_CLIENT_ID,
        redirect_uri: str | None = None,
        login_hint: str | None = None,
        timeout: float = 300,
        **kwargs: Any,
    ) -> None:
        addresses = [listening_address(redirect_uri)] if redirect_uri else []
        self._addresses = addresses or [("localhost", port) for port in _PORTS]
        self._login_hint = login_hint
        self._timeout = timeout
        super().__init__(client_id, **kwargs)

    def _sign_in(self, client: Any, request: TokenRequest) -> Any:
        with self._listener() as listener:
            flow = client.initiate_auth_code_flow(
                list(request.scopes),
                redirect_uri=listener.redirect_uri,
                prompt="select_account",
                claims_challenge=request.claims,
                login_hint=self._login_hint,
                response_mode="form_post",
            )
            if not (webbrowser.open(flow["auth_uri"]) or open_in_windows(flow["auth_uri"])):
                raise unavailable("there is no browser on this machine.")
            response = listener.wait(flow["state"], self._timeout)
        if not response:
            reason = f"nobody signed in within {self._timeout:g} s."
            in_default_chain = request.asked_by is Caller.DEFAULT_CHAIN
            raise unavailable(reason) if in_default_chain else authentication_failed(reason)
        return client.acquire_token_by_auth_code_flow(
            flow, response, scopes=list(request.scopes), claims_challenge=request.claims
        )

    def _listener(self) -> RedirectListener:
        """A listener on the first address that is free."""
        for host, port in self._addresses:
            try:
                return RedirectListener(host, port)
            except OSError as error:  # noqa: PERF203  # it ends the loop or a port is taken, which takes longer
                problem = f"it cannot listen on {host}:{port} for the browser ({error})."
                if error.errno != errno.EADDRINUSE:
                    break
        raise unavailable(problem)


def open_in_windows(url: str) -> bool:
    """Open a page in the browser of the Windows that this Linux runs on (WSL); False if it runs on none."""
    machine = platform.uname()
    path = shutil.which("powershell.exe")
    if machine.system != "Linux" or "microsoft" not in machine.release.lower() or path is None:
        return False
    command = [path, "-NoProfile", "-Command", f"Start-Process '{url}'"]  # which has no quote: it is percent-encoded
    try:
        return run(command, folder="/", environ=os.environ, seconds=5).exit_code == 0
    except (OSError, TimeoutError):
        return False


def listening_address(redirect_uri: str) -> tuple[str, int]:
    """The host and port of a redirect URI.

    :raises ValueError: it has none.
    """
    parts = urlsplit(redirect_uri)
    if not parts.hostname or not parts.port:
        raise ValueError(f"{redirect_uri!r} is no redirect URI with a port, such as http://localhost:8400.")
    return parts.hostname, parts.port


def unavailable(reason: str) -> CredentialUnavailableError:
    """The error for a machine on which nobody can sign in."""
    return CredentialUnavailableError(message=f"InteractiveBrowserCredential is unavailable: {reason}")
