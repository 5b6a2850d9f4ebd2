"""The Azurite process itself: where it is found, how it starts and ends, and that tests get it empty."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

from azcred_emulators.emulators import Emulators
from azcred_emulators.serving.server import Server
from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite, AzuriteMissing, AzuriteTooOld, find_executable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def executable() -> Path:
    """The Azurite of this machine; the test is skipped without one."""
    try:
        return find_executable(ROOT)
    except AzuriteMissing as missing:
        pytest.skip(str(missing))


def service(account: str, credential: Any) -> BlobServiceClient:
    return BlobServiceClient(f"https://{account}.blob.core.windows.net", credential=credential)


def names(client: BlobServiceClient) -> list[str]:
    return sorted(container.name for container in client.list_containers())


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_gets_empty_storage(azurite: Azurite, turn: int) -> None:
    """Both turns create the same container: neither finds the other's."""
    client = service("myaccount", azurite.key)
    assert names(client) == []
    client.create_container("photos").upload_blob("cat.jpg", b"meow")


def test_clear_breaks_leases(azurite: Azurite) -> None:
    """A container that the app has leased cannot be deleted by others, yet nothing is left of it."""
    client = service("myaccount", azurite.key)
    leased: Any = client.create_container("leased")
    leased.acquire_lease()
    client.create_container("photos").upload_blob("cat.jpg", b"meow")
    client.create_container("$root")
    azurite.clear()
    assert names(client) == []
    assert not client.create_container("photos").get_blob_client("cat.jpg").exists()


def test_clear_whatever_the_clock(azcred: Azcred, azurite: Azurite) -> None:
    """A test may leave its clock anywhere."""
    service("myaccount", azurite.key).create_container("photos")
    azcred.clock.advance(days=365)
    azurite.clear()
    assert names(service("myaccount", azurite.key)) == []


def test_the_journal_shows_the_app_alone(azcred: Azcred, azurite: Azurite) -> None:
    """Neither looking at what is there nor clearing is recorded."""
    service("myaccount", azurite.key).create_container("photos")
    azurite.contents()
    azurite.clear()
    [entry] = azcred.journal.requests()
    assert (entry.emulator, entry.method, entry.server_name, entry.path, entry.status, entry.identity) == (
        "storage",
        "PUT",
        "myaccount.blob.core.windows.net",
        "/photos",
        201,
        None,
    )


def test_a_connection_string(azurite: Azurite) -> None:
    """With the shared key, for every client that takes one."""
    service = BlobServiceClient.from_connection_string(azurite.connection_string("myaccount"))
    assert names(service) == []
    with pytest.raises(LookupError, match="Azurite has no account 'other'; it has myaccount"):
        azurite.connection_string("other")


def ended(connection: socket.socket) -> bool:
    """Wait for the other side to go away; any bytes before mean that it has not."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_several_accounts(azcred: Azcred, azcred_emulators: Emulators, executable: Path) -> None:
    """Each has storage of its own, the app's token is good for all of them, and nothing of it is left behind."""
    azcred.environment("virtual-machine")
    before = set(azcred_emulators.folder.iterdir())
    with Azurite(azcred_emulators, "original", "backup", executable=executable) as azurite:
        for host in azurite.hosts:
            azcred.route(host, to=azurite.url)
        credential = DefaultAzureCredential()
        service("original", credential).create_container("photos")
        assert names(service("original", credential)) == ["photos"]
        assert names(service("backup", credential)) == []
        with pytest.raises(ValueError, match="another Azurite holds the account 'backup' already"):
            azcred_emulators.storage.add([account for account in azurite._served if account.name == "backup"])
        connection = socket.create_connection(azurite._upstreams["blob"]._address, timeout=30)
    with connection:
        assert ended(connection)
    assert set(azcred_emulators.folder.iterdir()) == before
    azcred.journal.assert_tokens(host="imds", times=1)


KILLED_RUN = """
import os, pathlib, signal, sys
from azcred_emulators.emulators import Emulators
from azcred_emulators.serving.server import Server
from pytest_azcred.azurite import Azurite

emulators = Emulators()
azurite = Azurite(emulators, "myaccount", executable=pathlib.Path(sys.argv[1]))
azurite.start()
print(azurite._upstreams["blob"]._address[1], flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_it_ends_with_a_run_that_is_killed(executable: Path, tmp_path: Path) -> None:
    """A run that is killed cannot stop anything; its connection to Azurite breaks nevertheless."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN, executable],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        port = int(run.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            run.stdin.write("\n")
            run.stdin.close()
            assert run.wait() == -signal.SIGKILL
            assert ended(connection)


def test_what_it_printed_is_shown_if_it_does_not_start(azcred_emulators: Emulators, tmp_path: Path) -> None:
    """On both outputs."""
    broken = tmp_path / "azurite"
    broken.write_text("#!/bin/sh\necho Azurite Blob service is starting\necho no such option >&2\nexit 1\n")
    broken.chmod(0o700)
    with pytest.raises(RuntimeError, match="is starting\nno such option"):
        Azurite(azcred_emulators, "myaccount", executable=broken).start()


def test_an_executable_that_is_not_there(azcred_emulators: Emulators, tmp_path: Path) -> None:
    """The operating system's error names it."""
    before = set(azcred_emulators.folder.iterdir())
    with pytest.raises(FileNotFoundError, match="azurite"):
        Azurite(azcred_emulators, "myaccount", executable=tmp_path / "azurite").start()
    assert set(azcred_emulators.folder.iterdir()) == before


def test_an_account_is_needed(azcred_emulators: Emulators) -> None:
    """The message names one."""
    with pytest.raises(TypeError, match='such as "myaccount"'):
        Azurite(azcred_emulators, executable=Path("azurite"))


def program(folder: Path, name: str) -> Path:
    """Put an executable file into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.touch(mode=0o700)
    return file


def test_npm_s_folder_is_looked_at_first(tmp_path: Path) -> None:
    """In the project or above it, as Node.js itself does; then PATH, where Node.js must be anyway."""
    tools = program(tmp_path / "tools", "node").parent
    with pytest.raises(AzuriteMissing):
        find_executable(tmp_path / "repository" / "package", path=str(tools))
    on_path = program(tools, "azurite")
    assert find_executable(tmp_path / "repository" / "package", path=str(tools)) == on_path
    above = program(tmp_path / "repository" / "node_modules" / ".bin", "azurite")
    assert find_executable(tmp_path / "repository" / "package", path=str(tools)) == above


def test_without_node_it_cannot_run(tmp_path: Path) -> None:
    """The message says what to do."""
    program(tmp_path / "node_modules" / ".bin", "azurite")
    with pytest.raises(AzuriteMissing, match=r"run `npm install azurite` \(Node\.js brings npm\)"):
        find_executable(tmp_path, path=str(tmp_path / "nothing"))


USER = """
def test_upload(fake_managed_identity, azurite):
    raise AssertionError("not reached")
"""


def test_a_user_without_azurite_is_told_how_to_install_it(tmp_path: Path) -> None:
    """The test is skipped, with one sentence."""
    (tmp_path / "test_user.py").write_text(USER)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "test_user.py"],
        cwd=tmp_path,
        env={**os.environ, "PATH": str(tmp_path), "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 skipped" in run.stdout
    assert "Azurite is not installed: run `npm install azurite`" in run.stdout


CONFIGURED = """
def test_accounts(azurite_server):
    assert azurite_server.accounts == ("original", "backup")
    assert azurite_server.hosts[:2] == ("original.blob.core.windows.net", "original.queue.core.windows.net")
    assert azurite_server.contents() == set()
"""


def test_the_ini_options(tmp_path: Path, executable: Path) -> None:
    """They name the accounts, and an Azurite that is neither in the project nor on PATH."""
    (tmp_path / "test_user.py").write_text(CONFIGURED)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nazcred_azurite_accounts = original backup\nazcred_azurite_executable = bin/azurite\n"
    )
    program(tmp_path / "bin", "azurite").write_text(f'#!/bin/sh\nexec "{executable}" "$@"\n')
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in run.stdout, run.stdout


def test_it_is_not_running_before_it_starts(azcred_emulators: Emulators) -> None:
    """So there is no URL for a route."""
    azurite = Azurite(azcred_emulators, "myaccount", executable=Path("azurite"))
    with pytest.raises(RuntimeError, match="Azurite is not running"):
        _ = azurite.url
    azurite.stop()


@pytest.mark.parametrize(
    ("name", "found"),
    [("Azurite-Blob/3.35.0", "Azurite is 3.35.0"), ("Something/4", "Azurite is of an unknown version")],
)
def test_one_that_is_too_old_is_refused(azcred_emulators: Emulators, tmp_path: Path, name: str, found: str) -> None:
    """The sentence says what it is, and how to get a later one."""

    def application(_: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Server", name)])
        return []

    server = Server(application, tls=azcred_emulators.certificate_authority.server_context())
    server.start()
    old = program(tmp_path, "azurite")
    lines = (
        f"echo Azurite {service} service is successfully listening on https://127.0.0.1:{server.address[1]}"
        for service in ("Blob", "Queue", "Table")
    )
    old.write_text("\n".join(["#!/bin/sh", *lines, "exec cat\n"]))
    try:
        with pytest.raises(AzuriteTooOld, match=rf"{found}, and 3\.37 or later is needed: run `npm install azurite@l"):
            Azurite(azcred_emulators, "old", executable=old).start()
    finally:
        server.stop()


def test_the_fixture_fails_if_it_is_too_old(
    pytester: pytest.Pytester, executable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With that sentence alone: a test that is skipped would go unnoticed."""
    monkeypatch.setattr("pytest_azcred.azurite._OLDEST", (99, 0))
    pytester.makepyfile(USER)
    result = pytester.runpytest_inprocess("-o", f"azcred_azurite_executable={executable}", "-pno:xdist", "-pno:asyncio")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["Azurite is 3.*, and 99.0 or later is needed: run `npm install azurite@latest`"])
    result.stdout.no_fnmatch_line("*Traceback*")
