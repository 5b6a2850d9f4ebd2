"""An API that calls another one for the user who called it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .authentication_record import AuthenticationRecord, record_of
from .certificate import certificate_proof
from .confidential import ConfidentialCredential

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

    from .request import TokenRequest


class OnBehalfOfCredential(ConfidentialCredential):
    """Exchanges a user's access token for one to another API (on-behalf-of flow), by way of msal.

    The user's token is needed once: afterwards a refresh token stands in for it, as in azure-identity 1.27.

    :param tenant_id: the application's tenant.
    :param client_id: the application's id.
    :keyword client_secret: one of the application's secrets.
    :keyword client_certificate: instead of a secret, the content of a PEM or PKCS #12 file with a certificate and its
        RSA key.
    :keyword client_assertion_func: instead of both, returns an assertion, a JWT of another issuer.
    :keyword user_assertion: the access token that the user called this application with.
    :keyword password: the password of the certificate's key.
    :keyword send_certificate_chain: send the chain along, for trust by subject name and issuer.
    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :raises TypeError: there is no user's token, or nothing that proves who the application is.
    :raises ValueError: there is more than one such proof, the certificate cannot be used, the client's id is empty,
        the tenant is malformed, or the authority is not https.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        user_assertion: str,
        client_secret: str | None = None,
        client_certificate: bytes | None = None,
        client_assertion_func: Callable[[], str] | None = None,
        password: str | bytes | None = None,
        send_certificate_chain: bool = False,
        **kwargs: Any,
    ) -> None:
        if not user_assertion:
            raise TypeError("user_assertion is empty: give the access token that the user sent.")
        proofs = [proof for proof in (client_secret, client_certificate, client_assertion_func) if proof]
        if not proofs:
            raise TypeError("Give client_secret, client_certificate or client_assertion_func.")
        if len(proofs) > 1:
            raise ValueError("Give one of client_secret, client_certificate and client_assertion_func only.")
        proof: str | dict[str, Any] = client_secret or {"client_assertion": client_assertion_func}
        if client_certificate:
            proof = certificate_proof(client_certificate, password, send_chain=send_certificate_chain)
        super().__init__(tenant_id, client_id, proof, **kwargs)
        self._user_assertion = user_assertion
        self._record: AuthenticationRecord | None = None

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        if self._record:
            token, _ = self._silently(request, self._record)
            if token:
                return token
        scopes = list(request.scopes)
        token, result = self._acquire(
            request,
            lambda client: client.acquire_token_on_behalf_of(
                self._user_assertion, scopes, claims_challenge=request.claims
            ),
        )
        self._record = record_of(result)  # without one, the user's token serves again
        return token

    def _new_application(self, msal: Any, **settings: Any) -> Any:
        return super()._new_application(msal, token_cache=msal.TokenCache(), **settings)

    def _secrets(self) -> tuple[str, ...]:
        return (*super()._secrets(), self._user_assertion)
