"""What goes wrong with executables, as their callers see it."""

from __future__ import annotations

import time

import pytest
from support.executables import Call

from azcred_emulators import faults
from azcred_emulators.directory import User
from azcred_emulators.emulators import Emulators
from azcred_emulators.executables.azure_cli.az import AzureCli
from azcred_emulators.faults import Crash, Exit, Garbage, Noise, Slow

TOKEN = ("az", "account", "get-access-token")


def test_faults_apply_to_one_call_each_in_order(call: Call, az: AzureCli, user: User, emulators: Emulators) -> None:
    """After the script the tool works again; the journal tells which calls had a fault."""
    az.sign_in(user)
    az.faults.add(Exit(3, stderr="no\n"))
    az.faults.add(Crash())
    assert [call(*TOKEN).returncode for _ in range(3)] == [3, 1, 0]
    assert [entry.fault for entry in emulators.journal.requests()] == ["Exit", "Crash", None]
    assert [entry.exit_code for entry in emulators.journal.requests(provider="azure-cli")] == [3, 1, 0]


def test_a_fault_for_tokens_only(call: Call, az: AzureCli, user: User) -> None:
    """Other calls pass it by."""
    az.sign_in(user)
    az.faults.add(Garbage(), operation="token")
    assert call("az", "account", "show").stdout.startswith("{\n")
    assert call(*TOKEN).stdout == Garbage().stdout
    assert call(*TOKEN).returncode == 0


def test_noise_comes_before_the_answer(call: Call, az: AzureCli, user: User) -> None:
    """A warning is on standard error, as az writes it, or on standard output, as a wrapper script might."""
    az.sign_in(user)
    az.faults.add(Noise(), Noise(stdout="Activating...\n", stderr=""))
    quiet, loud = call(*TOKEN), call(*TOKEN)
    assert quiet.stdout.startswith("{")
    assert quiet.stderr.startswith("WARNING: ")
    assert (loud.stdout[:15], loud.stderr) == ("Activating...\n{", "")


def test_garbage_is_a_success_that_nobody_can_read(call: Call, az: AzureCli) -> None:
    """The exit code is 0 all the same."""
    az.faults.add(Garbage())
    result = call(*TOKEN)
    assert (result.returncode, result.stdout, result.stderr) == (0, Garbage().stdout, "")


def test_slow_is_the_callers_time_not_the_emulators(call: Call, az: AzureCli, user: User, emulators: Emulators) -> None:
    """The launcher waits, so the emulator answers others meanwhile."""
    az.sign_in(user)
    az.faults.add(Slow(0.2))
    started = time.perf_counter()
    assert call(*TOKEN).returncode == 0
    assert time.perf_counter() - started >= 0.2
    assert emulators.journal.requests()[-1].duration < 0.2


def test_a_hang_is_the_one_of_the_emulators(call: Call, az: AzureCli, user: User, emulators: Emulators) -> None:
    """The same faults apply to requests and calls; nothing is printed when it ends."""
    az.sign_in(user)
    az.faults.add(faults.Hang(0.05), faults.Slow(0.05))
    hung, slow = call(*TOKEN), call(*TOKEN)
    assert (hung.returncode, hung.stdout, hung.stderr) == (1, "", "")
    assert slow.stdout.startswith("{")
    assert [entry.fault for entry in emulators.journal.requests()] == ["Hang", "Slow"]


def test_reset_forgets_faults_and_accounts(call: Call, az: AzureCli, user: User, emulators: Emulators) -> None:
    """The next test finds a tool that works and nobody signed in."""
    az.sign_in(user)
    az.faults.add(Garbage())
    emulators.reset()
    emulators.executables.install("az")
    assert call(*TOKEN).stderr == "ERROR: Please run 'az login' to setup account.\n"


def test_a_fault_of_requests_is_an_error(az: AzureCli) -> None:
    """Where the test adds it; the sentence says what there is."""
    with pytest.raises(
        TypeError, match=r"'az' runs commands, whose faults are Crash, .*Slow; Status\(500\) is not one of these"
    ):
        az.faults.add(faults.Status(500))  # type: ignore[arg-type]
    assert not az.faults
