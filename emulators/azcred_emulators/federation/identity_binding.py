"""The token proxy of AKS's identity bindings: exchanges a pod's token for one that Entra ID trusts, and forwards it.

Sources: Microsoft's "Identity bindings for AKS"; azure-identity 1.27, @azure/identity 4.14 and azidentity 1.15 as
clients, the last of which asks it for the token service's documents, too. Which subject the proxy's own tokens have is
not documented; the service account's stands for it.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import jwt
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from azcred_emulators.authority.service import Authority
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import PUBLIC
from azcred_emulators.directory import Directory
from azcred_emulators.directory.identifiers import SERVICE_ACCOUNT, identity_binding_issuer
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.refusals import NamedRefusals
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.federation.issuers import Issuers
from azcred_emulators.tokens import received

AUDIENCE = "api://AKSIdentityBinding"


class IdentityBinding(Emulator):
    """The proxy of a cluster, for the identities that are assigned to it.

    `service_accounts` are the subjects that may use them, by the cluster's roles.
    """

    name = "identity-binding"
    is_host = True
    uses_tls = True
    rules: Map = Map(
        [
            Rule("/<tenant>/oauth2/v2.0/token", methods=["POST"], endpoint="token"),
            Rule("/<tenant>/<path:document>", methods=["GET"], endpoint="document"),
        ]
    )

    def __init__(self, directory: Directory, issuers: Issuers, authority: Authority, clock: Clock) -> None:
        self._directory = directory
        self._issuers = issuers
        self._authority = authority
        self.named_refusals: NamedRefusals | None = authority.named_refusals  # the proxy passes them on
        self._clock = clock
        self.service_accounts: tuple[str, ...] = (SERVICE_ACCOUNT,)

    @property
    def operations(self) -> Collection[str]:
        """What the requests are for that the token service gets."""
        return self._authority.operations

    def describe(self, request: Request, path: str) -> None:
        """Note who asks for what, as the token service reads it from the request."""
        with suppress(HTTPException):  # a form that is too large
            self._describe(request, path)

    def _describe(self, request: Request, path: str) -> None:
        forwarded = _forwarded(request, path, form=request.form.to_dict())
        self._authority.describe(forwarded, path)
        request.details.update(forwarded.details)

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Check the pod's token and ask Entra ID with one of the proxy's own; pass requests for documents on."""
        if endpoint == "document":
            return self._forward(request, f"/{values['tenant']}/{values['document']}")
        path = f"/{values['tenant']}/oauth2/v2.0/token"
        self._describe(request, path)
        form = request.form.to_dict()
        pod = self._verified(form.get("client_assertion", ""))
        if pod is None:
            return self._error_response(request, 401, "The service account's token is not for the proxy, or not valid.")
        client_id = form.get("client_id", "").lower()
        bound = [item for item in self._directory.assigned(self.name) if item.client_id.lower() == client_id]
        if not bound or pod["sub"] not in self.service_accounts:
            return self._error_response(request, 403, "The service account may not use this identity.")
        form["client_assertion"] = self._issuers.get(identity_binding_issuer(client_id)).assertion(str(pod["sub"]))
        return self._forward(request, path, form=form)

    def _forward(self, request: Request, path: str, *, form: Mapping[str, str] | None = None) -> Response:
        forwarded = _forwarded(request, path, form=form)
        response = self._authority.answer(forwarded, path)
        request.details.update(forwarded.details)
        return response

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer what the proxy does not forward."""
        return self._error_response(request, error.code or 400, error.name)

    def reset(self) -> None:
        """Let the service account of the start use the identities."""
        self.service_accounts = (SERVICE_ACCOUNT,)

    def _error_response(self, request: Request, status: int, message: str) -> Response:
        request.details["error"] = message
        return json_response({"error": "invalid_request", "error_description": message}, status=status)

    def _verified(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a token that a cluster has made for the proxy, None for any other."""
        try:
            unverified = received.read(token)
            keys = self._issuers.keys_of(str(unverified.claims.get("iss"))) or {}
            claims = received.read(token, keys[str(unverified.header.get("kid"))]).claims
        except (jwt.InvalidTokenError, KeyError):
            return None
        audience = claims.get("aud")
        is_for_proxy = AUDIENCE in (audience if isinstance(audience, list) else [audience])
        return claims if is_for_proxy and "sub" in claims and claims.get("exp", 0) > self._clock.now() else None


def _forwarded(request: Request, path: str, *, form: Mapping[str, str] | None = None) -> Request:
    """Return the request as the token service gets it, with another form if one is given."""
    builder = EnvironBuilder(
        path=path,
        base_url=f"https://{PUBLIC.authority_host}",
        method=request.method,
        query_string=request.query_string.decode(),
    )
    if form:
        builder.content_type = "application/x-www-form-urlencoded"
        builder.input_stream = BytesIO(urlencode(form).encode())
    return Request(builder.get_environ())
