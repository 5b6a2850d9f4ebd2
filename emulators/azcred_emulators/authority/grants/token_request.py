"""A request to the token endpoint as the grants see it: its form and its tenant, without HTTP."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from azcred_emulators.authority.context import AuthorityContext
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import scopes
from azcred_emulators.authority.grants.scopes import Access
from azcred_emulators.clouds import Cloud
from azcred_emulators.directory import Directory, Tenant
from azcred_emulators.tokens import Tokens
from azcred_emulators.tokens.claims import CAE_CAPABILITY


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a grant needs to decide.

    `version` is that of the endpoint (1 or 2), `now` is epoch seconds. `tenant` is None where `tenant_name` is one
    of the names that several tenants share; else `tenant_name` is the tenant's GUID. `origin` is the web page that
    sends the request, if a browser does.
    """

    form: Mapping[str, str]
    server_name: str
    version: int
    tenant_name: str
    tenant: Tenant | None
    cloud: Cloud
    now: float
    origin: str | None
    context: AuthorityContext

    @property
    def directory(self) -> Directory:
        """The emulated tenants."""
        return self.context.directory

    @property
    def tokens(self) -> Tokens:
        """What mints tokens."""
        return self.context.tokens

    def required(self, parameter: str) -> str:
        """Return a form parameter; raises EntraError if it is missing or empty."""
        value = self.form.get(parameter)
        if not value:
            raise EntraError(90014 if parameter in _OF_THE_CREDENTIAL else 900144, parameter=parameter)
        return value

    def one_tenant(self) -> Tenant:
        """Return the tenant; raises EntraError if the request leaves open which."""
        if self.tenant is None:
            raise EntraError(50059)
        return self.tenant

    def requested_access(self, *, scope: str | None = None, resource: str | None = None) -> Access:
        """Return what the request asks for, else what an earlier one did; raises EntraError if neither says."""
        if self.version == 1:
            name = self.form.get("resource") or resource or self.required("resource")
            return scopes.read_resource(name, self.form.get("scope") or "")
        if self.form.get("resource"):
            raise EntraError(901002)
        return scopes.read_scope(self.form.get("scope") or scope or self.required("scope"))

    def claims(self) -> "ClaimsRequest":
        """Return what the parameter `claims` asks for; raises EntraError if it is malformed."""
        return read_claims(self.form.get("claims"))


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What a client asks of its access token: `capabilities` that it has, and not to be older than `not_before`."""

    capabilities: tuple[str, ...] = ()
    not_before: float = 0.0


_OF_THE_CREDENTIAL = ("scope", "username", "password")
_NO_CLAIMS = ClaimsRequest()


def read_claims(text: str | None) -> ClaimsRequest:
    """Read the parameter `claims`: client capabilities, merged by the client with a resource's claims challenge.

    Raises EntraError if it is no JSON object of the form that OpenID Connect gives it. Clients write "CP1", some
    "cp1"; what they ask for beyond these two is theirs.
    """
    if not text:
        return _NO_CLAIMS
    try:
        access_token = json.loads(text).get("access_token") or {}
        values = (access_token.get("xms_cc") or {}).get("values") or ()
        since = float((access_token.get("nbf") or {}).get("value") or 0)
        if not math.isfinite(since):
            raise ValueError(since)
        capable = any(str(value).upper() == CAE_CAPABILITY for value in values)
        return ClaimsRequest((CAE_CAPABILITY,) if capable else (), since)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise EntraError(9002313) from error
