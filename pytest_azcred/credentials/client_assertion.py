"""An application that proves who it is with a token of another issuer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.rest import HttpRequest

from .entra import EntraCredential
from .errors import authentication_failed
from .http import Answer, send
from .request import TokenRequest
from .token_response import refusal, token_of

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientAssertionCredential(EntraCredential):
    """Exchanges an assertion for an access token with a single request.

    msal would fetch the tenant's OpenID configuration first; azure-identity 1.27 does not, and the address of the
    token endpoint is known without.

    :param tenant_id: the application's tenant.
    :param client_id: the application's id.
    :param func: called before each request; returns the assertion, a JWT.
    :raises ValueError: an argument is empty, the tenant is malformed, or the authority is not https.

    Keywords are those of :class:`ClientSecretCredential`; ``disable_instance_discovery`` has no effect.
    """

    def __init__(self, tenant_id: str, client_id: str, func: Callable[[], str], **kwargs: Any) -> None:
        super().__init__(tenant_id, client_id, **kwargs)
        self._func = func

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        assertion = self._func()
        url = f"{self._authority}/{request.tenant_id}/oauth2/v2.0/token"
        form = assertion_form(self._client_id, assertion, request)
        now = int(time.time())
        try:
            answer = send(self._pipeline, HttpRequest("POST", url, data=form), retry_on_methods=["POST"])
        except ClientAuthenticationError:
            raise
        except AzureError as error:
            raise authentication_failed(error.message) from error
        return granted(answer, now, assertion)


def assertion_form(client_id: str, assertion: str, request: TokenRequest) -> dict[str, str]:
    """The form that asks for a token in exchange for an assertion."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_assertion_type": _JWT_BEARER,
        "client_assertion": assertion,
        "scope": " ".join(request.scopes),
    }
    claims = merged_claims(request.claims, request.enable_cae)
    return {**form, "claims": claims} if claims else form


def merged_claims(challenge: str | None, enable_cae: bool) -> str | None:
    """The claims to ask for: those of a challenge, and with CAE that this client can handle challenges.

    :raises ValueError: the challenge is not a JSON object.
    """
    if not enable_cae:
        return challenge
    claims = json.loads(challenge) if challenge else {}
    claims.setdefault("access_token", {})["xms_cc"] = {"values": ["CP1"]}
    return json.dumps(claims)


def granted(answer: Answer, now: int, assertion: str) -> AccessTokenInfo:
    """The token of an answer.

    :param now: when the request was sent, in seconds since the epoch.
    :raises ~azure.core.exceptions.ClientAuthenticationError: the answer has none.
    """
    token = token_of(answer.payload, now, halve=True)
    if token is not None and answer.status < 400:
        return token
    reason = refusal(answer.payload) or f"{answer.host} answered {answer.status} without a token or a reason."
    raise authentication_failed(reason, assertion)
