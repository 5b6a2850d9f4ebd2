"""The token service as a developer tool's msal reaches it, and what it answers instead of a token.

A tool's requests to the token service stay in the process of the emulators: what an application or a user may not do
elsewhere, it may not do through a tool either, and it gets the same error.
"""

import json
import uuid
from collections.abc import Callable, Mapping

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants.grant_types import GRANTS
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.authority.service import Authority
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import PUBLIC
from azcred_emulators.directory import Directory
from azcred_emulators.emulation.script import Faults
from azcred_emulators.hosts.host import Host
from azcred_emulators.tokens.claims import CAE_CAPABILITY

Details = dict[str, object]
ClientCredentials = Callable[[str], Mapping[str, str]]  # from the tenant to the fields that authenticate a client


class IdentityNotAssigned(Exception):
    """The machine does not have this managed identity, or none at all."""

    def __init__(self) -> None:
        super().__init__("Identity not found")


class TokenServiceFailed(Exception):
    """The token service answers with a status such as 503 and nothing else that a tool can use."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP Error: {status}")
        self.status = status


TokenError = EntraError | TokenServiceFailed


class TokenClient:
    """Requests tokens for a tool, whose client id is `client_id`, from the token service or from a host.

    `host` is where the tool finds managed identities. `token_errors` are what the token service answers to the tool's
    next requests, for every account: `token_errors.add(EntraError(50076))`. For a token that is still in the tool's
    cache there is no request.
    """

    def __init__(self, authority: Authority, host: Host, clock: Clock, client_id: str) -> None:
        self.authority = authority
        self.host = host
        self.clock = clock
        self.client_id = client_id
        self.token_errors: Faults[TokenError] = Faults()

    @property
    def directory(self) -> Directory:
        """The emulated tenants."""
        return self.authority.context.directory

    def redeem(
        self, grant: str, tenant: str, form: Mapping[str, str], details: Details, *, claims: str | None = None
    ) -> TokenResponse:
        """Answer a request of the tool to the token service, as a client that understands claims challenges.

        `claims` is the JSON of such a challenge. Raises EntraError or TokenServiceFailed.
        """
        if error := self.token_errors.take():
            raise error
        tenant_name, entity = self.authority.find_tenant(tenant)
        details["tenant"] = tenant_name
        common = {
            "grant_type": grant,
            "client_id": self.client_id,
            "claims": with_capabilities(claims),
            "client_info": "1",
        }
        request = TokenRequest(
            form={**common, **form},
            server_name=PUBLIC.authority_host,
            version=2,
            tenant_name=tenant_name,
            tenant=entity,
            cloud=PUBLIC,
            now=self.clock.now(),
            origin=None,
            context=self.authority.context,
        )
        details.update(GRANTS[grant].describe(request))
        return GRANTS[grant].respond(request)

    def error_body(self, error: EntraError) -> Mapping[str, object]:
        """Return an error as the token service sends it: with the ids and the time of the request."""
        return error.body(now=self.clock.now(), trace_id=str(uuid.uuid4()), correlation_id=str(uuid.uuid4()))

    def error_description(self, error: EntraError) -> str:
        """Return the text of an error as the token service sends it."""
        return str(self.error_body(error)["error_description"])


def with_capabilities(claims: str | None) -> str:
    """Return the parameter `claims` of a client that understands claims challenges; `claims` is that of a challenge.

    Raises EntraError if that is not a JSON object.
    """
    try:
        request = json.loads(claims or "{}")
        request.setdefault("access_token", {})["xms_cc"] = {"values": [CAE_CAPABILITY]}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise EntraError(9002313) from error
    return json.dumps(request)


def delegated_scope(scope: str) -> str:
    """Return the scope that msal asks for on behalf of a user."""
    return f"{scope} offline_access openid profile"
