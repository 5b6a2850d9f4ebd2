"""Agent identities: blueprint, agent and the agent's own user account, each vouched for by the one before."""

from typing import Any

import pytest
from support.entra import GRAPH, SECRET, Entra, claims_of, refusal
from werkzeug.test import TestResponse

from azcred_emulators.authority.grants import agent_identities, client_assertions
from azcred_emulators.directory import ADMIN_CONSENT, Application, User, contoso, identifiers

EXCHANGE = "api://AzureADTokenExchange/.default"
AGENT_ID = "5081ddac-3d33-4766-98fe-80c38c5ce554"


@pytest.fixture
def blueprint(entra: Entra) -> Application:
    """The application that developers make, with a secret."""
    return entra.add_web_app("blueprint", redirect_uris=())


@pytest.fixture
def agent(entra: Entra, blueprint: Application) -> Application:
    """An agent identity of the blueprint, without any credential of its own."""
    return entra.emulators.directory.add(
        Application(
            name="agent",
            tenant_id=contoso.TENANT.id,
            client_id=AGENT_ID,
            object_id=AGENT_ID,
            agent_blueprint=blueprint.client_id,
            permission_grants=(ADMIN_CONSENT,),
        )
    )


@pytest.fixture
def account(entra: Entra, agent: Application) -> User:
    """The agent's own user account."""
    return entra.add_user("agent", agent_identity=agent.client_id)


def first(entra: Entra, blueprint: Application, path: str = AGENT_ID) -> str:
    """Return the blueprint's token under an agent's name."""
    form = {"grant_type": "client_credentials", "client_id": blueprint.client_id, "client_secret": SECRET}
    return str(entra.post({**form, "scope": EXCHANGE, "fmi_path": path}).get_json()["access_token"])


def ask(entra: Entra, assertion: str, **changes: str) -> TestResponse:
    """Ask for a token as the agent, which the assertion is to prove."""
    form: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_id": AGENT_ID,
        "client_assertion_type": client_assertions.TYPE,
        "client_assertion": assertion,
        "scope": EXCHANGE,
    }
    return entra.post({**form, **changes})


def impersonate(entra: Entra, blueprint: Application, account: User, **changes: str) -> TestResponse:
    """Ask for a token for the agent's user account."""
    proof = first(entra, blueprint)
    own = ask(entra, proof).get_json()["access_token"]
    form = {"grant_type": "user_fic", "user_id": account.object_id, "scope": f"{GRAPH}/.default openid"}
    return ask(entra, proof, **{**form, "user_federated_identity_credential": own, **changes})


def test_the_name_of_an_agent_is_as_recorded() -> None:
    """Both ids are packed as Windows orders their bytes."""
    assert agent_identities.subject(
        "5369a35c-46a5-4677-8ff9-2e65587654e7", "9d17cc32-c91b-4368-8494-1b29ccb0dbcf", AGENT_ID
    ) == (f"/eid1/c/pub/t/XKNpU6VGd0aP-S5lWHZU5w/a/MswXnRvJaEOElBspzLDbzw/{AGENT_ID}")


def test_an_agent_acts_for_itself(entra: Entra, blueprint: Application, agent: Application) -> None:
    """With the token that its blueprint got in its name."""
    proof = first(entra, blueprint)
    assert claims_of(proof)["azp"] == blueprint.client_id
    assert claims_of(proof)["sub"].endswith(f"/{agent.client_id}")
    claims = claims_of(ask(entra, proof, scope=f"{GRAPH}/.default"))
    assert (claims["appid"], claims["oid"], claims["appidacr"]) == (AGENT_ID, AGENT_ID, "2")


def test_an_agent_acts_for_its_account(entra: Entra, blueprint: Application, account: User) -> None:
    """By object id or by name; the token is a user's."""
    response = impersonate(entra, blueprint, account)
    claims = claims_of(response)
    assert (claims["oid"], claims["appid"], claims["idtyp"]) == (account.object_id, AGENT_ID, "user")
    assert response.get_json()["id_token"]
    by_name = impersonate(entra, blueprint, account, user_id="", username=account.principal_name)
    assert claims_of(by_name)["oid"] == account.object_id


@pytest.mark.usefixtures("agent")
def test_another_name_does_not_do(entra: Entra, blueprint: Application) -> None:
    """A token in another agent's name, or of an app that is no blueprint of it."""
    assert refusal(ask(entra, first(entra, blueprint, "elsewhere"))) == (401, "invalid_client", 700213)
    assert refusal(ask(entra, first(entra, entra.add_web_app("other")))) == (401, "invalid_client", 700213)
    assert refusal(ask(entra, "nonsense"))[2] == 50027


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"user_id": identifiers.USER_ID}, 50013),
        ({"user_id": "nobody"}, 50034),
        ({"user_id": ""}, 90014),
        ({"user_federated_identity_credential": ""}, 900144),
        ({"user_federated_identity_credential": "nonsense"}, 50027),
        ({"client_assertion": ""}, 7000218),
    ],
)
def test_refusals(entra: Entra, blueprint: Application, account: User, changes: dict[str, Any], code: int) -> None:
    """Of another's account, and of what is missing."""
    assert refusal(impersonate(entra, blueprint, account, **changes))[2] == code


def test_the_blueprints_token_is_not_the_agents(entra: Entra, blueprint: Application, account: User) -> None:
    """It proves the client, and does not stand for the user."""
    refused = impersonate(entra, blueprint, account, user_federated_identity_credential=first(entra, blueprint))
    assert refusal(refused)[2] == 50013
