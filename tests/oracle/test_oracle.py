"""azure-identity's chain is the judge of ours: in every situation both do the same, but for the known differences."""

from __future__ import annotations

import os
from collections.abc import Callable

import azure.identity
import pytest
from hypothesis import HealthCheck, given, note, settings
from oracle.differences import DIFFERENCES, Difference, reconciled
from oracle.runs import Run, Synchronous, run
from oracle.situations import Situation, situations

import pytest_azcred.credentials
from azcred_emulators.emulators import Emulators
from pytest_azcred.credentials.links import LINKS

SITUATIONS = int(os.environ.get("ORACLE_SITUATIONS", "200"))
PARTS = 4
Do = Callable[[Situation], Run]
CASES = [
    pytest.param(difference, situation, id=f"{difference.name}-{number}")
    for difference in DIFFERENCES
    for number, situation in enumerate(difference.examples)
]


@pytest.fixture
def theirs(azcred_emulators: Emulators) -> Do:
    """What azure-identity does in a situation."""
    return lambda situation: run(azure.identity, situation, azcred_emulators)


@pytest.fixture
def ours(azcred_emulators: Emulators) -> Do:
    """What our chain does in a situation."""
    return lambda situation: run(pytest_azcred.credentials, situation, azcred_emulators)


@pytest.fixture
def ours_asynchronous(azcred_emulators: Emulators) -> Do:
    """What our asynchronous chain does in a situation."""
    return lambda situation: run(Synchronous, situation, azcred_emulators)


def in_situations(number: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Runs a test in so many situations."""
    drawn = settings(
        max_examples=max(number, 1),
        deadline=None,
        database=None,
        derandomize="ORACLE_SITUATIONS" not in os.environ,  # a suite finds the same today and tomorrow
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    return lambda test: pytest.mark.timeout(0)(drawn(given(situation=situations())(test)))


@pytest.mark.parametrize("part", range(PARTS))  # so that several processes can share the work
@in_situations(SITUATIONS // PARTS)
def test_both_chains_do_the_same(part: int, situation: Situation, theirs: Do, ours: Do) -> None:
    """The same credential wins, with the same identity and the same requests; or both fail in the same way."""
    our = ours(situation)
    their = reconciled(situation, theirs(situation), our, theirs)
    note(f"{situation}")
    note(f"azure-identity: {their}")
    note(f"ours:           {our}")
    assert our == their


@in_situations(SITUATIONS // 5)
def test_so_does_the_asynchronous_chain(situation: Situation, ours: Do, ours_asynchronous: Do) -> None:
    """The same as the synchronous one."""
    assert ours_asynchronous(situation) == ours(situation)


def test_a_mistake_would_be_found(ours: Do, theirs: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as two links in the wrong order."""
    situation = Situation(("kubernetes", "virtual-machine"))
    assert reconciled(situation, theirs(situation), ours(situation), theirs) == ours(situation)
    first, second, third, *rest = LINKS
    monkeypatch.setattr("pytest_azcred.credentials.default.LINKS", (first, third, second, *rest))
    assert reconciled(situation, theirs(situation), ours(situation), theirs) != ours(situation)


@pytest.mark.parametrize(("difference", "situation"), CASES)
def test_each_difference_shows(difference: Difference, situation: Situation, theirs: Do, ours: Do) -> None:
    """The chains differ in its examples, and in nothing but that."""
    our, their = ours(situation), theirs(situation)
    assert our != their
    assert difference.reconcile(situation, their, our, theirs) == our
    assert difference.reason.endswith(".")


def test_a_variable_that_both_refuse_is_no_difference(theirs: Do, ours: Do) -> None:
    """Although the authority in the keywords would let azure-identity go on without it."""
    situation = Situation(
        ("kubernetes",),
        {"AZURE_AUTHORITY_HOST": "http://localhost"},
        keywords={"authority": "https://login.microsoftonline.us"},
    )
    our, their = ours(situation), theirs(situation)
    assert their.construction == our.construction == "ValueError"
    assert reconciled(situation, their, our, theirs) == our
