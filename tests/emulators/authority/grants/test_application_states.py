"""An application that acts for itself: the states of it, of its secrets and of its tenant that decide."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.entra import AUTHORITY, SECRET, VAULT, claims_of, refusal
from werkzeug.test import Client, TestResponse

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.service import Authority
from azcred_emulators.directory import Application, ClientSecret, ConditionalAccessPolicy, Tenant, contoso
from azcred_emulators.emulators import Emulators

Ask = Callable[..., TestResponse]
FABRIKAM = Tenant("88888888-8888-4888-8888-888888888888", ("fabrikam.com",), "Fabrikam")


def test_a_secret_starts_to_be_valid(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """Before that it is as good as wrong."""
    later = ClientSecret(SECRET, starts=emulators.clock.now() + 60)
    emulators.directory.replace(application, secrets=(later,))
    assert refusal(ask_token(client_secret=SECRET)) == (401, "invalid_client", 7000215)
    emulators.clock.advance(minutes=1)
    assert ask_token(client_secret=SECRET).status_code == 200


def test_one_of_two_secrets_is_enough(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """While secrets are rotated both are valid, and the same value may be there twice."""
    now = emulators.clock.now()
    old, new = ClientSecret(SECRET, expires=now - 1), ClientSecret(SECRET)
    emulators.directory.replace(application, secrets=(old, new))
    assert ask_token(client_secret=SECRET).status_code == 200


def test_a_disabled_application(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """Whatever its secret."""
    emulators.directory.replace(application, enabled=False)
    assert refusal(ask_token()) == (400, "unauthorized_client", 7000112)


def test_a_disabled_resource(ask_token: Ask, emulators: Emulators) -> None:
    """Nobody gets tokens for it."""
    emulators.directory.add(
        Application(name="o", tenant_id=contoso.TENANT.id, identifier_uris=("api://o",), enabled=False)
    )
    assert refusal(ask_token(scope="api://o/.default")) == (400, "invalid_resource", 50001)


def test_a_public_client_has_no_secret(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """It must not send one, and can do nothing for itself."""
    emulators.directory.replace(application, secrets=(), public_client=True)
    assert refusal(ask_token()) == (401, "invalid_client", 700025)
    assert refusal(ask_token(client_secret=None)) == (401, "invalid_client", 7000216)


def test_other_tenants_must_have_installed_it(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """A single-tenant application is not known there, a multi-tenant one lacks its service principal."""
    fabrikam = emulators.directory.add(FABRIKAM)
    url = f"/{fabrikam.id}/oauth2/v2.0/token"
    assert refusal(ask_token(url)) == (400, "unauthorized_client", 700016)
    application = emulators.directory.replace(application, multi_tenant=True)
    assert refusal(ask_token(url)) == (401, "invalid_client", 7000229)
    emulators.directory.replace(application, service_principal_in=(fabrikam.id,))
    assert claims_of(ask_token(url))["tid"] == fabrikam.id


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers"])
def test_no_tenant_is_implied(ask_token: Ask, tenant: str) -> None:
    """An application has no home that could be looked up (the code is UNVERIFIED in the protocol notes)."""
    assert refusal(ask_token(f"/{tenant}/oauth2/v2.0/token")) == (400, "invalid_request", 50059)


def test_conditional_access_for_workload_identities(
    ask_token: Ask, emulators: Emulators, application: Application
) -> None:
    """A policy that blocks it, and one that only concerns users."""
    add = emulators.directory.add
    add(ConditionalAccessPolicy(name="users", tenant_id=contoso.TENANT.id, built_in_controls=("block",)))
    assert ask_token().status_code == 200
    policy = add(
        ConditionalAccessPolicy(
            name="apps",
            tenant_id=contoso.TENANT.id,
            include_users=(),
            include_service_principals=(application.object_id,),
            built_in_controls=("block",),
        )
    )
    refused = ask_token()
    assert refusal(refused)[2] == 53003
    assert policy.id in refused.get_json()["claims"]


def test_a_capable_application_gets_a_long_lived_token(ask_token: Ask) -> None:
    """Continuous access evaluation is for workload identities, too."""
    response = ask_token(claims=json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}}))
    assert response.get_json()["refresh_in"] in (43199, 43200)
    assert claims_of(response)["xms_cc"] == ["CP1"]


def test_throttling_says_how_long_to_wait(
    ask_token: Ask, client: Client, emulators: Emulators, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that a script raises has its status and header, and echoes the client's request id."""

    def busy(*_: Any) -> None:
        raise EntraError(90055, retry_after=7)

    monkeypatch.setattr(Authority, "_read", busy)
    response = ask_token()
    assert refusal(response) == (429, "temporarily_unavailable", 90055)
    assert response.headers["Retry-After"] == "7"
    own = "99999999-9999-4999-8999-999999999999"
    sent = {"data": {"grant_type": "password"}, "headers": {"client-request-id": own}}
    echoed = client.post("/common/oauth2/v2.0/token", base_url=AUTHORITY, **sent)
    assert echoed.get_json()["correlation_id"] == own
    assert VAULT not in echoed.text
