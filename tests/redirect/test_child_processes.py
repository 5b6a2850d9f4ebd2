"""Python processes that a test starts are redirected as the test itself is."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
import requests
from support.servers import presenting, served

from azcred_emulators.emulators import Emulators
from pytest_azcred.azcred import Azcred
from pytest_azcred.redirect.routes import OutsideConnectionError
from pytest_azcred.run import isolated

pytestmark = pytest.mark.slow

DOCUMENT = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
FETCH = {
    "urllib": f"import urllib.request; print(urllib.request.urlopen({DOCUMENT!r}).status)",
    "requests": f"import requests; print(requests.get({DOCUMENT!r}).status_code)",
    "httpx": f"import httpx; print(httpx.get({DOCUMENT!r}).status_code)",
    "aiohttp": f"""
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as session, session.get({DOCUMENT!r}) as response:
        print(response.status)
asyncio.run(main())
""",
    "uvloop": f"""
import aiohttp, uvloop
async def main():
    async with aiohttp.ClientSession() as session, session.get({DOCUMENT!r}) as response:
        print(response.status)
uvloop.run(main())
""",
}
TOKEN = """
from azure.identity import DefaultAzureCredential
print(DefaultAzureCredential().get_token("https://vault.azure.net/.default").token)
"""


def python(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python process of its own."""
    return subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", FETCH.values(), ids=FETCH)
def test_a_child_reaches_the_emulators(azcred: Azcred, program: str) -> None:
    """Whatever client a child process imports finds the token service."""
    run = python(program)
    assert (run.stdout, run.stderr) == ("200\n", "")
    (entry,) = azcred.journal.requests()
    assert entry.server_name == "login.microsoftonline.com"


def test_a_child_has_the_apps_identity(azcred: Azcred) -> None:
    """A child process of an app gets tokens as the app does."""
    azcred.environment("virtual-machine")
    run = python(TOKEN)
    assert (run.returncode, run.stderr) == (0, "")
    azcred.journal.assert_tokens(host="imds", times=1)


def test_a_child_follows_the_tests_routes(azcred: Azcred) -> None:
    """Routes that the test adds count for child processes that it starts afterwards."""
    with served(presenting(azcred.certificate("myservice.example.com"))) as url:
        azcred.route("myservice.example.com", to=url)
        run = python("import requests; print(requests.get('https://myservice.example.com/').text)")
    assert (run.stdout, run.stderr) == ("this is myservice.example.com\n", "")


@pytest.mark.parametrize(
    "program",
    [
        "import requests; requests.get('https://example.com/')",
        "import socket; socket.gethostbyname('example.com')",
        "import socket; socket.create_connection(('8.8.8.8', 53))",
    ],
)
def test_a_child_is_refused(azcred: Azcred, program: str) -> None:
    """A child process does not leave the machine either."""
    run = python(program)
    assert run.returncode == 1
    assert "OutsideConnectionError: azcred refused a connection to" in run.stderr


def test_a_grandchild(azcred: Azcred) -> None:
    """Processes that a child process starts are redirected, too."""
    run = python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {FETCH['urllib']!r}], check=True)")
    assert (run.stdout, run.stderr) == ("200\n", "")


def test_a_sitecustomize_of_the_users_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The user's own sitecustomize runs as well, in its place on the path, and is what `sitecustomize` means."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.users_own = __file__\nNAME = __name__\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    request.getfixturevalue("azcred")
    run = python("import sys, sitecustomize; print(sys.users_own == sitecustomize.__file__, sitecustomize.NAME)")
    assert (run.stdout, run.stderr) == ("True sitecustomize\n", "")
    assert python(FETCH["urllib"]).stdout == "200\n"


def test_a_broken_sitecustomize_of_the_users_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """An error in the user's own sitecustomize is reported as Python does, and the child is redirected."""
    (tmp_path / "sitecustomize.py").write_text("1 / 0\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    request.getfixturevalue("azcred")
    run = python(FETCH["urllib"])
    assert run.stdout == "200\n"
    assert "ZeroDivisionError" in run.stderr


def test_the_path_of_a_child_is_as_ever(azcred: Azcred) -> None:
    """Apart from the folder of sitecustomize a child has the module path that it would have."""
    program = "import sys; print(sys.path)"
    redirected = python(program).stdout
    folder = os.environ["PYTHONPATH"].split(os.pathsep)[0]
    assert redirected == python(program, "-I").stdout.replace("[", f"['', '{folder}', ")


def locked(file: Path) -> None:
    """Let nobody read the table."""
    file.chmod(0)


def malformed(file: Path) -> None:
    """Cut the table off."""
    file.write_text(file.read_text()[:-9])


def another(file: Path) -> None:
    """Write something else."""
    file.write_text("{}")


def folder(file: Path) -> None:
    """Put a folder in its place."""
    file.unlink()
    file.mkdir()


def link_to_itself(file: Path) -> None:
    """Put a link without an end in its place."""
    file.unlink()
    file.symlink_to(file)


@pytest.fixture
def table(azcred: Azcred, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the table of routes, which children read instead."""
    copy = tmp_path / "folder" / "routing.json"
    copy.parent.mkdir()
    copy.write_bytes(Path(os.environ["AZCRED_ROUTING"]).read_bytes())
    monkeypatch.setenv("AZCRED_ROUTING", str(copy))
    return copy


@pytest.mark.parametrize("spoil", [locked, malformed, another, folder, link_to_itself])
def test_a_child_that_cannot_be_redirected_does_not_start(table: Path, spoil: Callable[[Path], None]) -> None:
    """Better no child than one that reaches the real hosts; it says so in a sentence, and no traceback follows."""
    assert started_without_privileges() == (0, "started\n", "")
    spoil(table)
    exit_code, printed, errors = started_without_privileges()
    assert (exit_code, printed) == (1, "")
    assert errors.startswith("azcred could not redirect the connections of this process, so it ends: ")
    assert errors.count("\n") == 1
    table.parent.chmod(0o700)


def test_a_child_that_may_not_look_into_the_folder(table: Path) -> None:
    """Such as one that runs as another user."""
    table.parent.chmod(0)
    exit_code, printed, errors = started_without_privileges()
    table.parent.chmod(0o700)
    assert (exit_code, printed) == (1, "")
    assert "PermissionError" in errors


def started_without_privileges() -> tuple[int, str, str]:
    """Start Python as a user whom the mode of files binds; returns exit code, output and errors."""
    command = [sys.executable, "-c", "print('started')"]
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root may read everything, and setpriv is not installed")
        command = ["setpriv", "--bounding-set=-all", *command]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout, run.stderr


def test_a_child_after_the_run(table: Path) -> None:
    """What a background process starts when the run is over would reach the real hosts, so it ends and says why."""
    table.unlink()
    run = python("print('started')")
    assert (run.returncode, run.stdout) == (1, "")
    assert f"it ends: the test or the command that it belongs to is over: {table} is gone." in run.stderr


def test_what_runs_already_goes_on(table: Path) -> None:
    """A server that a test has started serves to its end; the children that it has then are gone as well."""
    program = "import subprocess, sys; input(); sys.exit(subprocess.call([sys.executable, '-c', 'print(1)']))"
    with subprocess.Popen(
        [sys.executable, "-c", f"print('up', flush=True); {program}"],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as server:
        assert server.stdout
        assert server.stdout.readline() == "up\n"
        table.unlink()
        printed, errors = server.communicate("\n")
    assert (server.returncode, printed) == (1, "")
    assert "is gone" in errors


def test_an_empty_variable_is_none(azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a process that is not to be redirected can say so."""
    monkeypatch.setenv("AZCRED_ROUTING", "")
    assert python("print('started')").stdout == "started\n"


def fetch() -> tuple[int, str]:
    """Fetch the document, and try to fetch something else, in a worker process."""
    try:
        requests.get("https://example.com/")
    except OutsideConnectionError as error:
        return requests.get(DOCUMENT).status_code, str(error)
    return 0, "not refused"


@pytest.fixture
def old_server() -> Iterator[int]:
    """A fork server that is older than `azcred`, if the test names it first; its process id."""
    forkserver.ensure_running()
    server: Any = forkserver._forkserver
    yield server._forkserver_pid
    server._stop()
    assert forkserver._forkserver is server


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(old_server: int, azcred: Azcred, method: str) -> None:
    """Worker processes are redirected however they are started, be it by a server from before the test."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        status, refusal = pool.submit(fetch).result()
    assert status == 200
    assert "azcred refused a connection to 'example.com:443'" in refusal
    assert [entry.status for entry in azcred.journal.requests()] == [200]


def test_the_fork_server_of_a_test_ends_with_it(old_server: int, azcred_emulators: Emulators) -> None:
    """No process stays behind that would hand the test's surroundings on."""
    with isolated(azcred_emulators):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
            server = pool.submit(os.getppid).result()
        assert server != old_server
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
        assert pool.submit(os.getppid).result() == old_server
