"""The journal as assertions."""

import pytest

from azcred_emulators.emulation.journal import Entry, Journal, describe


def record(journal: Journal, **details: object) -> Entry:
    """Put an answered request into the journal."""
    entry = journal.open(
        at=0.0, emulator="imds", host="imds", method="GET", server_name="169.254.169.254", path="/token"
    )
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
    """Any field, and `answered`, can be asked for."""
    assert [entry.number for entry in journal.requests()] == [1, 2, 3]
    assert [entry.status for entry in journal.requests(operation="token")] == [200, 429]
    assert [entry.number for entry in journal.requests(host="imds", answered=True)] == [2]
    with pytest.raises(TypeError, match="no field 'colour'; they have answered, at, claims, client_id"):
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
        "  #  time      provider          request                             outcome\n"
        "  1  +0.000 s  managed-identity  imds probe                          400 in 1 ms\n"
        "  2  +0.000 s  managed-identity  imds token https://vault.azure.net  200 in 0 ms\n"
        "  3  +0.000 s  managed-identity  imds token                          429 in 0 ms: throttled"
    )


def test_an_empty_journal_says_so() -> None:
    """The app asked for nothing."""
    with pytest.raises(AssertionError, match=r"for any field, got 0.\nThe emulators got no"):
        Journal().assert_answered()


def test_a_request_under_way_is_there_without_status(journal: Journal) -> None:
    """What hangs can be seen hanging, and does not come back after a clear."""
    hanging = journal.open(at=0.0, emulator="authority", method="POST", server_name="x", path="/token")
    assert journal.requests()[-1].status is None
    assert journal.requests()[-1].host is None
    assert "no answer" in str(hanging)
    journal.clear()
    record(journal, status=200)
    journal.close(hanging, status=500)
    assert [entry.status for entry in journal.requests()] == [200]


def test_one_request_for_a_token(journal: Journal) -> None:
    """Probes are not meant unless they are named; refused requests count as well."""
    journal.assert_requested_once(resource="https://vault.azure.net")
    journal.assert_requested_once(operation="probe")
    with pytest.raises(AssertionError, match=r"expected 1 request with operation='token', host='imds', got 2\.\nThe"):
        journal.assert_requested_once(host="imds")


def test_providers_in_order(journal: Journal) -> None:
    """Each once, in the order in which they were first asked; requests that any could send do not matter."""
    record(journal, operation="openid-configuration", status=200)
    record(journal, provider="azure-cli", command="az account get-access-token", exit_code=1)
    record(journal, operation="token", provider="managed-identity", status=200)
    journal.assert_providers_tried("managed-identity", "azure-cli")
    expected = "expected the providers tried to be azure-cli, got managed-identity, azure-cli."
    with pytest.raises(AssertionError, match=expected):
        journal.assert_providers_tried("azure-cli")
    with pytest.raises(AssertionError, match="tried to be none, got managed-identity, azure-cli"):
        journal.assert_providers_tried()
    Journal().assert_providers_tried()


def test_no_requests(journal: Journal) -> None:
    """Of one kind, or at all."""
    journal.assert_no_requests(provider="environment")
    Journal().assert_no_requests()
    with pytest.raises(AssertionError, match="expected no request with any field, got 3"):
        journal.assert_no_requests()


def test_the_table_tells_what_is_in_a_token() -> None:
    """And times that are long by the clock, the exit code of an executable, and a fault."""
    journal = Journal()
    claims = {"aud": "https://vault.azure.net", "appid": "1-2-3", "nbf": 5, "roles": ["Reader"], "exp": 86400}
    record(journal, operation="token", provider="managed-identity", status=200, claims=claims)
    later = journal.open(at=90061.0, emulator="executable", method="POST", server_name="localhost", path="/")
    journal.close(later, command="az " + "x" * 90, exit_code=1, provider="azure-cli", error="ERROR: no")
    record(journal, operation="token", fault="Hang")
    assert describe(journal.requests()).splitlines()[2:] == [
        f"  1  +0.000 s         managed-identity  {'imds token':70}  200 in 0 ms: aud=https://vault.azure.net "
        "appid=1-2-3 roles=['Reader'] exp=1970-01-02T00:00:00Z",
        f"  2  +1 day, 1:01:01  azure-cli         az {'x' * 90}  exit 1 in 0 ms: ERROR: no",
        f"  3  +0.000 s         -                 {'imds token':70}  no answer (fault Hang) in 0 ms",
    ]
    assert "1-2-3" not in repr(journal.requests())


def opened(journal: Journal, number: int) -> list[Entry]:
    """Record this many requests that are not answered yet."""
    return [
        journal.open(at=0.0, emulator="imds", host="imds", method="GET", server_name="localhost", path="/")
        for _ in range(number)
    ]


def test_a_limit_drops_the_oldest_entries() -> None:
    """Numbers go on, and what is still being answered finds its entry or none."""
    journal = Journal()
    journal.limit = 10
    entries = opened(journal, 25)
    for entry in entries:
        journal.close(entry, duration=1.0, status=entry.number)
    kept = journal.requests()
    assert 8 <= len(kept) <= 10
    assert [entry.number for entry in kept] == list(range(25 - len(kept) + 1, 26))
    assert all(entry.status == entry.number for entry in kept)
    assert journal.total == 25


def test_followers_see_each_entry_once_when_it_is_complete() -> None:
    """Those that were answered later come later, and a journal that is emptied starts anew."""
    journal = Journal()
    first, second, third = opened(journal, 3)
    following = journal.follow(patience=0.0)
    assert next(following) is None
    journal.close(second, duration=1.0)
    assert next(following) == journal.requests()[1]
    journal.close(first, duration=1.0)
    journal.close(third, duration=1.0)
    assert [entry and entry.number for entry in (next(following), next(following), next(following))] == [1, 3, None]
    journal.clear()
    journal.close(opened(journal, 1)[0], duration=1.0)
    assert [entry and entry.number for entry in (next(following), next(following))] == [1, None]
    late = journal.follow(after=999_999_999, patience=0.0)
    assert next(late) is None
    journal.end()
    assert list(following) == []
