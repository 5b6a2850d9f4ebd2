"""The directory as a test changes it."""

import pytest

from azcred_emulators.directory import (
    Application,
    ClientSecret,
    Directory,
    ManagedIdentity,
    Tenant,
    User,
    contoso,
    identifiers,
)
from azcred_emulators.environments.initial_directory import initial_directory


@pytest.fixture
def directory() -> Directory:
    """The directory that a run starts with."""
    return initial_directory()


def test_a_tenant_is_found_by_each_of_its_names(directory: Directory) -> None:
    """GUID and domains, in any case."""
    assert directory.tenant(contoso.TENANT.id) == contoso.TENANT
    assert directory.tenant("CONTOSO.com") == contoso.TENANT
    assert directory.tenant("fabrikam.com") is None


def test_entities_can_be_added_replaced_and_removed(directory: Directory) -> None:
    """After a replacement a look-up returns the copy."""
    tenant = directory.add(Tenant("88888888-8888-4888-8888-888888888888", ("fabrikam.com",), "Fabrikam"))
    shop = directory.add(Application(name="shop", tenant_id=tenant.id))
    assert directory.principal(shop.client_id.upper()) == shop
    rotated = directory.replace(shop, secrets=(ClientSecret("new"),))
    assert directory.principal(shop.client_id) == rotated
    directory.remove(rotated)
    assert directory.principal(shop.client_id) is None
    directory.remove(rotated)


def test_misuse_is_answered_with_a_sentence(directory: Directory) -> None:
    """Each names the id at fault and the way out."""
    with pytest.raises(ValueError, match=r"use replace\(\)"):
        directory.add(contoso.TENANT)
    with pytest.raises(LookupError, match="has no Application with the id"):
        directory.replace(Application(name="x", tenant_id=contoso.TENANT.id))
    with pytest.raises(ValueError, match="cannot be changed"):
        directory.replace(contoso.TENANT, id="other")


def test_an_application_is_a_resource_under_each_of_its_names(directory: Directory) -> None:
    """Client id, api:// URI and identifier URIs, with or without a slash at the end."""
    orders = directory.add(
        Application(name="orders", tenant_id=contoso.TENANT.id, identifier_uris=("https://orders.contoso.com",))
    )
    for name in (orders.client_id, f"api://{orders.client_id}", "https://orders.contoso.com/"):
        assert directory.application_for_resource(name) == orders
    assert directory.application_for_resource("api://other") is None


def test_identities_are_assigned_to_hosts(directory: Directory) -> None:
    """In order, once each, until they are unassigned or removed."""
    first, second = (
        directory.add(ManagedIdentity(name=name, tenant_id=contoso.TENANT.id, resource_id=f"/{name}"))
        for name in ("first", "second")
    )
    directory.assign("a-host", first, second, first)
    assert directory.assigned("a-host") == [first, second]
    directory.unassign("a-host", first)
    assert directory.assigned("a-host") == [second]
    directory.remove(second)
    assert directory.assigned("a-host") == []


def test_reset_returns_to_what_was_kept(directory: Directory) -> None:
    """Nothing that a test does to the directory outlives it."""
    user = directory.add(User(name="Ada", tenant_id=contoso.TENANT.id, principal_name="ada@contoso.com"))
    directory.unassign("imds", *directory.assigned("imds"))
    directory.reset()
    assert len(directory.assigned("imds")) == 1
    directory.add(user)
    directory.keep()
    directory.remove(user)
    directory.reset()
    with pytest.raises(ValueError, match="the directory has an entity"):
        directory.add(user)


def test_secrets_are_new_in_each_run_and_never_shown(directory: Directory) -> None:
    """A repr in a failing test's output gives nothing away."""
    application = directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    other = initial_directory().principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(application, Application)
    assert isinstance(other, Application)
    assert application.secrets[0].value != other.secrets[0].value
    assert application.secrets[0].value not in repr(application)
    assert "hunter2" not in repr(User(name="A", tenant_id="t", principal_name="a@b", password="hunter2"))
