"""The journal as assertions."""

import pytest

from azcred_emulators.journal import Entry, Journal


def record(journal: Journal, **details: object) -> Entry:
    """Put an answered request into the journal."""
    entry = journal.open(at=0.0, emulator="imds", method="GET", server_name="169.254.169.254", path="/token")
    journal.close(entry, **details)
    return entry


@pytest.fixture
def journal() -> Journal:
    """A journal of a probe, a token and a refusal."""
    journal = Journal()
    record(journal, operation="probe", provider="managed-identity", status=400, duration=0.001)
    record(journal, operation="token", provider="managed-identity", resource="https://vault.azure.net", status=200)
    record(journal, operation="token", provider="managed-identity", status=429, error="throttled")
    return journal


def test_requests_are_numbered_and_filtered(journal: Journal) -> None:
    """Any field, and `host` and `answered`, can be asked for."""
    assert [entry.number for entry in journal.requests()] == [1, 2, 3]
    assert [entry.status for entry in journal.requests(operation="token")] == [200, 429]
    assert [entry.number for entry in journal.requests(host="imds", answered=True)] == [2]
    with pytest.raises(TypeError, match="no field 'colour'; they have answered, at, client_id"):
        journal.requests(colour="red")


def test_answered_requests_are_counted(journal: Journal) -> None:
    """Probes and refusals are not tokens."""
    journal.assert_answered(provider="managed-identity", times=1)
    journal.assert_answered()
    journal.assert_answered(provider="environment", times=0)


def test_a_failed_assertion_lists_what_came_instead(journal: Journal) -> None:
    """The reader sees every request with its outcome."""
    with pytest.raises(AssertionError) as failure:
        journal.assert_answered(provider="managed-identity", times=2)
    assert str(failure.value) == (
        "azcred: expected 2 tokens for provider='managed-identity', got 1.\n"
        "The emulators got these requests:\n"
        "  1  imds  probe  /token  400  1 ms\n"
        "  2  imds  token  https://vault.azure.net  200  0 ms\n"
        "  3  imds  token  /token  429  throttled  0 ms"
    )


def test_an_empty_journal_says_so() -> None:
    """The app asked for nothing."""
    with pytest.raises(AssertionError, match=r"for any request, got 0.\nThe emulators got no"):
        Journal().assert_answered()


def test_a_request_under_way_is_there_without_status(journal: Journal) -> None:
    """What hangs can be seen hanging, and does not come back after a clear."""
    hanging = journal.open(at=0.0, emulator="authority", method="POST", server_name="x", path="/token")
    assert journal.requests()[-1].status is None
    assert journal.requests()[-1].host is None
    assert "unanswered" in str(hanging)
    journal.clear()
    record(journal, status=200)
    journal.close(hanging, status=500)
    assert [entry.status for entry in journal.requests()] == [200]
