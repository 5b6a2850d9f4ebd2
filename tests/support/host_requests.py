"""Requests to the hosts of managed identities over HTTP, as an app that runs there makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
import requests

from azcred_emulators.directory import ManagedIdentity, contoso, identifiers
from azcred_emulators.hosts.endpoint import Endpoint
from pytest_azcred.azcred import Azcred

VAULT = "https://vault.azure.net"


@dataclass(frozen=True)
class Ask:
    """A request for a token that a host grants; keywords change it."""

    url: str
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self,
        query: Mapping[str, str | None] | None = None,
        *,
        form: Mapping[str, str | None] | None = None,
        headers: Mapping[str, str | None] | None = None,
        method: str | None = None,
        path: str | None = None,
    ) -> requests.Response:
        """Send the request; what is named replaces a field of it, None leaves one out."""
        url = self.url if path is None else self.url.rpartition("/")[0] + path
        return requests.request(
            method or self.method,
            url,
            params=_changed(self.query, query),
            data=_changed(self.form, form),
            headers=_changed(self.headers, headers),
            verify=False,  # the certificate of Service Fabric is known by its thumbprint, not by who has issued it
            timeout=10,
        )


def _changed(values: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    merged = {**values, **(changes or {})}
    return {name: value for name, value in merged.items() if value is not None}


def claims_of(response: requests.Response) -> dict[str, object]:
    """Read the claims of the token that an answer holds."""
    assert response.status_code == 200, response.text
    claims: dict[str, object] = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
    return claims


def user_assigned(azcred: Azcred, host: Endpoint, name: str) -> ManagedIdentity:
    """Assign a new user-assigned identity to a host."""
    identity = azcred.directory.add(
        ManagedIdentity(
            name=name,
            tenant_id=contoso.TENANT.id,
            resource_id=f"{identifiers.RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
        )
    )
    azcred.directory.assign(host.name, identity)
    return identity


def unassign_all(azcred: Azcred, host: Endpoint) -> None:
    """Take every identity away from a host."""
    azcred.directory.unassign(host.name, *azcred.directory.assigned(host.name))
