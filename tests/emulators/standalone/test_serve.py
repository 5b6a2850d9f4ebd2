"""`azcred serve`, `azcred env` and `azcred ca` as others call them."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.azcred_run import AZCRED
from support.standalone import managed_identity_token, serving

from azcred_emulators.directory import contoso
from azcred_emulators.standalone.control.client import ControlClient

pytestmark = pytest.mark.slow


@pytest.fixture
def ready_file(tmp_path: Path) -> Path:
    """Where the server says where it is."""
    return tmp_path / "ready.json"


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run another command to its end."""
    return subprocess.run([*AZCRED, *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_gracefully(ready_file: Path, name: str) -> None:
    """The exit code is 0; neither the ready file nor anything else is left, and the port is free again."""
    with serving(ready_file) as (process, where):
        assert managed_identity_token(where["http"]).status_code == 200
        assert ready_file.stat().st_mode & 0o777 == 0o600
        process.send_signal(getattr(signal, name))
        assert process.wait(30) == 0
    assert not ready_file.exists()
    assert not list((ready_file.parent / "tmp").iterdir())


def test_many_signals_end_it_too(ready_file: Path) -> None:
    """Somebody holds Ctrl-C; once everything is cleared away, the last of them may end the interpreter itself."""
    with serving(ready_file) as (process, _):
        for _ in range(300):
            process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, -signal.SIGINT)
    assert not ready_file.exists()
    assert not list((ready_file.parent / "tmp").iterdir())


def test_it_is_ready_when_it_says_so(ready_file: Path) -> None:
    """Who reads the first line or the ready file can ask at once; benchmarks/ measures how long that takes."""
    with serving(ready_file) as (_, where):
        assert ControlClient(where["http"]).get("/health")["status"] == "ready"
        assert managed_identity_token(where["http"]).status_code == 200


def test_killed_under_load_and_started_again(ready_file: Path) -> None:
    """Clients that keep asking get tokens again from the next server at the same port, and nothing of the first is
    left.
    """
    with serving(ready_file) as (process, where):
        port = where["http"].rpartition(":")[2]
        asked = threading.Event()
        done = threading.Event()
        answers: list[int] = []

        def keep_asking() -> None:
            while not done.is_set():
                try:
                    answers.append(managed_identity_token(where["http"]).status_code)
                except OSError:
                    answers.append(0)
                if 200 in answers:
                    asked.set()

        threads = [threading.Thread(target=keep_asking) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            assert asked.wait(30)
            process.kill()
            process.wait(30)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and (ready_file.exists() or os.path.exists(where["folder"])):
                os.sched_yield()
            assert not ready_file.exists()
            assert not os.path.exists(where["folder"])
            with serving(ready_file, "--http-port", port) as (_, again):
                assert again["http"] == where["http"]
                before = len(answers)
                while time.monotonic() < deadline and 200 not in answers[before:]:
                    os.sched_yield()
                assert 200 in answers[before:]
        finally:
            done.set()
            for thread in threads:
                thread.join()
    assert 0 in answers
    assert set(answers) == {0, 200}


def test_killed_with_a_session(ready_file: Path) -> None:
    """The next server deletes what the watchdog does not know: the session's folder, with a private key in it."""
    with serving(ready_file) as (process, where):
        session = ControlClient(where["http"]).post("/sessions")
        ControlClient(session["http"]).put(
            "/environments", {"environments": ["on-premises-certificate"], "environ": {}}
        )
        process.kill()
        process.wait(30)
    folder = Path(session["folder"])
    assert list(folder.rglob("service-principal.pem"))
    with serving(ready_file):
        assert not folder.exists()


def test_a_link_in_the_place_of_the_ready_file(ready_file: Path, tmp_path: Path) -> None:
    """Somebody else may have put one there, also under the name that is written first; no link is followed."""
    mine = tmp_path / "mine"
    mine.write_text("mine")
    for name in ("ready.json", ".ready.json.unfinished"):
        (tmp_path / name).symlink_to(mine)
    with serving(ready_file) as (_, where):
        assert where["status"] == "ready"
        assert not ready_file.is_symlink()
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "exit_code", "reason"),
    [
        (["--http-port", "70000"], 2, "http_port must be a port, or 0 for a free one, not 70000"),
        (["--config", "/nonexistent.toml"], 2, "/nonexistent.toml cannot be used: No such file or directory"),
        (["--ready-file", "/nonexistent/ready"], 2, "/nonexistent/ready cannot be used: No such file or directory"),
        (["--ca-file", "/nonexistent/ca.pem"], 2, "/nonexistent/ca.pem cannot be used: No such file or directory"),
        (["--key", "two words"], 2, "the key must consist of visible ASCII characters"),
        (["--address", "192.0.2.77"], 1, "the server cannot listen: Cannot assign requested address"),
    ],
)
def test_a_server_that_cannot_start_says_why(options: list[str], exit_code: int, reason: str) -> None:
    """In a sentence; the exit code is 2 for wrong use, 1 for what the machine refuses."""
    ran = run("serve", *options)
    assert (ran.returncode, ran.stdout) == (exit_code, "")
    assert ran.stderr.startswith(f"azcred: {reason}")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--ready-file", "--ca-file"])
def test_a_folder_in_the_place_of_a_file(option: str, tmp_path: Path) -> None:
    """It is refused, and stays with everything in it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    ran = run("serve", option, str(tmp_path / "folder"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"azcred: {tmp_path / 'folder'} cannot be used: Is a directory\n"
    assert (tmp_path / "folder" / "mine").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("option", ["--ready-file", "--ca-file"])
def test_a_file_that_a_failed_start_has_not_written_stays(option: str, tmp_path: Path) -> None:
    """A server that cannot listen deletes nothing of its user's."""
    (tmp_path / "mine").write_text("mine")
    ran = run("serve", option, str(tmp_path / "mine"), "--address", "192.0.2.77")
    assert ran.returncode == 1
    assert (tmp_path / "mine").read_text() == "mine"


def test_variables_for_every_use(ready_file: Path) -> None:
    """In four formats, the same ones; values that a shell would read otherwise are quoted."""
    with serving(ready_file) as (_, where):
        arguments = ("env", "--environment", "app-service", "--server", where["http"], "--format")
        expected = json.loads(run(*arguments, "json").stdout)
        assert expected["IDENTITY_ENDPOINT"] == f"{where['http']}/app-service/msi/token"
        lines = [shlex.split(line) for line in run(*arguments, "shell").stdout.splitlines()]
        assert dict(words[1].split("=", 1) for words in lines) == expected
        lines = [shlex.split(line) for line in run(*arguments, "dotenv").stdout.splitlines()]
        assert dict(words[0].split("=", 1) for words in lines) == expected
        text = run(*arguments, "github").stdout
        parts = [part.split("<<azcred-end\n") for part in text.split("\nazcred-end\n") if part]
        assert dict(parts) == expected
        wrong = run("env", "--environment", "app-servce", "--server", where["http"])
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert wrong.stderr == "azcred: there is no environment 'app-servce'; did you mean 'app-service'?\n"


def test_a_program_with_these_variables_has_an_identity(ready_file: Path) -> None:
    """`eval "$(azcred env ...)"` is all that a shell needs."""
    program = (
        "from azure.identity import ManagedIdentityCredential as M; "
        "print(len(M().get_token('https://vault.azure.net/.default').token) > 100)"
    )
    with serving(ready_file) as (_, where):
        azcred = shlex.join(AZCRED)
        command = f'eval "$({azcred} env -e functions --server {where["http"]})"; {sys.executable} -c "{program}"'
        ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert (ran.stdout, ran.stderr) == ("True\n", "")
        (entry,) = ControlClient(where["http"]).get("/journal")["entries"]
        assert (entry["emulator"], entry["status"]) == ("functions", 200)
        assert run("ca", "--server", where["http"]).stdout.startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize(("address", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
def test_a_server_on_every_address_is_reached_on_loopback(ready_file: Path, address: str, reached: str) -> None:
    """By whoever is on this machine: clients with its variables, and the fake tools."""
    if ":" in address and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with serving(ready_file, "--address", address) as (_, where):
        assert where["http"].startswith(f"http://{reached}:")
        assert where["https"].startswith(f"https://{reached}:")
        command = (
            f'eval "$({shlex.join(AZCRED)} env -e developer-azure-cli --server {where["http"]})"; '
            "az account get-access-token --query tenant --output tsv"
        )
        ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert (ran.stdout.strip(), ran.stderr) == (contoso.TENANT.id, "")
        (entry,) = ControlClient(where["http"]).get("/journal")["entries"]
        assert entry["emulator"] == "azure-cli"


def test_a_server_that_is_not_there() -> None:
    """The sentence names it."""
    ran = run("ca", "--server", "http://127.0.0.1:1")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("azcred: no azcred server answers at http://127.0.0.1:1: ")


_SECOND_SESSION = """
import sys

from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.directory import contoso
from azcred_emulators.standalone.control.client import ControlClient
from azcred_emulators.standalone.server import StandaloneServer

sources = []


def use(session):
    ControlClient(session.emulators.http.url).get("/environments")


with StandaloneServer(Configuration()) as server:
    use(server.main)
    sys.addaudithook(lambda event, arguments: event == "compile" and sources.append(arguments))
    use(server.open("second"))
    print(sources)
"""


def test_a_further_session_compiles_nothing() -> None:
    """Sessions begin in threads, and `ast.parse` in several at once fails on Python 3.11.0-3.11.7."""
    ran = subprocess.run([sys.executable, "-c", _SECOND_SESSION], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
