"""What type checkers must accept of the fixtures, each annotated. It is checked with the rest, and never run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from azcred_emulators.directory import TokenTimes, User
from azcred_emulators.faults import Status
from pytest_azcred import (
    Authority,
    Azcred,
    Azurite,
    Clock,
    DeviceLogin,
    Directory,
    Emulators,
    Executable,
    Executables,
    FakeBrowser,
    Journal,
    JournalEntry,
    OutsideConnectionError,
    Place,
    ProtectedResource,
    Route,
    Waits,
    environment,
)


def test_the_fixtures(
    azcred: Azcred,
    azcred_emulators: Emulators,
    fake_managed_identity: Place,
    fake_azure_cli: Place,
    fake_browser: FakeBrowser,
    fake_device_login: DeviceLogin,
    azurite: Azurite,
    azurite_server: Azurite,
) -> None:
    """Each has a class that a test can name."""
    with azcred.environment("kubernetes", "managed-identity") as place:
        entries: list[JournalEntry] = place.requests(operation="token")
        statuses: list[int | None] = place.statuses
    fake_managed_identity.faults.add(Status(429, retry_after=1), times=2)
    tool: Executable = fake_azure_cli.executable
    user: User = fake_azure_cli.user
    opened: list[str] = fake_browser.opened
    fake_device_login("ABCDEFGHJ", user=user, decline=True)
    azcred.route(azurite.hosts[0], to=azurite_server.url)
    print(entries, statuses, tool, opened, azcred_emulators.folder)


def test_what_azcred_has(azcred: Azcred) -> None:
    """Durations are taken in each form, and what its attributes are has a name as well."""
    clock: Clock = azcred.clock
    clock.advance("25 hours")
    clock.advance(90)
    clock.advance(timedelta(minutes=5))
    clock.advance(hours=25)
    waits: Waits = clock.skip_waits()
    directory: Directory = azcred.directory
    directory.replace(directory.users()[0])
    times = TokenTimes(lifetime="8 hours", refresh_in=600, clock_skew=timedelta(minutes=-5))
    journal: Journal = azcred.journal
    journal.assert_tokens(times=1, provider="azure-cli")
    journal.assert_requests(times=0, host="imds")
    journal.assert_providers("environment", "azure-cli")
    authority: Authority = azcred.authority
    executables: Executables = azcred.executables
    vault: ProtectedResource = azcred.resource("https://myvault.vault.azure.net")
    routes: list[Route] = list(azcred.routes)
    place: Place | None = azcred.place
    print(waits.seconds, times, authority.faults, executables["az"], vault.url, routes, place, f"{journal}")


def test_without_a_fixture() -> None:
    """The context manager hands out the same object."""
    with environment("azure-cli") as azcred:
        here: Azcred = azcred
        with pytest.raises(OutsideConnectionError):
            print(here)
