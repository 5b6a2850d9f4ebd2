"""The journal and the criteria of faults agree on who asks for what, whatever the grant."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from support.entra import GRAPH, REDIRECT, SECRET, VAULT, Entra
from werkzeug.test import TestResponse

from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.authority.grants.grant_types import GRANTS
from azcred_emulators.directory import ADMIN_CONSENT, Application, User, contoso
from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulation.script import CRITERIA
from azcred_emulators.faults import Status
from azcred_emulators.tokens import saml_assertions

DOMAIN = "fabrikam.com"
SCOPE = f"{GRAPH}/User.Read offline_access"


@dataclass(frozen=True)
class World:
    """The token service, with a client and a user for every grant."""

    entra: Entra
    shop: Application
    api: Application
    blueprint: Application
    agent: Application
    agent_user: User
    federated_user: User

    def token(self, **form: str | None) -> str:
        """Return the access token for a form."""
        response = self.entra.post(form)
        assert response.status_code == 200, response.text
        return str(response.get_json()["access_token"])


@pytest.fixture
def world(entra: Entra) -> World:
    """A directory with all of them."""
    entra.emulators.adfs.federate(DOMAIN)
    blueprint = entra.add_web_app("blueprint", redirect_uris=())
    agent = Application(
        name="agent",
        tenant_id=contoso.TENANT.id,
        client_id="5081ddac-3d33-4766-98fe-80c38c5ce554",
        agent_blueprint=blueprint.client_id,
        permission_grants=(ADMIN_CONSENT,),
    )
    return World(
        entra=entra,
        shop=entra.add_web_app(public_client=True),
        api=entra.add_api(permission_grants=(ADMIN_CONSENT,)),
        blueprint=blueprint,
        agent=entra.emulators.directory.add(agent),
        agent_user=entra.add_user("agent", agent_identity=agent.client_id),
        federated_user=entra.add_user("ada", principal_name=f"ada@{DOMAIN}"),
    )


Form = dict[str, str | None]


def confidential(application: Application, **fields: str) -> Form:
    """Return the form of a client that sends its secret."""
    return {"client_id": application.client_id, "client_secret": SECRET, **fields}


def authorization_code(world: World) -> Form:
    """Redeem a code, for what was asked for at `/authorize`."""
    code = world.entra.authorize(world.shop)["code"]
    return confidential(world.shop, code=code, redirect_uri=REDIRECT)


def client_credentials(world: World) -> Form:
    """Ask as an application, for itself."""
    return confidential(world.shop, scope=f"{VAULT}/.default")


def device_code(world: World) -> Form:
    """Poll after the user has approved, in the name that version 2 gives the grant."""
    authority = world.entra.emulators.authority
    client_id = world.entra.cli.client_id
    flow = world.entra.post({"client_id": client_id, "scope": SCOPE}, path="oauth2/v2.0/devicecode").get_json()
    authority.context.device_codes.approve(flow["user_code"], authority.sign_in(world.entra.user))
    return {"client_id": client_id, "device_code": flow["device_code"]}


def password(world: World) -> Form:
    """Sign in with a name, written in another case than in the directory."""
    user = world.entra.user
    return {
        "client_id": world.entra.cli.client_id.upper(),
        "username": user.principal_name.upper(),
        "password": user.password,
        "scope": SCOPE,
    }


def refresh_token(world: World) -> Form:
    """Go on, for the scope of the sign-in."""
    return confidential(world.shop, refresh_token=world.entra.sign_in(world.shop)["refresh_token"])


def agent_credentials(world: World) -> Form:
    """Return what proves an agent identity: its blueprint's token."""
    blueprint = confidential(world.blueprint, grant_type="client_credentials", fmi_path=world.agent.client_id)
    return {
        "client_id": world.agent.client_id,
        "client_assertion_type": client_assertions.TYPE,
        "client_assertion": world.token(**{**blueprint, "scope": "api://AzureADTokenExchange/.default"}),
    }


def user_fic(world: World) -> Form:
    """Ask as an agent identity, for its user account."""
    proof = agent_credentials(world)
    own = world.token(**{**proof, "grant_type": "client_credentials", "scope": "api://AzureADTokenExchange/.default"})
    return {
        **proof,
        "user_id": world.agent_user.object_id,
        "user_federated_identity_credential": own,
        "scope": f"{GRAPH}/.default",
    }


def on_behalf_of(world: World) -> Form:
    """Exchange the token that a user's client has sent to the API."""
    token = world.entra.sign_in(world.shop, scope="api://orders/Orders.Read")["access_token"]
    scope = f"{GRAPH}/User.Read"
    return confidential(world.api, assertion=token, requested_token_use="on_behalf_of", scope=scope)


def saml_bearer(world: World) -> Form:
    """Bring the assertion of a federated domain's AD FS."""
    assertion = saml_assertions.issue(
        world.entra.emulators.adfs.key,
        issuer=f"http://sts.{DOMAIN}/adfs/services/trust",
        upn=world.federated_user.principal_name,
        immutable_id="x",
        now=world.entra.emulators.clock.now(),
    )
    encoded = base64.urlsafe_b64encode(assertion.encode()).decode()
    return {"client_id": world.entra.cli.client_id, "assertion": encoded, "scope": f"{GRAPH}/.default"}


FORMS: Mapping[str, Callable[[World], Form]] = {
    "authorization_code": authorization_code,
    "client_credentials": client_credentials,
    "device_code": device_code,
    "password": password,
    "refresh_token": refresh_token,
    "urn:ietf:params:oauth:grant-type:device_code": device_code,
    "user_fic": user_fic,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": on_behalf_of,
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer": saml_bearer,
}
IDENTITIES = {"client_credentials": "shop", "user_fic": "agent@contoso.com"}
IDENTITIES |= {"urn:ietf:params:oauth:grant-type:saml1_1-bearer": f"ada@{DOMAIN}"}
PROVIDERS = {"client_credentials": "environment", "password": "environment"}
PROVIDERS |= {
    "authorization_code": "interactive-browser",
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer": "environment",
}


def send(world: World, grant: str, **changes: str | None) -> tuple[TestResponse, JournalEntry]:
    """Send a request of a grant, prepared anew, and return the answer and the journal's entry."""
    form = {"grant_type": grant, **FORMS[grant](world), **changes}
    response = world.entra.post(form)
    return response, world.entra.emulators.journal.requests()[-1]


def criteria_of(entry: JournalEntry) -> dict[str, Any]:
    """Return everything by which a fault can be chosen, as an entry shows it."""
    return {name: getattr(entry, name) for name in CRITERIA}


@pytest.fixture(params=GRANTS)
def grant(request: pytest.FixtureRequest) -> str:
    """Every grant of the token endpoint; one without a form here fails."""
    return str(request.param)


def test_a_fault_with_what_the_journal_shows_happens(world: World, grant: str) -> None:
    """The journal says who was given a token for what, and a fault with just that stops the next such request."""
    response, entry = send(world, grant)
    assert response.status_code == 200, response.text
    assert (entry.identity, entry.provider) == (IDENTITIES.get(grant, "dana@contoso.com"), PROVIDERS.get(grant))
    assert (entry.tenant, entry.grant) == (contoso.TENANT.id, grant)
    assert entry.client_id
    assert entry.resource
    assert entry.scope
    world.entra.emulators.authority.faults.add(Status(503), **criteria_of(entry))
    response, stopped = send(world, grant)
    assert (response.status_code, stopped.fault) == (503, "Status")
    assert criteria_of(stopped) == criteria_of(entry)
    assert send(world, grant)[0].status_code == 200


@pytest.mark.parametrize("changes", [{"scope": "$"}, {"client_id": "nobody"}, {"client_secret": "wrong"}], ids=str)
def test_a_refused_request_is_described_alike(world: World, grant: str, changes: dict[str, str]) -> None:
    """What cannot be read from a request is missing in the journal and for faults."""
    response, entry = send(world, grant, **changes)
    assert response.status_code >= 400
    world.entra.emulators.authority.faults.add(Status(503), **criteria_of(entry))
    response, stopped = send(world, grant, **changes)
    assert (response.status_code, stopped.fault) == (503, "Status")
    assert criteria_of(stopped) == criteria_of(entry)


@pytest.mark.parametrize("name", ["identity", "client_id", "resource", "scope", "tenant", "provider"])
def test_a_fault_for_somebody_else_does_not_happen(world: World, grant: str, name: str) -> None:
    """One criterion that differs is enough."""
    _, entry = send(world, grant)
    other = "managed-identity" if name == "provider" else "other"
    world.entra.emulators.authority.faults.add(Status(503), optional=True, **{**criteria_of(entry), name: other})
    assert send(world, grant)[0].status_code == 200


@pytest.mark.parametrize("version", ["v2.0/", ""])
@pytest.mark.parametrize("endpoint", ["authorize", "devicecode"])
def test_what_comes_before_a_token_is_described_alike(world: World, endpoint: str, version: str) -> None:
    """A fault with what the journal shows of the first step of a sign-in happens, too."""
    form = {"client_id": world.shop.client_id, "response_type": "code", "redirect_uri": REDIRECT}
    form |= {"scope": SCOPE} if version else {"resource": GRAPH}

    def start() -> tuple[int, JournalEntry]:
        response = world.entra.post(dict(form), path=f"oauth2/{version}{endpoint}")
        return response.status_code, world.entra.emulators.journal.requests()[-1]

    status, entry = start()
    assert status == 200
    assert (entry.client_id, entry.resource, entry.tenant) == (world.shop.client_id, GRAPH, contoso.TENANT.id)
    world.entra.emulators.authority.faults.add(Status(503), **criteria_of(entry))
    assert start()[0] == 503
