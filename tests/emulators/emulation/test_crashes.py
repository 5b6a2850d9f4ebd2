"""An emulator that crashes: the client gets a 500, the journal has it, and the traceback is kept."""

import subprocess
from dataclasses import dataclass

import pytest
import requests
from werkzeug.wrappers import Response

from azcred_emulators.directory import User
from azcred_emulators.emulation.command import CommandFault
from azcred_emulators.emulation.crashes import EmulatorCrash
from azcred_emulators.emulation.fault import Exchange, RequestFault, in_pieces
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import RefusedPort
from azcred_emulators.faults.network import Network

KEYS = "/common/discovery/keys"


@dataclass(frozen=True, slots=True, repr=False)
class Broken(RequestFault):
    """A kind of a test's own, with a defect: it raises what it should not."""

    in_body: bool = False

    def apply(self, exchange: Exchange) -> Response:
        """Fail, before the answer or in the middle of its body."""
        if not self.in_body:
            raise ZeroDivisionError("the secret hunter2")

        def half(body: bytes):  # type: ignore[no-untyped-def]
            yield body[:1]
            raise ZeroDivisionError

        return in_pieces(exchange.answer(), half)


@dataclass(frozen=True, slots=True, repr=False)
class BrokenCommand(CommandFault):
    """The same for commands."""

    def apply_to_command(self, run: object) -> None:  # type: ignore[override]
        """Fail."""
        raise KeyError("subscription")


def test_a_request(emulators: Emulators, capsys: pytest.CaptureFixture[str]) -> None:
    """The class of the exception alone is in answer and journal, since its text may hold a secret."""
    emulators.authority.faults.add(Broken(), operation="keys")
    answer = requests.get(f"{emulators.http.url}{KEYS}", timeout=30)
    reason = "the emulator 'authority' crashed: ZeroDivisionError"
    assert (answer.status_code, answer.text) == (500, f"azcred: {reason}; its traceback is on standard error")
    [entry] = emulators.journal.requests(status=500)
    assert (entry.emulator, entry.error, entry.fault, entry.operation) == ("authority", reason, "Broken", "keys")
    assert entry.duration
    [report] = emulators.crashes.reports
    assert report.startswith(f"azcred: the emulator 'authority' crashed while it answered GET {KEYS}:\nTraceback")
    assert report.endswith("ZeroDivisionError: the secret hunter2")
    assert report in capsys.readouterr().err
    with pytest.raises(EmulatorCrash, match="Traceback"):
        emulators.crashes.check()


def test_the_next_request_is_answered(emulators: Emulators) -> None:
    """On the same connection; a reset forgets what was."""
    emulators.authority.faults.add(Broken(), operation="keys")
    with requests.Session() as session:
        statuses = [session.get(f"{emulators.http.url}{KEYS}", timeout=30).status_code for _ in range(2)]
    assert statuses == [500, 200]
    emulators.reset()
    emulators.crashes.check()


def test_the_middle_of_a_body(emulators: Emulators) -> None:
    """The status has been sent already, so the connection breaks."""
    emulators.authority.faults.add(Broken(in_body=True), operation="keys")
    with pytest.raises(requests.RequestException):
        requests.get(f"{emulators.http.url}{KEYS}", timeout=30)
    assert "ZeroDivisionError" in emulators.crashes.reports[0]


def test_a_connection(emulators: Emulators) -> None:
    """There is no request yet, so it is aborted."""

    class BrokenNetwork(RefusedPort):
        """A kind of a fault of connections, with a defect."""

        def connect(self, network: Network) -> tuple[str, int]:
            """Fail."""
            raise ZeroDivisionError

    emulators.authority.faults.add(BrokenNetwork())
    with pytest.raises(ConnectionAbortedError, match="the fault BrokenNetwork crashed"):
        emulators.connect("login.microsoftonline.com", 443)
    assert "while it answered a connection to login.microsoftonline.com:443" in emulators.crashes.reports[0]


def test_an_emulator_itself(emulators: Emulators) -> None:
    """Here by an entity of the directory that is none: its user has a number for a name."""
    broken = User(name="Ada", tenant_id="11111111-1111-4111-8111-111111111111", principal_name="ada@contoso.com")
    emulators.directory.add(broken)
    emulators.directory.replace(broken, password=7)
    form = {
        "grant_type": "password",
        "username": "ada@contoso.com",
        "password": "x",
        "client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "scope": "https://vault.azure.net/.default",
    }
    answer = requests.post(f"{emulators.http.url}/{broken.tenant_id}/oauth2/v2.0/token", data=form, timeout=30)
    assert answer.status_code == 500
    [entry] = emulators.journal.requests(status=500)
    assert (entry.grant, entry.operation) == ("password", "token")
    [report] = emulators.crashes.reports
    assert "users.py" in report


def test_a_tool(emulators: Emulators) -> None:
    """Its caller sees a command that fails, and the journal names the tool."""
    variables = emulators.executables.variables("az")
    emulators.executables["az"].faults.add(BrokenCommand())
    result = subprocess.run(
        ["az", "account", "show"], env=dict(variables), capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    assert "the emulator 'azure-cli' crashed: KeyError" in result.stderr
    [entry] = emulators.journal.requests(emulator="azure-cli")
    assert (entry.status, entry.exit_code, entry.provider, entry.command) == (500, None, "azure-cli", "az account show")
    assert "KeyError: 'subscription'" in emulators.crashes.reports[0]
