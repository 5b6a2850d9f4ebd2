"""Faults that nobody would meet are refused where a test adds them."""

import pytest

from azcred_emulators.faults import BlackHole, Exit, Status, Throttle
from pytest_azcred.azcred import Azcred


def test_a_class_in_place_of_a_fault(azcred: Azcred) -> None:
    """The sentence says what to write."""
    with pytest.raises(TypeError, match=r"Throttle is the class of a fault; add one of it: Throttle\(\.\.\.\)"):
        azcred.environment("app-service").faults.add(Throttle)
    with pytest.raises(TypeError, match=r"'az' runs commands, whose faults are Crash, .*Slow"):
        azcred.environment("developer-azure-cli").faults.add(Status(429))
    with pytest.raises(TypeError, match=r"takes at least one fault, such as Throttle\(\)"):
        azcred.authority.faults.add()


def test_a_host_that_the_place_does_not_have(azcred: Azcred) -> None:
    """The app is in App Service alone, so it never asks IMDS; the sentence says where the host is."""
    azcred.environment("app-service")
    with pytest.raises(TypeError) as error:
        azcred.faults_of("imds").add(Throttle())
    assert str(error.value) == (
        "Throttle() cannot happen here: the app is in app-service, which has no 'imds'; it is in virtual-machine, "
        "scale-set, container-instances, kubernetes-node"
    )
    azcred.environment("virtual-machine")
    azcred.faults_of("imds").add(Throttle(), optional=True)


def test_a_tool_that_is_not_on_path(azcred: Azcred) -> None:
    """Unless the test has put it there itself."""
    azcred.environment("kubernetes")
    with pytest.raises(TypeError, match="the app is in kubernetes, which has no 'az'; it is in developer-azure-cli, a"):
        azcred.executables["az"].faults.add(Exit(1))
    azcred.install("az")
    azcred.executables["az"].faults.add(Exit(1), optional=True)
    with pytest.raises(TypeError, match="faults cannot be chosen by 'resource'; they can by operation, provider"):
        azcred.executables["az"].faults.add(Exit(1), resource="https://vault.azure.net")


def test_a_network_in_which_the_address_of_a_host_is_swallowed(azcred: Azcred) -> None:
    """A connection to a real address can go wrong in a place without the host: that is what slows a laptop down."""
    azcred.environment("developer-azure-cli")
    azcred.faults_of("imds").add(BlackHole(), optional=True)


def test_a_fault_before_the_place(azcred: Azcred) -> None:
    """Where the app will be is not known yet; and a service without a place is there always."""
    azcred.faults_of("functions").add(Throttle(), optional=True)
    azcred.environment("kubernetes").faults.add(Throttle(), optional=True)
    azcred.faults_of("graph").add(Status(500), optional=True)


def test_a_place_that_was_left(azcred: Azcred) -> None:
    """What another place has does not count any more."""
    with azcred.environment("functions") as functions:
        functions.faults.add(Throttle(), optional=True)
    azcred.environment("app-service")
    with pytest.raises(TypeError, match="the app is in app-service, which has no 'functions'; it is in functions"):
        functions.faults.add(Throttle())


def test_an_emulator_that_does_not_exist(azcred: Azcred) -> None:
    """The error names the nearest."""
    with pytest.raises(LookupError, match="there is no emulator 'imsd'; did you mean 'imds'"):
        azcred.faults_of("imsd")
