"""What a day of an app's life costs: tokens expire, are renewed, are throttled, and fall back on what is cached."""

from functools import partial

from azure.identity import DefaultAzureCredential

from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import Gone, Status
from benchmarks.measure import figure, heading, median_seconds, milliseconds
from pytest_azcred.run import isolated

SCOPE = "https://vault.azure.net/.default"


def run(*, short: bool) -> None:
    """Time the day of an app on a virtual machine, from the fixture's start to its end."""
    heading("clock: a day on a virtual machine (expire, refresh, throttle, fall back), 2 minutes of retries included")
    with Emulators() as emulators:
        day = partial(_day, emulators)
        day()  # the first starts freezegun, which looks at every module there is
        figure("azure-identity: 24 hours", milliseconds(median_seconds(day, 2 if short else 30)), "at most 100 ms")


def _day(emulators: Emulators) -> None:
    with isolated(emulators) as session:
        here = session.environment("virtual-machine")
        session.clock.skip_waits()
        with DefaultAzureCredential() as credential:
            credential.get_token(SCOPE)
            session.clock.advance(hours=12, minutes=5)
            here.faults.add(Status(429, retry_after=2))
            credential.get_token(SCOPE)
            session.clock.advance(hours=12, minutes=5)
            here.faults.add(Gone(), times=6)
            credential.get_token(SCOPE)
        assert not here.faults, "every fault must have been met"
