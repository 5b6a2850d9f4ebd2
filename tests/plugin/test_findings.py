"""What the emulators have noticed about a test, as sentences."""

from azcred_emulators.emulation.journal_entry import JournalEntry
from pytest_azcred.findings import Finding, summary, waits


def entry(
    number: int, at: float, status: int | None = None, emulator: str = "imds", exit_code: int | None = None
) -> JournalEntry:
    """Return an entry of the journal."""
    return JournalEntry(
        number=number,
        at=at,
        emulator=emulator,
        host=None,
        method="GET",
        server_name="169.254.169.254",
        path="/",
        status=status,
        exit_code=exit_code,
    )


def finding(test: str, *, idle: tuple[str, ...] = (), refused: tuple[str, ...] = (), waited: float = 0.0) -> Finding:
    """Return what was found about a test."""
    return Finding(test=test, idle=[*idle], refused=[*refused], waited=waited)


def test_waits_follow_failures() -> None:
    """Time counts between a failed attempt and the next one at the same emulator, not between an app's own calls."""
    assert waits([entry(1, 0.0, 429), entry(2, 5.0, 410), entry(3, 85.0, 200), entry(4, 200.0, 200)]) == 85.0
    assert waits([entry(1, 0.0, 500), entry(2, 10.0, 200, "authority"), entry(3, 30.0, 200)]) == 30.0
    assert waits([entry(1, 0.0, None), entry(2, 2.0, 200)]) == 2.0
    assert waits([entry(1, 0.0, emulator="az", exit_code=1, status=200), entry(2, 2.0, 200, "az")]) == 2.0
    assert waits([]) == 0.0


def test_advice_for_a_test_that_waited() -> None:
    """From some seconds on, and not for the usual second between two attempts."""
    assert finding("test_it", waited=1.0).advice() == []
    assert finding("test_it", waited=1.0).to_json() == {}
    (sentence,) = finding("test_it", waited=85.4).advice()
    assert sentence == (
        "azcred: the test waited 85 s between attempts; azcred.clock.skip_waits() skips the waits between retries."
    )


def test_advice_for_one_that_was_refused_or_idle() -> None:
    """Refused hosts are named where no journal does so already."""
    found = finding("test_it", idle=("kubernetes",), refused=("orders.contoso.com:443",))
    assert len(found.advice()) == 1
    sentences = found.advice(refused=True)
    assert "orders.contoso.com:443" in "\n".join(sentences)
    assert "the app asked for no token in kubernetes" in sentences[-1]
    assert Finding(**found.to_json()) == found


def test_the_summary() -> None:
    """One line for each kind of finding, and one for each host; nothing if there is nothing."""
    assert summary([], verbose=True) == []
    lines = summary(
        [
            finding("test_a", refused=("orders.contoso.com:443",) * 2),
            finding("test_b", refused=("orders.contoso.com:443", "www.contoso.com:80"), waited=10.0),
            finding("test_c", idle=("app-service", "azure-arc"), waited=20.0),
        ],
        verbose=True,
    )
    assert lines[1:] == [
        "  test_c: app-service, azure-arc",
        "refused: orders.contoso.com:443, 3 times, in test_a and 1 others",
        "refused: www.contoso.com:80, 1 time, in test_b",
        "2 tests waited 30 s between attempts; azcred.clock.skip_waits() skips the waits between retries.",
    ]
