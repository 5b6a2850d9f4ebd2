"""The journal as assertions."""

import jwt
import pytest

from azcred_emulators.emulation.journal import Journal
from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulation.recorder import Recorder


def record(recorder: Recorder, **details: object) -> JournalEntry:
    """Record a request that was answered."""
    entry = recorder.open(
        at=0.0, emulator="imds", host="imds", method="GET", server_name="169.254.169.254", path="/token"
    )
    recorder.close(entry, **details)
    return entry


@pytest.fixture
def recorder() -> Recorder:
    """A probe, a token and a refusal."""
    recorder = Recorder()
    record(recorder, operation="probe", provider="managed-identity", status=400, duration=0.001)
    record(recorder, operation="token", provider="managed-identity", resource="https://vault.azure.net", status=200)
    record(recorder, operation="token", provider="managed-identity", status=429, error="throttled")
    return recorder


@pytest.fixture
def journal(recorder: Recorder) -> Journal:
    """The journal of these."""
    return Journal(recorder)


def test_requests_are_numbered_and_filtered(journal: Journal) -> None:
    """Any field, and `host` and `answered`, can be a criterion."""
    """Any field, and `answered`, can be asked for."""
    assert [entry.number for entry in journal.requests()] == [1, 2, 3]
    assert [entry.status for entry in journal.requests(operation="token")] == [200, 429]
    assert [entry.number for entry in journal.requests(host="imds", answered=True)] == [2]


def test_a_criterion_that_does_not_exist(journal: Journal) -> None:
    """The message names the nearest one, or all; an assertion that expects nothing does not pass."""
    with pytest.raises(TypeError, match=r"no field 'colour'; they have answered, at, claims, client_id"):
        journal.requests(colour="red")
    with pytest.raises(TypeError, match=r"no field 'resouce'; did you mean 'resource'\?"):
        journal.assert_requests(times=0, resouce="https://vault.azure.net")
    with pytest.raises(TypeError, match=r"no field 'providers'; did you mean 'provider'\?"):
        journal.assert_tokens(times=0, providers="environment")


def test_tokens_are_counted(journal: Journal) -> None:
    """Probes and refusals are not tokens."""
    journal.assert_tokens(provider="managed-identity", times=1)
    journal.assert_tokens()
    journal.assert_tokens(provider="environment", times=0)


def test_requests_are_counted(journal: Journal) -> None:
    """Whatever their outcome; at least one if the number is not given."""
    journal.assert_requests(times=3)
    journal.assert_requests(operation="token", times=2)
    journal.assert_requests(operation="token", resource="https://vault.azure.net", times=1)
    journal.assert_requests(status=429)
    journal.assert_requests(provider="environment", times=0)
    Journal(Recorder()).assert_requests(times=0)
    with pytest.raises(AssertionError, match=r"expected 1 request for operation='token', host='imds', got 2\.\nThe"):
        journal.assert_requests(operation="token", host="imds", times=1)
    with pytest.raises(AssertionError, match=r"expected 0 requests, got 3\."):
        journal.assert_requests(times=0)
    with pytest.raises(AssertionError, match=r"expected at least 1 request for status=500, got 0\."):
        journal.assert_requests(status=500)


@pytest.mark.parametrize("times", [-1, True, 1.0, "1"], ids=repr)
def test_a_number_of_times_that_cannot_be(journal: Journal, times: int) -> None:
    """It is a mistake in the test, and no failure of the app."""
    for assertion in (journal.assert_tokens, journal.assert_requests):
        with pytest.raises(ValueError, match=f"times is a whole number of 0 or more, not {times!r}"):
            assertion(times=times)


def test_a_failed_assertion_lists_what_came_instead(journal: Journal) -> None:
    """The reader sees every request with its outcome, as `print(journal)` shows them."""
    table = (
        "The emulators got these requests:\n"
        "  #  time      provider          request                             outcome\n"
        "  1  +0.000 s  managed-identity  imds probe                          400 in 1 ms\n"
        "  2  +0.000 s  managed-identity  imds token https://vault.azure.net  200 in 0 ms\n"
        "  3  +0.000 s  managed-identity  imds token                          429 in 0 ms: throttled"
    )
    with pytest.raises(AssertionError) as failure:
        journal.assert_tokens(provider="managed-identity", times=2)
    assert str(failure.value) == f"azcred: expected 2 tokens for provider='managed-identity', got 1.\n{table}"
    assert str(journal) == table


def test_an_empty_journal_says_so() -> None:
    """The app asked for nothing."""
    journal = Journal(Recorder())
    with pytest.raises(AssertionError, match=r"expected at least 1 token, got 0\.\nThe emulators got no"):
        journal.assert_tokens()
    assert str(journal) == "The emulators got no request."


def test_a_request_under_way_is_there_without_status(recorder: Recorder, journal: Journal) -> None:
    """What hangs can be seen hanging, and does not come back after a clear."""
    hanging = recorder.open(at=0.0, emulator="authority", method="POST", server_name="x", path="/token")
    assert journal.requests()[-1].status is None
    assert journal.requests()[-1].host is None
    assert "no answer" in str(hanging)
    journal.clear()
    record(recorder, status=200)
    recorder.close(hanging, status=500)
    assert [entry.status for entry in journal.requests()] == [200]


def test_providers_in_order(recorder: Recorder, journal: Journal) -> None:
    """Each once, in the order of their first requests; requests that any provider could send do not matter."""
    record(recorder, operation="openid-configuration", status=200)
    record(recorder, provider="azure-cli", command="az account get-access-token", exit_code=1)
    record(recorder, operation="token", provider="managed-identity", status=200)
    journal.assert_providers("managed-identity", "azure-cli")
    with pytest.raises(AssertionError, match="of the providers azure-cli, got managed-identity, azure-cli"):
        journal.assert_providers("azure-cli")
    with pytest.raises(AssertionError, match="of the providers none, got managed-identity, azure-cli"):
        journal.assert_providers()
    Journal(Recorder()).assert_providers()


def test_the_table_tells_what_is_in_a_token() -> None:
    """And times that are long by the clock, the exit code of an executable, and a fault."""
    recorder = Recorder()
    claims = {"aud": "https://vault.azure.net", "appid": "1-2-3", "nbf": 5, "roles": ["Reader"], "exp": 86400}
    record(recorder, operation="token", provider="managed-identity", status=200, claims=claims)
    later = recorder.open(at=90061.0, emulator="executable", method="POST", server_name="localhost", path="/")
    recorder.close(later, command="az " + "x" * 90, exit_code=1, provider="azure-cli", error="ERROR: no")
    record(recorder, operation="token", fault="Hang")
    assert str(Journal(recorder)).splitlines()[2:] == [
        f"  1  +0.000 s         managed-identity  {'imds token':70}  200 in 0 ms: aud=https://vault.azure.net "
        "appid=1-2-3 roles=['Reader'] exp=1970-01-02T00:00:00Z",
        f"  2  +1 day, 1:01:01  azure-cli         az {'x' * 90}  exit 1 in 0 ms: ERROR: no",
        f"  3  +0.000 s         -                 {'imds token':70}  no answer (fault Hang) in 0 ms",
    ]
    assert "1-2-3" not in repr(recorder.entries())


def opened(recorder: Recorder, number: int) -> list[JournalEntry]:
    """Record this many requests that are not answered yet."""
    return [
        recorder.open(at=0.0, emulator="imds", host="imds", method="GET", server_name="localhost", path="/")
        for _ in range(number)
    ]


def test_a_limit_drops_the_oldest_entries() -> None:
    """Numbers go on, and what is still being answered finds its entry or none."""
    recorder = Recorder()
    recorder.limit = 10
    entries = opened(recorder, 25)
    for entry in entries:
        recorder.close(entry, duration=1.0, status=entry.number)
    kept = recorder.entries()
    assert 8 <= len(kept) <= 10
    assert [entry.number for entry in kept] == list(range(25 - len(kept) + 1, 26))
    assert all(entry.status == entry.number for entry in kept)
    assert recorder.total == 25


def test_followers_see_each_entry_once_when_it_is_complete() -> None:
    """Those that were answered later come later, and a `clear` starts anew."""
    recorder = Recorder()
    first, second, third = opened(recorder, 3)
    following = recorder.follow(patience=0.0)
    assert next(following) is None
    recorder.close(second, duration=1.0)
    assert next(following) == recorder.entries()[1]
    recorder.close(first, duration=1.0)
    recorder.close(third, duration=1.0)
    assert [entry and entry.number for entry in (next(following), next(following), next(following))] == [1, 3, None]
    recorder.clear()
    recorder.close(opened(recorder, 1)[0], duration=1.0)
    assert [entry and entry.number for entry in (next(following), next(following))] == [1, None]
    late = recorder.follow(after=999_999_999, patience=0.0)
    assert next(late) is None
    recorder.end()
    assert list(following) == []


def test_tokens_are_masked_wherever_they_are_put() -> None:
    """A scope, a path or a client id may be one by mistake."""
    recorder, token = Recorder(), jwt.encode({"sub": "somebody"}, "k" * 32)
    entry = recorder.open(at=0, emulator="authority", method="GET", server_name="localhost", path=f"/{token}/x")
    recorder.close(entry, resource=token, scope=f"api://{token}/.default", client_id=f"1.A{'r' * 64}", status=400)
    (shown,) = recorder.entries()
    assert (shown.path, shown.resource, shown.scope) == ("/<token>/x", "<token>", "api://<token>/.default")
    assert shown.client_id == "<token>"
    assert token.rpartition(".")[2] not in repr(shown)
