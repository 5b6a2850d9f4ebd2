"""The table of services: which audiences a host has, and that Entra ID knows them all."""

from __future__ import annotations

import pytest

from azcred_emulators.audiences import SERVICES, Service, audiences_of, is_an_audience, service_at
from azcred_emulators.directory.known_resources import is_known_resource
from azcred_emulators.emulators import Emulators


@pytest.mark.parametrize(
    ("host", "first", "others"),
    [
        ("shop.vault.azure.net", "https://vault.azure.net", ()),
        ("shop.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net", ()),
        (
            "shop-westeurope.documents.azure.com",
            "https://shop.documents.azure.com",
            ("https://shop-westeurope.documents.azure.com", "https://cosmos.azure.com"),
        ),
        ("shop.documents.azure.com", "https://shop.documents.azure.com", ("https://cosmos.azure.com",)),
        (
            "shop.servicebus.windows.net",
            "https://servicebus.azure.net",
            ("https://eventhubs.azure.net", "https://shop.servicebus.windows.net"),
        ),
        ("management.azure.com", "https://management.azure.com", ("https://management.core.windows.net",)),
        ("orders.contoso.com", "https://orders.contoso.com", ()),
        ("VAULT.vault.azure.net", "https://vault.azure.net", ()),
        ("vault.azure.net", "https://vault.azure.net", ()),  # its own URL: there is no vault
    ],
)
def test_the_audiences_of_a_host(host: str, first: str, others: tuple[str, ...]) -> None:
    """The first is the one that the service names."""
    assert audiences_of(host) == (first, *others)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: f"{service.name}-{service.hosts[0]}")
def test_a_service_is_found_and_known(service: Service, emulators: Emulators) -> None:
    """Each of its hosts leads to it and to no other, and the emulated Entra ID issues tokens for what it takes."""
    for pattern in service.hosts:
        host = pattern.replace("*", "shop-1")
        assert service_at(host) is service
        for audience in audiences_of(host):
            assert is_an_audience(audience)
            assert is_known_resource(audience, emulators.directory)
            assert is_known_resource(f"{audience}/", emulators.directory)


@pytest.mark.parametrize(
    "resource",
    [
        *("https://azconfig.io", "https://api.loganalytics.us", "https://dynamicsessions.io", "https://acasessions.io"),
        *("https://durabletask.io", "https://outlook.office365.com", "https://shop.azurehealthcareapis.com"),
        *("https://service.powerapps.com", "https://api.spring.io", "api://AzureADTokenExchangeUSGov"),
        *("e406a681-f3d4-42a8-90b6-c2b029497af1", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"),
    ],
)
def test_microsofts_other_resources(resource: str, emulators: Emulators) -> None:
    """Clients ask for them under these names."""
    assert is_known_resource(resource, emulators.directory)


def test_a_misspelt_resource_is_none(emulators: Emulators) -> None:
    """Until a test has a resource that takes tokens for it, and no longer than that test."""
    assert not is_known_resource("https://storage.azur.com", emulators.directory)
    remove = emulators.add_layer()
    emulators.resources.add("orders.contoso.com", "https://storage.azur.com")
    assert is_known_resource("https://storage.azur.com/", emulators.directory)
    remove()
    assert not is_known_resource("https://storage.azur.com", emulators.directory)
