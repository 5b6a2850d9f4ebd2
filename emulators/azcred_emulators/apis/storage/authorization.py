"""Who may use a storage account: the bearer tokens that are taken, and who is refused in spite of a good one.

Source: "Authorize with Microsoft Entra ID (REST API)" of Azure Storage.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt

from azcred_emulators.apis.protected_resource import identity_of
from azcred_emulators.apis.storage.refusals import Challenge, StorageError
from azcred_emulators.audiences import STORAGE, STORAGE_DOMAIN, STORAGE_SERVICES
from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory, Principal, User
from azcred_emulators.tokens import TokenRejected, Tokens, received
from azcred_emulators.tokens.claims import CAE_CAPABILITY
from azcred_emulators.tokens.issuance import number_of
from azcred_emulators.tokens.layers import ANOTHER_TEST
from azcred_emulators.tokens.mint import RejectionReason

_APPLICATION_ID = "e406a681-f3d4-42a8-90b6-c2b029497af1"  # the audience of version 2's tokens

_DETAILS: Mapping[RejectionReason, str] = {
    "malformed": "Signature validation failed. The bearer token is no JWT that Entra ID could have made.",
    "signature": "Signature validation failed. The signature is not Entra ID's.",
    "issuer": "Issuer validation failed. Issuer did not match.",
    "audience": "Audience validation failed. Audience did not match.",
    "expired": "Lifetime validation failed. The token is expired.",
    "not-yet-valid": "Lifetime validation failed. The token is not yet valid.",
    "another-test": f"Signature validation failed: {ANOTHER_TEST}.",
}


class Authorization:
    """Checks bearer tokens on the emulators' clock; what a test has revoked or forbidden is its state."""

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock) -> None:
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._revoked = 0  # the number of the last token that is not taken any more
        self._revoked_at = 0.0
        self._forbidden: set[str] = set()  # object ids

    def forbid(self, identity: Principal | User) -> None:
        """Refuse an identity, as if it had no role that lets it use the data."""
        self._forbidden.add(identity.object_id)

    def revoke(self) -> None:
        """Challenge clients with tokens that were issued before now, if these can handle it."""
        self._revoked = self._tokens.issuance.last_number
        self._revoked_at = self._clock.now()

    def reset(self) -> None:
        """Forget what was revoked and forbidden."""
        self._revoked = 0
        self._forbidden.clear()

    def check(self, account: str, token: str, details: dict[str, object]) -> Mapping[str, Any]:
        """Return the claims of a token for an account, and note in the journal's details whose it is.

        Raises StorageError.
        """
        details["resource"] = STORAGE
        tenant_ids = [tenant.id for tenant in self._directory.tenants()]
        try:
            claims = self._tokens.check(token, audiences=_audiences(account), tenant_ids=tenant_ids)
        except TokenRejected as rejected:
            detail = _DETAILS[rejected.reason]
            if rejected.reason == "audience":
                detail += f" The token is for {_audience(token)}, and the account takes {STORAGE}."
            raise self._challenge(detail) from rejected
        if CAE_CAPABILITY in claims.get("xms_cc", ()) and number_of(claims) <= self._revoked:
            raise self._challenge("The session was revoked.", since=self._revoked_at)
        client_id = claims.get("appid") or claims.get("azp")
        details.update(client_id=client_id, tenant=claims["tid"], identity=identity_of(claims, self._directory))
        if claims.get("oid") in self._forbidden:
            raise StorageError("AuthorizationPermissionMismatch")
        return claims

    def _challenge(self, detail: str, *, since: float | None = None) -> StorageError:
        tenant = next(iter(self._directory.tenants())).id
        claims = None
        if since is not None:
            wanted = {"access_token": {"nbf": {"essential": True, "value": str(int(since))}}}
            claims = base64.b64encode(json.dumps(wanted, separators=(",", ":")).encode()).decode()
        challenge = Challenge(tenant=tenant, resource=STORAGE, claims=claims)
        return StorageError("InvalidAuthenticationInfo", detail=detail, challenge=challenge)


def _audiences(account: str) -> tuple[str, ...]:
    return (STORAGE, _APPLICATION_ID, *(f"https://{account}.{each}.{STORAGE_DOMAIN}" for each in STORAGE_SERVICES))


def _audience(token: str) -> str:
    try:
        return str(received.read(token).claims.get("aud"))
    except jwt.InvalidTokenError:
        return "nothing"
