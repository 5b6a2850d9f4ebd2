"""The script of faults: which request meets which fault."""

import pytest

from azcred_emulators.emulation.script import Faults
from azcred_emulators.faults import Gone, Status


@pytest.fixture
def faults() -> Faults[object]:
    """An empty script."""
    return Faults()


def test_faults_come_in_order(faults: Faults[object]) -> None:
    """A whole sequence can be repeated."""
    faults.add("first", "second", times=2)
    assert [faults.take() for _ in range(5)] == ["first", "second", "first", "second", None]


def test_a_fault_waits_for_its_request(faults: Faults[object]) -> None:
    """One that is for others does not hold up those behind it."""
    faults.add("refresh", grant="refresh_token", resource="https://vault.azure.net")
    faults.add("any")
    assert faults.take({"grant": "password", "resource": "https://vault.azure.net"}) == "any"
    assert faults.take({"grant": "refresh_token", "resource": "https://storage.azure.com"}) is None
    assert faults.take({"grant": "refresh_token", "resource": "https://vault.azure.net"}) == "refresh"


def test_the_nth_request_is_counted_among_those_that_match(faults: Faults[object]) -> None:
    """Requests that met another fault count, too."""
    faults.add("first", operation="token")
    faults.add("third", nth=3, times=2, operation="token")
    operations = ["token", "probe", "token", "token", "token", "token"]
    assert [faults.take({"operation": one}) for one in operations] == ["first", None, None, "third", "third", None]


def test_explicit_criteria_replace_the_default_ones() -> None:
    """The token service's faults are for tokens unless they say otherwise."""
    faults: Faults[object] = Faults({"operation": "token"})
    faults.add("token")
    faults.add("keys", operation="keys")
    assert faults.take({"operation": "openid-configuration"}) is None
    assert faults.take({"operation": "keys"}) == "keys"
    assert faults.take({"operation": "token"}) == "token"


def test_what_is_left_is_known(faults: Faults[object]) -> None:
    """Optional faults may stay."""
    assert not faults
    faults.add(Status(429), Gone())
    faults.add("optional", optional=True)
    faults.take()
    assert faults
    assert faults.unspent == (Gone(),)
    assert faults.added == 3
    faults.clear()
    assert not faults
    assert faults.added == 0


def test_clearing_cancels_what_waits(faults: Faults[object]) -> None:
    """Once: what is added later is not cancelled by it."""
    cancelled = faults.cancelled
    faults.clear()
    assert cancelled.is_set()
    assert not faults.cancelled.is_set()


def test_mistakes_are_named(faults: Faults[object]) -> None:
    """A number below 1, and a criterion that requests do not have."""
    with pytest.raises(ValueError, match="a fault happens at least once, not 0 times"):
        faults.add("never", times=0)
    with pytest.raises(ValueError, match="counted from 1, so there is none with the number 0"):
        faults.add("never", nth=0)
    with pytest.raises(TypeError, match="cannot be chosen by 'colour'; they can by client_id, grant"):
        faults.add("never", colour="red")
