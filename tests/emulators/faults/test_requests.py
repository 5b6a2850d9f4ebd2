"""Faults of the token service, which are for some requests and leave the others alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.entra import AUTHORITY, Entra
from werkzeug.test import Client

from azcred_emulators.directory import contoso, identifiers
from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.emulation.script import Faults
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import Status

VAULT_SCOPE = "https://vault.azure.net/.default"


@pytest.fixture
def entra(azcred_emulators: Emulators) -> Iterator[Entra]:
    """A client of the token service, one method a request."""
    yield Entra(azcred_emulators, Client(azcred_emulators.application))
    azcred_emulators.reset()


@pytest.fixture
def faults(entra: Entra) -> Faults[RequestFault]:
    """The token service's script."""
    return entra.emulators.authority.faults


def test_documents_come_before_and_are_left_alone(entra: Entra, faults: Faults[RequestFault]) -> None:
    """A fault is for tokens unless it says otherwise."""
    documents = f"/{contoso.TENANT.id}/v2.0/.well-known/openid-configuration"
    faults.add(Status(503))
    faults.add(Status(504), operation="openid-configuration", nth=2)
    statuses = [entra.client.get(documents, base_url=AUTHORITY).status_code for _ in range(3)]
    assert statuses == [200, 504, 200]
    assert entra.password(entra.user).status_code == 503
    assert entra.password(entra.user).status_code == 200


CHOICES: list[dict[str, Any]] = [
    {"grant": "refresh_token"},
    {"resource": "https://vault.azure.net"},
    {"grant": "refresh_token", "identity": identifiers.USER_PRINCIPAL_NAME},
    {"scope": VAULT_SCOPE},
    {"provider": None},
]


@pytest.mark.parametrize("criteria", CHOICES, ids=str)
def test_a_fault_chooses_its_request(entra: Entra, faults: Faults[RequestFault], criteria: dict[str, Any]) -> None:
    """By grant, resource, identity or provider; what it applies to is not redeemed, and can be sent again."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    faults.add(Status(500), **criteria)
    assert entra.password(entra.user).status_code == 200
    assert entra.refresh(shop, token, scope=VAULT_SCOPE).status_code == 500
    assert entra.refresh(shop, token, scope=VAULT_SCOPE).status_code == 200
    (met,) = entra.emulators.journal.requests(fault="Status")
    assert (met.grant, met.resource, met.identity) == (
        "refresh_token",
        "https://vault.azure.net",
        identifiers.USER_PRINCIPAL_NAME,
    )


def test_the_journal_says_who_met_a_fault(entra: Entra, faults: Faults[RequestFault]) -> None:
    """As far as the request says it, even if it would be refused."""
    faults.add(Status(500), times=3)
    client = identifiers.SERVICE_PRINCIPAL_CLIENT_ID
    form: dict[str, str | None] = {"grant_type": "client_credentials", "client_id": client, "client_secret": "wrong"}
    entra.post({**form, "scope": VAULT_SCOPE})
    entra.post({**form, "resource": "https://vault.azure.net"}, path="oauth2/token")
    entra.post({"grant_type": "client_credentials", "client_assertion": "no assertion", "scope": "a b://c"})
    entries = entra.emulators.journal.requests()
    assert [(one.provider, one.identity, one.resource) for one in entries] == [
        ("environment", "service-principal", "https://vault.azure.net"),
        ("environment", "service-principal", "https://vault.azure.net"),
        (None, None, None),
    ]
    assert "wrong" not in str(entries)


def test_a_form_that_is_too_large_meets_its_fault(entra: Entra, faults: Faults[RequestFault]) -> None:
    """It says nothing that could be read, and is for no token that is asked for by name."""
    faults.add(Status(500), resource="https://vault.azure.net", optional=True)
    assert entra.post({"grant_type": "x" * 300_000}).status_code == 413
