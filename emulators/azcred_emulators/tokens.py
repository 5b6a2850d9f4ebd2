"""Access tokens as Entra ID issues them to applications and managed identities, version 1 and 2."""

import base64
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from azcred_emulators.clock import Clock
from azcred_emulators.clouds import PUBLIC, Cloud
from azcred_emulators.directory import Application, ManagedIdentity, Principal
from azcred_emulators.keys import SigningKey

APPLICATION_LIFETIME = 3600.0  # seconds; recorded traffic shows exp - iat = 3900 with iat back-dated
MANAGED_IDENTITY_LIFETIME = 86400.0
BACK_DATED = 300  # seconds that iat and nbf lie before the moment of issue


class ClientAuthentication(Enum):
    """How a client proved who it is; the value is what `appidacr` (v1) and `azpacr` (v2) say."""

    PUBLIC = "0"
    SECRET = "1"
    CERTIFICATE = "2"  # also federated assertions and managed identities


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; `expires_on` and `not_before` are epoch seconds."""

    value: str = field(repr=False)
    claims: Mapping[str, object]
    expires_on: int
    not_before: int


class Tokens:
    """Mints tokens on the emulators' clock, with the one key of the run.

    The key is made on a thread of its own from the start: generating RSA keys takes tens of milliseconds
    and needs no Python, so it is ready by the time the first token is asked for.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: list[SigningKey] = []
        self._maker = threading.Thread(target=self._make_key, name="azcred-key", daemon=True)
        self._maker.start()

    def _make_key(self) -> None:
        self._made.append(SigningKey("accounts.accesscontrol.windows.net"))

    @property
    def key(self) -> SigningKey:
        """The key that signs every token of the run and that the keys documents publish."""
        self._maker.join()
        return self._made[0]

    def app_only(
        self,
        principal: Principal,
        resource: str,
        *,
        authentication: ClientAuthentication = ClientAuthentication.CERTIFICATE,
        cloud: Cloud = PUBLIC,
        target: Application | None = None,
        host_resource_id: str | None = None,
    ) -> Token:
        """Mint the token of an application or managed identity that acts for itself.

        `resource` is what the client asked for; `target` the directory's application behind it, whose
        `access_token_version` decides the token's version, as in Entra ID. `host_resource_id` is the ARM id
        of the machine that a managed identity runs on.
        """
        now = int(self._clock.now())
        lifetime = MANAGED_IDENTITY_LIFETIME if host_resource_id else APPLICATION_LIFETIME
        version = target.access_token_version if target else 1
        claims: dict[str, object] = {
            "aud": target.client_id if target and version == 2 else resource,
            "iss": issuer(cloud, principal.tenant_id, version),
            "iat": now - BACK_DATED,
            "nbf": now - BACK_DATED,
            "exp": now + int(lifetime),
            "aio": _opaque(40),
        }
        if version == 1:
            claims |= {
                "appid": principal.client_id,
                "appidacr": authentication.value,
                "idp": claims["iss"],
                "idtyp": "app",
            }
        else:
            claims |= {"azp": principal.client_id, "azpacr": authentication.value}
        claims |= {
            "oid": principal.object_id,
            "rh": f"1.{_opaque(30)}.",
            "sub": principal.object_id,
            "tid": principal.tenant_id,
            "uti": _opaque(16),
            "ver": f"{version}.0",
        }
        if isinstance(principal, ManagedIdentity):
            claims["xms_mirid"] = principal.resource_id
            if host_resource_id and not principal.system_assigned:
                claims["xms_az_rid"] = host_resource_id
        return self.mint(claims)

    def mint(self, claims: Mapping[str, object]) -> Token:
        """Sign these claims as they are; `exp` and `nbf` must be among them."""
        header = {"x5t": self.key.id} if claims.get("ver") == "1.0" else {}
        return Token(
            self.key.sign(claims, header=header),
            claims,
            expires_on=int(str(claims["exp"])),
            not_before=int(str(claims["nbf"])),
        )


def issuer(cloud: Cloud, tenant_id: str, version: int) -> str:
    """Return the `iss` of the tenant's tokens in a version, 1 or 2."""
    if version == 1:
        return f"{cloud.issuer}/{tenant_id}/"
    return f"https://{cloud.authority_host}/{tenant_id}/v2.0"


def _opaque(size: int) -> str:
    """Return random text in place of a claim whose content only Entra ID can read."""
    return base64.urlsafe_b64encode(os.urandom(size)).rstrip(b"=").decode()
