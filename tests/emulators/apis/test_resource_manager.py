"""Azure Resource Manager: the tenants and subscriptions that the bearer of a token may see."""

from __future__ import annotations

from dataclasses import replace

import pytest
from werkzeug.test import Client

from azcred_emulators.directory import Application, Group, Subscription, Tenant, contoso, identifiers
from azcred_emulators.emulators import Emulators
from azcred_emulators.tokens.access import AppOnlyAccess

ARM = "https://management.azure.com"
QUERY = {"api-version": "2022-12-01"}


def bearer(emulators: Emulators, application: Application, resource: str = f"{ARM}/") -> dict[str, str]:
    """Return the header of a request by an application."""
    return {"Authorization": f"Bearer {emulators.tokens.app_only(AppOnlyAccess(application, resource)).value}"}


@pytest.mark.parametrize("resource", [ARM, f"{ARM}/", "https://management.core.windows.net/"])
def test_subscriptions(emulators: Emulators, client: Client, application: Application, resource: str) -> None:
    """A token for Azure Resource Manager, under either of its names, shows the subscriptions of the tenant."""
    answer = client.get(
        "/subscriptions", base_url=ARM, query_string=QUERY, headers=bearer(emulators, application, resource)
    )
    assert answer.status_code == 200
    assert answer.json is not None
    [found] = answer.json["value"]
    assert (found["subscriptionId"], found["displayName"]) == (identifiers.SUBSCRIPTION_ID, "Emulated Subscription")
    one = client.get(found["id"], base_url=ARM, query_string=QUERY, headers=bearer(emulators, application))
    assert one.json == found
    assert [entry.operation for entry in emulators.journal.requests(emulator="resource-manager")] == [
        "subscriptions",
        "subscription",
    ]


def test_only_readers_see_a_subscription(emulators: Emulators, client: Client, application: Application) -> None:
    """Others, and tokens of other tenants, see nothing of it."""
    [subscription] = emulators.directory.subscriptions(contoso.TENANT.id, application.object_id)
    emulators.directory.replace(subscription, readers=("somebody else",))
    answer = client.get("/subscriptions", base_url=ARM, query_string=QUERY, headers=bearer(emulators, application))
    assert answer.json is not None
    assert answer.json["value"] == []
    hidden = client.get(
        f"/subscriptions/{subscription.id}", base_url=ARM, query_string=QUERY, headers=bearer(emulators, application)
    )
    assert hidden.status_code == 404
    emulators.directory.replace(subscription, readers=(application.object_id.upper(),))
    answer = client.get("/subscriptions", base_url=ARM, query_string=QUERY, headers=bearer(emulators, application))
    assert answer.json is not None
    assert len(answer.json["value"]) == 1


def test_readers_through_a_group(emulators: Emulators) -> None:
    """A user sees what a group of theirs may."""
    group = emulators.directory.add(Group(name="readers", tenant_id=contoso.TENANT.id))
    user = emulators.directory.users()[0]
    emulators.directory.add(Subscription(name="Ours", tenant_id=contoso.TENANT.id, readers=(group.object_id,)))

    def names() -> list[str]:
        return [one.name for one in emulators.directory.subscriptions(contoso.TENANT.id, user.object_id)]

    assert names() == ["Emulated Subscription"]
    emulators.directory.replace(user, member_of=(group.object_id,))
    assert names() == ["Emulated Subscription", "Ours"]


def test_tenants(emulators: Emulators, client: Client) -> None:
    """A user sees their own tenant and those that they are a guest of."""
    other = emulators.directory.add(Tenant("99999999-9999-4999-8999-999999999999", ("fabrikam.com",), "Fabrikam"))
    user = emulators.directory.users()[0]
    emulators.directory.add(replace(other, id="99999999-9999-4999-8999-000000000000", domains=()))
    emulators.directory.replace(user, guest_in=(other.id,))
    token = emulators.tokens.mint({"aud": ARM, "oid": user.object_id}).value
    answer = client.get("/tenants", base_url=ARM, query_string=QUERY, headers={"Authorization": f"Bearer {token}"})
    assert answer.json is not None
    assert [tenant["displayName"] for tenant in answer.json["value"]] == ["Contoso", "Fabrikam"]
    assert answer.json["value"][0]["defaultDomain"] == "contoso.onmicrosoft.com"


def test_refusals(emulators: Emulators, client: Client, application: Application) -> None:
    """Without a sound token, without a version, and beyond what is emulated, the answer is an error of ARM's form."""
    sound = bearer(emulators, application)
    elsewhere = bearer(emulators, application, "https://vault.azure.net")
    forged = {"Authorization": f"Bearer {emulators.tokens.forge('wrong-key', {'aud': ARM})}"}
    for path, headers, query, status, code in (
        ("/subscriptions", {}, QUERY, 401, "AuthenticationFailed"),
        ("/subscriptions", elsewhere, QUERY, 401, "InvalidAuthenticationTokenAudience"),
        ("/subscriptions", forged, QUERY, 401, "InvalidAuthenticationToken"),
        ("/subscriptions", sound, {}, 400, "MissingApiVersionParameter"),
        ("/providers", sound, QUERY, 404, "NotFound"),
    ):
        answer = client.get(path, base_url=ARM, headers=headers, query_string=query)
        assert (answer.status_code, answer.json and answer.json["error"]["code"]) == (status, code)
