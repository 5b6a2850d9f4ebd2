"""The files on PATH: they start from anywhere, find the emulator, and say so where there is none."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.executables import Call
from werkzeug.test import Client

from azcred_emulators.directory import User
from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.emulators import Emulators
from azcred_emulators.executables import launcher
from azcred_emulators.executables.azure_cli.az import AzureCli
from azcred_emulators.executables.executable import Invocation
from azcred_emulators.faults import Exit, Hang

TOKEN = ("az", "account", "get-access-token", "--resource", "https://vault.azure.net")


def test_an_empty_environment(emulators: Emulators, az: AzureCli, user: User) -> None:
    """Neither PATH nor any other variable is needed: interpreter and emulator are named in full."""
    az.sign_in(user)
    path = emulators.executables.install("az") / "az"
    result = subprocess.run([path, *TOKEN[1:]], cwd="/bin", env={}, capture_output=True, check=True)
    assert json.loads(result.stdout)["tokenType"] == "Bearer"


def test_found_by_the_shell(emulators: Emulators) -> None:
    """A shell finds it on PATH, as most SDKs have it do, and passes the exit code on."""
    folder = emulators.executables.install("az")
    result = subprocess.run(
        ["/bin/sh", "-c", "az account get-access-token"], cwd="/bin", env={"PATH": str(folder)}, capture_output=True
    )
    assert result.returncode == 1
    assert result.stderr == b"ERROR: Please run 'az login' to setup account.\n"


def test_the_callers_python_does_not_matter(call: Call, tmp_path: Path) -> None:
    """Variables and modules of the caller's Python, this run's redirection among them, stay outside."""
    (tmp_path / "socket.py").write_text("raise RuntimeError")
    (tmp_path / "sitecustomize.py").write_text("raise RuntimeError")
    variables = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path), "PYTHONSTARTUP": "/nowhere"}
    assert call(*TOKEN, variables=variables).stderr == "ERROR: Please run 'az login' to setup account.\n"


def test_parallel_calls(call: Call, az: AzureCli, user: User, emulators: Emulators) -> None:
    """Calls at the same time get an answer each."""
    az.sign_in(user)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: call(*TOKEN), range(16)))
    assert {json.loads(result.stdout)["tokenType"] for result in results} == {"Bearer"}
    emulators.journal.assert_tokens(provider="azure-cli", times=16)


def test_output_and_exit_code_are_those_of_the_emulator(call: Call, az: AzureCli) -> None:
    """Bytes, both streams and the code arrive as they are, however much it is."""
    az.faults.add(Exit(42, stdout="out\x00ü" * 100_000, stderr="err\n"))
    result = call("az", "anything")
    assert (result.returncode, result.stdout, result.stderr) == (42, "out\x00ü" * 100_000, "err\n")


def test_arguments_arrive_as_they_are(call: Call, emulators: Emulators) -> None:
    """Spaces, quotes, line breaks and empty arguments are the caller's."""
    call("az", "", "a b", "'\"$HOME", "line\nbreak", "ü")
    assert emulators.journal.requests()[-1].command == "az  a b '\"$HOME line\nbreak ü"


def test_a_hanging_call_is_killed_by_its_caller(call: Call, az: AzureCli) -> None:
    """The launcher is one process: after its caller has killed it, nothing is left."""
    az.faults.add(Hang())
    with pytest.raises(subprocess.TimeoutExpired):
        call(*TOKEN, timeout=2)


def test_a_hanging_call_ends_with_the_shell_that_made_it(call: Call, emulators: Emulators, az: AzureCli) -> None:
    """Callers that kill the shell between do not leave the launcher behind."""
    az.faults.add(Hang())
    folder = emulators.executables.install()
    with subprocess.Popen(
        ["/bin/sh", "-c", "az version; exit $?"], env={"PATH": str(folder)}, stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout
        while not emulators.journal.requests(exit_code=1):
            os.sched_yield()
        shell.kill()
        assert shell.stdout.read() == b""  # its end: the launcher had the pipe open as well


def test_a_hanging_call_ends_with_the_emulators(call: Call, emulators: Emulators, az: AzureCli) -> None:
    """Callers that kill nothing leave it behind for the rest of the run, and no longer."""
    az.faults.add(Hang())
    folder = emulators.executables.install()
    with subprocess.Popen([folder / "az", "version"], env={"PATH": str(folder)}) as launcher:
        while not emulators.journal.requests(exit_code=1):
            os.sched_yield()
        emulators.executables.state.unlink()
        assert launcher.wait() == 1


def test_a_call_that_waits_for_a_person(
    call: Call, az: AzureCli, emulators: Emulators, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher prints what there is and calls again until the tool is done; that is no other call to a fault."""

    def run(invocation: Invocation, details: dict[str, object]) -> CommandResult:
        if invocation.resume:
            return CommandResult(stdout=f"{invocation.resume}\n", exit_code=3)
        az.faults.add(Hang())
        return CommandResult(stderr="type in 123\n", resume="123")

    monkeypatch.setattr(az, "run", run)
    result = call("az", "login")
    assert (result.stdout, result.stderr, result.returncode) == ("123\n", "type in 123\n", 3)
    assert [entry.exit_code for entry in emulators.journal.requests()] == [None, 3]


def test_no_emulator(tmp_path: Path, emulators: Emulators) -> None:
    """Without an emulator the launcher says what is wrong in one sentence."""
    state = tmp_path / "emulator"
    path = launcher.write(tmp_path, "az", state)
    result = subprocess.run([path, "version"], env={}, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"az: no emulator runs for this fake: {state} does not say where one is\n"
    state.write_text("127.0.0.1 1 key")
    result = subprocess.run([path, "version"], env={}, capture_output=True, text=True)
    assert result.stderr.startswith("az: no emulator runs for this fake: 127.0.0.1:1 does not answer (")
    host, port = emulators.http.address
    state.write_text(f"{host} {port} key")
    result = subprocess.run([path, "version"], env={}, capture_output=True, text=True)
    assert result.stderr == "az: the emulator that answers is that of another run\n"


def test_the_variable_names_another_emulator(tmp_path: Path, emulators: Emulators) -> None:
    """`AZCRED_EXECUTABLES` comes before the file that the launcher was written with."""
    path = launcher.write(tmp_path, "az", tmp_path / "nothing")
    emulators.executables.install("az")
    variables = {"AZCRED_EXECUTABLES": str(emulators.executables.state)}
    result = subprocess.run([path, *TOKEN[1:]], env=variables, capture_output=True, text=True)
    assert result.stderr == "ERROR: Please run 'az login' to setup account.\n"


def test_nobody_else_can_read_or_run(emulators: Emulators) -> None:
    """The folder, the key in it and the launchers are for this user alone."""
    folder = emulators.executables.install("az")
    for path in (folder, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_only_what_is_installed_is_there(emulators: Emulators) -> None:
    """A test that has not installed `az` has none on PATH, whether it was never there or has been taken away."""
    folder = emulators.executables.install("az")
    emulators.executables.uninstall("az")
    assert not (folder / "az").exists()
    emulators.executables.install("az")
    emulators.reset()
    assert not (folder / "az").exists()


def test_installing_and_uninstalling_are_a_pair(emulators: Emulators) -> None:
    """Both take several names, return the folder, and change nothing when they are called again."""
    executables = emulators.executables
    for _ in range(2):
        folder = executables.install("azd", "pwsh")
        assert {"azd", "pwsh"} <= {path.name for path in folder.iterdir()}
    for _ in range(2):
        assert executables.uninstall("azd", "pwsh") == folder
        assert not {"azd", "pwsh"} & {path.name for path in folder.iterdir()}


def test_an_executable_that_no_fake_is_of(emulators: Emulators) -> None:
    """Each says so in the same sentence, with the names that there are, and touches none of the others."""
    sentence = "^there is no fake 'terraform'; there are az, azd, pwsh, powershell$"
    folder = emulators.executables.install("az")
    with pytest.raises(LookupError, match=sentence):
        emulators.executables.install("azd", "terraform")
    assert not (folder / "azd").exists()
    with pytest.raises(LookupError, match=sentence):
        emulators.executables.uninstall("az", "terraform")
    assert (folder / "az").exists()
    with pytest.raises(LookupError, match=sentence):
        emulators.executables.variables("terraform")


def test_the_shim_for_windows() -> None:
    """It names everything in full and ends with the tool's exit code; percent signs are doubled."""
    text = launcher.shim(["C:\\Program Files\\100%\\python.exe", "-I", "launch.py", "az"])
    assert text.splitlines() == [
        "@echo off",
        '"C:\\Program Files\\100%%\\python.exe" "-I" "launch.py" "az" %*',
        "exit /b %ERRORLEVEL%",
    ]


def test_only_the_variables_of_the_tools_are_sent(call: Call, az: AzureCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator sees the caller's folder and the tools' settings; secrets stay with the caller."""
    calls: list[Invocation] = []

    def run(invocation: Invocation, details: dict[str, object]) -> CommandResult:
        calls.append(invocation)
        return CommandResult()

    monkeypatch.setattr(az, "run", run)
    settings = {"AZURE_CONFIG_DIR": "/x", "AZURE_CORE_OUTPUT": "tsv", "TZ": "Asia/Tokyo"}
    call("az", "version", variables={**settings, "AZURE_CLIENT_SECRET": "s", "AZURE_PASSWORD": "s", "SECRET": "s"})
    assert calls[0].environ == settings
    assert calls[0].folder == os.path.realpath("/bin")


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("login", "-u", "x", "-p", "s3cret", "--tenant", "t"), "az login -u x -p *** --tenant t"),
        (("logout", "--password=s3cret"), "az logout --password=***"),
        (("logout", "--pass", "s3cret"), "az logout --pass ***"),
        (("logout", "-ps3cret"), "az logout -p***"),
        (("logout", "--federated-token", "eyJh.eyJz.x"), "az logout --federated-token ***"),
        (("anything", "eyJhbGci.eyJzdWIi.x"), "az anything ***"),
    ],
)
def test_secrets_stay_out_of_the_journal(
    call: Call, emulators: Emulators, arguments: tuple[str, ...], command: str
) -> None:
    """The journal shows how a tool was called, but no secret and no token."""
    call("az", *arguments)
    assert [entry.command for entry in emulators.journal.requests()] == [command]
    assert "s3cret" not in repr(emulators.journal.requests())


def test_an_outsider_gets_nothing(emulators: Emulators) -> None:
    """Without the run's key the emulator runs nothing, and a body that is none of a launcher's is refused."""
    client = Client(emulators.application)
    emulators.executables.install("az")
    key = emulators.executables.state.read_text().split()[2]
    for headers, path, status in (
        ({}, "az", 401),
        ({"Authorization": "Bearer wrong"}, "az", 401),
        ({"Authorization": f"Bearer {key}"}, "terraform", 404),
        ({"Authorization": f"Bearer {key}"}, "az", 400),
    ):
        answer = client.post(f"/azcred/executables/{path}", base_url="http://127.0.0.1", headers=headers, data=b"x")
        assert answer.status_code == status
    assert client.get("/azcred/executables/az", base_url="http://127.0.0.1").status_code == 405
    assert not any(entry.command for entry in emulators.journal.requests())
