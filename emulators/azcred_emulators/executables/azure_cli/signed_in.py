"""Who is signed in to `az` in one configuration folder: accounts, and the subscriptions that they may see.

The subscriptions are in the folder's `azureProfile.json`, as with the real `az`; a test or an app may read, copy or
delete it. What proves who somebody is stays in this process.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from azcred_emulators.executables.accounts import Account, ServicePrincipalAccount, UserAccount

CLOUD = "AzureCloud"
TENANT_LEVEL = "N/A(tenant level account)"

Entry = dict[str, Any]  # a subscription as the profile has it


class NoSubscription(Exception):
    """No subscription is the one that a command means; the text is az's."""


class SignedIn:
    """The accounts and subscriptions of one configuration folder, None for one that is in memory only."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = folder / "azureProfile.json" if folder else None
        self._installation = str(uuid.uuid1())
        self._users: dict[str, UserAccount] = {}
        self._service_principals: dict[tuple[str, str], ServicePrincipalAccount] = {}
        self._subscriptions: list[Entry] = []

    @property
    def subscriptions(self) -> list[Entry]:
        """The subscriptions of everybody who is signed in, as the file has them now; the caller's to change."""
        if self._file is not None:
            try:
                content = json.loads(self._file.read_text(encoding="utf-8-sig"))
                found = content["subscriptions"]
                self._subscriptions = [entry for entry in found if _is_entry(entry)]
            except (OSError, ValueError, KeyError, TypeError):
                self._subscriptions = []
        return deepcopy(self._subscriptions)

    @subscriptions.setter
    def subscriptions(self, entries: Sequence[Entry]) -> None:
        self._subscriptions = deepcopy(list(entries))
        if self._file is not None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            content = {"installationId": self._installation, "subscriptions": self._subscriptions}
            self._file.write_text(json.dumps(content), encoding="utf-8-sig")

    def adopt(self, other: "SignedIn") -> None:
        """Take over everybody who is signed in elsewhere."""
        self._users = dict(other._users)
        self._service_principals = dict(other._service_principals)
        self.subscriptions = other._subscriptions

    def find(self, subscription: str | None = None) -> Entry:
        """Return a subscription by its id or name, or without one the default; raises NoSubscription."""
        entries = self.subscriptions
        if not entries:
            raise NoSubscription("Please run 'az login' to setup account.")
        if subscription is None:
            found = [entry for entry in entries if entry.get("isDefault")]
        else:
            found = [entry for entry in entries if subscription.lower() in (entry["id"].lower(), entry["name"].lower())]
        if not found and subscription:
            raise NoSubscription(
                f"Subscription '{subscription}' not found. Check the spelling and casing and try again."
            )
        if not found:
            raise NoSubscription("No subscription found. Run 'az account set' to select a subscription.")
        if len(found) > 1:
            raise NoSubscription(
                f"Multiple subscriptions with the name '{subscription}' found. Specify the subscription ID."
            )
        return found[0]

    def choose(self, subscription: str) -> None:
        """Make a subscription the default, by its id or name; raises NoSubscription."""
        entries = self.subscriptions
        found = [entry for entry in entries if _is_named(entry, subscription)]
        if len(found) != 1:
            problem = "has more than one match" if found else "doesn't exist"
            raise NoSubscription(f"The subscription of '{subscription.lower()}' {problem} in cloud '{CLOUD}'.")
        for entry in entries:
            entry["isDefault"] = entry is found[0]
        self.subscriptions = entries

    def add(self, account: Account, entries: Sequence[Entry], *, preferred: str | None = None) -> list[Entry]:
        """Sign an account in and return its subscriptions, one of which is the default from now on.

        That is the `preferred` one, by id or name, else the one that was it before, else the first that is enabled.
        """
        match account:
            case UserAccount():
                self._users[account.name.lower()] = account
            case ServicePrincipalAccount():
                self._service_principals[account.name.lower(), account.tenant_id.lower()] = account
        new = deepcopy(list(entries))
        merged = list({entry["id"]: entry for entry in [*self.subscriptions, *new]}.values())
        self._make_default(merged, new, preferred)
        return deepcopy(new)

    def replace_all(self, entries: Sequence[Entry]) -> None:
        """Put other subscriptions in the place of all; the default remains if it is among them."""
        self._make_default(list(entries), entries, None)

    def _make_default(self, entries: list[Entry], candidates: Sequence[Entry], preferred: str | None) -> None:
        """Store subscriptions, one of the candidates as the default."""
        before = next((entry["id"] for entry in self.subscriptions if entry.get("isDefault")), None)
        ranked = [
            *(one for one in candidates if preferred and _is_named(one, preferred)),
            *(one for one in candidates if one["id"] == before),
            *(one for one in candidates if one.get("state") == "Enabled"),
            *candidates,
        ]
        for entry in entries:
            entry["isDefault"] = entry is ranked[0]
        self.subscriptions = entries

    def remove(self, name: str) -> None:
        """Sign a user, by name, or an application, by client id, out."""
        self._users.pop(name.lower(), None)
        for client_id, tenant_id in list(self._service_principals):
            if client_id == name.lower():
                del self._service_principals[client_id, tenant_id]
        self.subscriptions = [entry for entry in self.subscriptions if entry["user"]["name"].lower() != name.lower()]

    def clear(self) -> None:
        """Sign everybody out."""
        self._users.clear()
        self._service_principals.clear()
        self.subscriptions = []

    def user(self, name: str) -> UserAccount | None:
        """Return the account of a user, None if nothing proves any more who they are."""
        return self._users.get(name.lower())

    def service_principal(self, client_id: str, tenant_id: str) -> ServicePrincipalAccount | None:
        """Return the account of an application in a tenant, else in another, None if there is none."""
        accounts = [account for (name, _), account in self._service_principals.items() if name == client_id.lower()]
        here = [account for account in accounts if account.tenant_id.lower() == tenant_id.lower()]
        return next(iter([*here, *accounts]), None)


def entry(
    identifier: str, name: str, *, tenant_id: str, user: Mapping[str, object], state: str = "Enabled", **more: object
) -> Entry:
    """Return a subscription as the profile has it."""
    return {
        "id": identifier,
        "name": name,
        "state": state,
        "user": dict(user),
        "isDefault": False,
        "tenantId": tenant_id,
        "environmentName": CLOUD,
        **more,
    }


def _is_named(entry: Entry, subscription: str) -> bool:
    return subscription.lower() in (entry["id"].lower(), entry["name"].lower())


def _is_entry(value: object) -> bool:
    """Tell whether what stands in the file, which anybody may have written, is a subscription."""
    if not isinstance(value, dict) or not isinstance(value.get("user"), dict):
        return False
    names = (value.get("id"), value.get("name"), value.get("tenantId"), value["user"].get("name"))
    return all(isinstance(name, str) for name in (*names, value["user"].get("type")))
