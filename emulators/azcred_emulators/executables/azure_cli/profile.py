"""The profile of `az` in one configuration folder: the accounts that are signed in, and their subscriptions.

The subscriptions are in the folder's `azureProfile.json`, as with the real `az`; a test or an app may read, copy or
delete it. Credentials and refresh tokens stay in this process.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from azcred_emulators.emulation.checkpoint import Undo, checkpoint
from azcred_emulators.executables.accounts import Account, ServicePrincipalAccount, UserAccount

CLOUD = "AzureCloud"
TENANT_LEVEL = "N/A(tenant level account)"

SubscriptionEntry = dict[str, Any]  # a subscription as the profile has it


class NoSubscription(Exception):
    """No subscription, or more than one, is what a command names; the text is az's."""


class Profile:
    """The accounts and subscriptions of one configuration folder; without a folder they are in memory only."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = folder / "azureProfile.json" if folder else None
        self._installation = str(uuid.uuid1())
        self._users: dict[str, UserAccount] = {}
        self._service_principals: dict[tuple[str, str], ServicePrincipalAccount] = {}
        self._subscriptions: list[SubscriptionEntry] = []

    @property
    def subscriptions(self) -> list[SubscriptionEntry]:
        """The subscriptions of all accounts, as the file has them now; a copy that the caller may change."""
        if self._file is not None:
            try:
                content = json.loads(self._file.read_text(encoding="utf-8-sig"))
                self._subscriptions = [entry for entry in content["subscriptions"] if _is_entry(entry)]
            except (OSError, ValueError, KeyError, TypeError):
                self._subscriptions = []
        return deepcopy(self._subscriptions)

    @subscriptions.setter
    def subscriptions(self, entries: Sequence[SubscriptionEntry]) -> None:
        self._subscriptions = deepcopy(list(entries))
        if self._file is not None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            content = {"installationId": self._installation, "subscriptions": self._subscriptions}
            self._file.write_text(json.dumps(content), encoding="utf-8-sig")

    def checkpoint(self) -> Undo:
        """Note the accounts and the file; returns the function that brings them back."""
        restore, content = checkpoint(self), self._content()

        def undo() -> None:
            restore()
            if self._file is not None and content is not None:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file.write_bytes(content)
            elif self._file is not None:
                self._file.unlink(missing_ok=True)

        return undo

    def _content(self) -> bytes | None:
        return self._file.read_bytes() if self._file is not None and self._file.is_file() else None

    def adopt(self, other: "Profile") -> None:
        """Take over the accounts and subscriptions of another profile."""
        self._users = dict(other._users)
        self._service_principals = dict(other._service_principals)
        self.subscriptions = other._subscriptions

    def find(self, subscription: str | None = None) -> SubscriptionEntry:
        """Return the subscription with this id or name, by default the default subscription; raises NoSubscription."""
        entries = self.subscriptions
        if not entries:
            raise NoSubscription("Please run 'az login' to setup account.")
        if subscription is None:
            matches = [entry for entry in entries if entry.get("isDefault")]
        else:
            matches = [entry for entry in entries if is_named(entry, subscription)]
        if not matches and subscription:
            raise NoSubscription(
                f"Subscription '{subscription}' not found. Check the spelling and casing and try again."
            )
        if not matches:
            raise NoSubscription("No subscription found. Run 'az account set' to select a subscription.")
        if len(matches) > 1:
            raise NoSubscription(
                f"Multiple subscriptions with the name '{subscription}' found. Specify the subscription ID."
            )
        return matches[0]

    def set_default(self, subscription: str) -> None:
        """Make the subscription with this id or name the default; raises NoSubscription."""
        entries = self.subscriptions
        matches = [entry for entry in entries if is_named(entry, subscription)]
        if len(matches) != 1:
            problem = "has more than one match" if matches else "doesn't exist"
            raise NoSubscription(f"The subscription of '{subscription.lower()}' {problem} in cloud '{CLOUD}'.")
        for entry in entries:
            entry["isDefault"] = entry is matches[0]
        self.subscriptions = entries

    def add(
        self, account: Account, entries: Sequence[SubscriptionEntry], *, preferred: str | None = None
    ) -> list[SubscriptionEntry]:
        """Sign an account in and return its subscriptions, one of which becomes the default.

        That is the `preferred` subscription, by id or name, else the present default, else the first that is enabled.
        """
        match account:
            case UserAccount():
                self._users[account.name.lower()] = account
            case ServicePrincipalAccount():
                self._service_principals[account.name.lower(), account.tenant_id.lower()] = account
        new = deepcopy(list(entries))
        merged = list({entry["id"]: entry for entry in [*self.subscriptions, *new]}.values())
        self._store(merged, new, preferred)
        return deepcopy(new)

    def replace_all(self, entries: Sequence[SubscriptionEntry]) -> None:
        """Replace all subscriptions; the default stays if it is among the new ones."""
        self._store(list(entries), entries, None)

    def _store(
        self, entries: list[SubscriptionEntry], candidates: Sequence[SubscriptionEntry], preferred: str | None
    ) -> None:
        """Store subscriptions, with one of the candidates as the default."""
        default = next((entry["id"] for entry in self.subscriptions if entry.get("isDefault")), None)
        ranked = [
            *(entry for entry in candidates if preferred and is_named(entry, preferred)),
            *(entry for entry in candidates if entry["id"] == default),
            *(entry for entry in candidates if entry.get("state") == "Enabled"),
            *candidates,
        ]
        for entry in entries:
            entry["isDefault"] = entry is ranked[0]
        self.subscriptions = entries

    def remove(self, name: str) -> None:
        """Sign out the user with this name or the application with this client id."""
        self._users.pop(name.lower(), None)
        for client_id, tenant_id in list(self._service_principals):
            if client_id == name.lower():
                del self._service_principals[client_id, tenant_id]
        self.subscriptions = [entry for entry in self.subscriptions if entry["user"]["name"].lower() != name.lower()]

    def clear(self) -> None:
        """Sign all accounts out."""
        self._users.clear()
        self._service_principals.clear()
        self.subscriptions = []

    def user(self, name: str) -> UserAccount | None:
        """Return the account of a user, None if there is none."""
        return self._users.get(name.lower())

    def service_principal(self, client_id: str, tenant_id: str) -> ServicePrincipalAccount | None:
        """Return the account of an application in this tenant, else in another tenant, None if there is none."""
        accounts = [account for (name, _), account in self._service_principals.items() if name == client_id.lower()]
        here = [account for account in accounts if account.tenant_id.lower() == tenant_id.lower()]
        return next(iter([*here, *accounts]), None)


def subscription_entry(
    identifier: str,
    name: str,
    *,
    tenant_id: str,
    user: Mapping[str, object],
    state: str = "Enabled",
    **properties: object,
) -> SubscriptionEntry:
    """Return a subscription as the profile has it."""
    return {
        "id": identifier,
        "name": name,
        "state": state,
        "user": dict(user),
        "isDefault": False,
        "tenantId": tenant_id,
        "environmentName": CLOUD,
        **properties,
    }


def is_named(entry: SubscriptionEntry, subscription: str) -> bool:
    """Tell whether a subscription has this id or name, in any case."""
    return subscription.lower() in (entry["id"].lower(), entry["name"].lower())


def _is_entry(value: object) -> bool:
    """Tell whether a value from the file, which anybody may have written, is a subscription."""
    if not isinstance(value, dict) or not isinstance(value.get("user"), dict):
        return False
    names = (value.get("id"), value.get("name"), value.get("tenantId"), value["user"].get("name"))
    return all(isinstance(name, str) for name in (*names, value["user"].get("type")))
