"""The password grant: every state that an account can be in, and what Entra ID says of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from support.entra import GRAPH, SECRET, VAULT, Entra, claims_of, refusal

from azcred_emulators.directory import ConditionalAccessPolicy, Mfa, PermissionGrant, Tenant, User, contoso, identifiers
from azcred_emulators.directory.entities import CONSUMERS_TENANT_ID


def test_the_right_password_gets_the_users_tokens(entra: Entra) -> None:
    """Access token, id token and refresh token, each of this user."""
    body = entra.password(entra.user, client_info="1").get_json()
    assert body["token_type"] == "Bearer"
    assert body["scope"].split() == ["openid", "profile", f"{GRAPH}/User.Read", f"{GRAPH}/.default"]
    assert body["refresh_token"]
    assert body["client_info"]
    assert body["foci"] == "1"
    access, identity = claims_of(body["access_token"]), claims_of(body["id_token"])
    assert access["oid"] == identity["oid"] == entra.user.object_id
    assert identity["aud"] == identifiers.AZURE_CLI_CLIENT_ID


@dataclass(frozen=True)
class State:
    """A user's state, and how it is refused."""

    of: str
    code: int
    error: str = "invalid_grant"
    suberror: str | None = None
    user: dict[str, Any] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)


STATES = [
    State("unknown", 50034, form={"username": "nobody@contoso.com"}),
    State("of another domain", 50034, form={"username": "nobody@fabrikam.com"}),
    State("wrong password", 50126, form={"password": "wrong"}),
    State("no password in store", 50056, user={"password": ""}, form={"password": "x"}),
    State("disabled", 50057, user={"enabled": False}),
    State("disabled, wrong password", 50057, user={"enabled": False}, form={"password": "wrong"}),
    State("locked", 50053, user={"locked": True}),
    State("expired password", 50055, suberror="user_password_expired", user={"password_expired": True}),
    State("expired and wrong password", 50126, user={"password_expired": True}, form={"password": "wrong"}),
    State("second factor enforced", 50076, suberror="basic_action", user={"mfa": Mfa.ENFORCED}),
    State("second factor to be registered", 50079, suberror="basic_action", user={"mfa": Mfa.ENABLED}),
    State("guest", 50020, user={"tenant_id": CONSUMERS_TENANT_ID}),
    State("no user name", 90014, error="invalid_request", form={"username": None}),
    State("no password sent", 90014, error="invalid_request", form={"password": None}),
    State("several resources", 700022, error="invalid_request", form={"scope": f"{GRAPH}/.default {VAULT}/.default"}),
    State("malformed scope", 70011, error="invalid_scope", form={"scope": "<b>"}),
    State("a resource for a scope", 70011, error="invalid_scope", form={"scope": GRAPH}),
    State("default and more", 70011, error="invalid_scope", form={"scope": f"{GRAPH}/.default {GRAPH}/User.Read"}),
    State("unknown resource", 500011, error="invalid_resource", form={"scope": "api://typo/.default"}),
    State("resource at version 2", 901002, error="invalid_request", form={"resource": GRAPH}),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.of)
def test_an_accounts_state_has_its_code(state: State, entra: Entra) -> None:
    """The state that causes it in Entra ID is what a test sets here; the password is nowhere in the answer."""
    user = entra.add_user(**{"password": "p4ssw0rd-of-ada", **state.user})
    response = entra.password(user, **state.form)
    assert refusal(response) == (400, state.error, state.code)
    assert response.get_json().get("suberror") == state.suberror
    [entry] = entra.emulators.journal.requests()
    assert entry.error == f"AADSTS{state.code}"
    assert "p4ssw0rd" not in response.text + repr(entry)


def test_the_codes_of_clients(entra: Entra) -> None:
    """A client must be known, enabled, of the tenant, and prove who it is unless it is public."""
    shop = entra.add_web_app()
    closed = entra.add_web_app("closed", enabled=False)
    elsewhere = entra.add_web_app("elsewhere", tenant_id="88888888-8888-4888-8888-888888888888")
    public = entra.add_web_app("public", secrets=(), public_client=True)

    def ask(client_id: str | None, **changes: Any) -> tuple[int, str, int]:
        return refusal(entra.password(entra.user, client_id=client_id, **changes))

    assert ask("8" * 8) == (400, "unauthorized_client", 700016)
    assert ask(elsewhere.client_id) == (400, "unauthorized_client", 700016)
    assert ask(identifiers.VIRTUAL_MACHINE_CLIENT_ID) == (400, "unauthorized_client", 700016)
    assert ask(closed.client_id) == (400, "unauthorized_client", 7000112)
    assert ask(shop.client_id) == (401, "invalid_client", 7000218)
    assert ask(shop.client_id, client_secret="wrong") == (401, "invalid_client", 7000215)
    assert ask(public.client_id, client_secret=SECRET) == (401, "invalid_client", 700025)
    assert ask(None) == (400, "invalid_request", 900144)
    assert entra.password(entra.user, client_id=shop.client_id, client_secret=SECRET).status_code == 200


def test_the_tenant_is_found_from_the_user(entra: Entra) -> None:
    """`organizations` stands for the user's own tenant; the grant is refused where personal accounts are."""
    claims = claims_of(entra.password(entra.user, tenant="organizations"))
    assert claims["tid"] == contoso.TENANT.id
    assert claims["iss"] == f"https://sts.windows.net/{contoso.TENANT.id}/"
    for tenant in ("common", "consumers"):
        assert refusal(entra.password(entra.user, tenant=tenant)) == (400, "invalid_grant", 9001023)


def test_a_single_tenant_application_has_no_shared_endpoint(entra: Entra) -> None:
    """An application that is only for its own tenant must be asked for there."""
    app = entra.add_web_app("own", public_client=True)
    response = entra.password(entra.user, tenant="organizations", client_id=app.client_id)
    assert refusal(response) == (400, "invalid_request", 50194)


def test_a_guest_signs_in_where_they_are_invited(entra: Entra) -> None:
    """The token is of the inviting tenant; the account stays that of the home tenant."""
    fabrikam = entra.emulators.directory.add(Tenant("88888888-8888-4888-8888-888888888888", ("fabrikam.com",)))
    guest = entra.add_user("grace", guest_in=(fabrikam.id,))
    assert claims_of(entra.password(guest, tenant="fabrikam.com"))["tid"] == fabrikam.id
    assert claims_of(entra.password(guest, tenant="fabrikam.com"))["acct"] == 1
    assert refusal(entra.password(entra.user, tenant="fabrikam.com"))[2] == 50020


def test_consent_is_what_was_granted(entra: Entra) -> None:
    """A missing scope is refused; a user's consent is theirs alone, an administrator's everybody's."""
    directory = entra.emulators.directory
    app = entra.add_web_app("reader", public_client=True, permission_grants=(PermissionGrant(GRAPH, ("User.Read",)),))
    ada = entra.add_user()

    def ask(user: User, scope: str) -> Any:
        return entra.password(user, client_id=app.client_id, scope=scope)

    assert claims_of(ask(ada, f"{GRAPH}/.default"))["scp"] == "User.Read"
    assert claims_of(ask(ada, "User.Read"))["scp"] == "User.Read"
    refused = ask(ada, "User.Read Mail.Read")
    assert refusal(refused) == (400, "invalid_grant", 65001)
    assert refused.get_json()["suberror"] == "consent_required"
    directory.consent(app, GRAPH, ["Mail.Read"], user=ada)
    assert claims_of(ask(ada, "User.Read Mail.Read"))["scp"] == "User.Read Mail.Read"
    assert refusal(ask(entra.user, "Mail.Read"))[2] == 65001
    assert refusal(ask(ada, f"{VAULT}/.default"))[2] == 65001
    directory.consent(app, VAULT, ["user_impersonation"])
    assert claims_of(ask(entra.user, f"{VAULT}/.default"))["scp"] == "user_impersonation"


def test_an_api_decides_what_can_be_asked_for(entra: Entra) -> None:
    """Scopes that it does not have, that an administrator must grant, or that the client did not register for."""
    api = entra.add_api(admin_consent_scopes=("Orders.Write",))
    app = entra.add_web_app(
        "cart", public_client=True, permission_grants=(), required_resource_access=("api://orders",)
    )

    def ask(scope: str) -> tuple[int, str, int]:
        return refusal(entra.password(entra.user, client_id=app.client_id, scope=scope))

    assert ask("api://orders/Orders.Delete") == (400, "invalid_client", 650053)
    assert ask("api://orders/Orders.Write") == (400, "invalid_grant", 90094)
    assert ask("api://orders/Orders.Read") == (400, "invalid_grant", 65001)
    assert ask("api://orders/.default") == (400, "invalid_grant", 65001)
    assert ask(f"{VAULT}/.default") == (400, "invalid_resource", 650057)
    entra.emulators.directory.replace(api, enabled=False)
    assert ask("api://orders/Orders.Read") == (400, "invalid_resource", 50001)


@pytest.mark.parametrize(
    ("policy", "code", "suberror"),
    [
        ({"built_in_controls": ("block",)}, 53003, "message_only"),
        ({"built_in_controls": ("mfa",)}, 50076, "basic_action"),
        ({"built_in_controls": ("compliantDevice",)}, 53000, "message_only"),
        ({"built_in_controls": ("domainJoinedDevice",)}, 53001, "message_only"),
        ({"token_protection": True}, 530084, "protection_policy_required"),
    ],
)
def test_conditional_access_is_data(entra: Entra, policy: dict[str, Any], code: int, suberror: str) -> None:
    """A policy for the resource and user refuses with its code and the claims that name it; another does not."""
    directory = entra.emulators.directory
    held = directory.add(
        ConditionalAccessPolicy(name="p", tenant_id=contoso.TENANT.id, include_applications=(VAULT,), **policy)
    )
    response = entra.password(entra.user, scope=f"{VAULT}/.default")
    assert refusal(response) == (400, "invalid_grant", code)
    body = response.get_json()
    assert body["suberror"] == suberror
    assert held.id in body["claims"]
    assert entra.password(entra.user, scope=f"{GRAPH}/.default").status_code == 200
    directory.replace(held, include_users=("99999999-9999-4999-8999-999999999999",))
    assert entra.password(entra.user, scope=f"{VAULT}/.default").status_code == 200
    directory.replace(held, include_users=(entra.user.object_id,))
    assert refusal(entra.password(entra.user, scope=f"{VAULT}/.default"))[2] == code
    directory.replace(held, enabled=False)
    assert entra.password(entra.user, scope=f"{VAULT}/.default").status_code == 200


def test_a_sign_in_frequency_does_not_concern_a_fresh_sign_in(entra: Entra) -> None:
    """It is about refresh tokens."""
    entra.emulators.directory.add(
        ConditionalAccessPolicy(name="hourly", tenant_id=contoso.TENANT.id, sign_in_frequency=timedelta(hours=1))
    )
    assert entra.password(entra.user).status_code == 200


def test_security_defaults_block_passwords_alone(entra: Entra) -> None:
    """The tenant's setting."""
    entra.emulators.directory.replace(contoso.TENANT, security_defaults=True)
    assert refusal(entra.password(entra.user)) == (400, "invalid_grant", 530035)


def test_the_v1_endpoint_takes_a_resource(entra: Entra) -> None:
    """Every value is a string; a refresh token and an id token come unasked."""
    form: dict[str, str | None] = {
        "grant_type": "password",
        "client_id": identifiers.AZURE_CLI_CLIENT_ID,
        "username": entra.user.principal_name,
        "password": entra.user.password,
        "resource": "https://management.core.windows.net/",
    }
    body = entra.post(form, path="oauth2/token").get_json()
    assert all(isinstance(value, str) for value in body.values())
    assert body["resource"] == "https://management.core.windows.net/"
    assert body["scope"] == "user_impersonation"
    assert body["refresh_token"]
    assert claims_of(body["access_token"])["aud"] == "https://management.core.windows.net/"
    identity = claims_of(body["id_token"])
    assert identity["ver"] == "1.0"
    assert identity["upn"] == entra.user.principal_name


def test_a_user_signs_in_by_name(entra: Entra) -> None:
    """In any case, but not by object id."""
    assert entra.password(entra.user, username=identifiers.USER_PRINCIPAL_NAME.upper()).status_code == 200
    assert refusal(entra.password(entra.user, username=identifiers.USER_ID))[2] == 50034
