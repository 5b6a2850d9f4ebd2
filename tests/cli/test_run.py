"""`azcred run` as a way to start a program: what it passes on, what it tells, and what is left of it."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.azcred_run import AZCRED, WHOSE_TOKEN, Ran
from support.servers import served

from azcred_emulators.directory.identifiers import USER_PRINCIPAL_NAME
from azcred_emulators.environments import find

# Says where it is, then waits for a signal and returns the number of it, or for its input to end.
WAIT = """
import os, signal, sys
def stop(number, frame):
    os._exit(number)
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"):
    signal.signal(getattr(signal, name), stop)
print(os.getpid(), os.environ["AZCRED_ROUTING"], flush=True)
sys.stdin.read()
"""


def test_the_command_is_run_unchanged(azcred_run: Callable[..., Ran]) -> None:
    """Arguments, input, output and exit code are passed on, also what looks like an option of ours."""
    program = "import sys; print(sys.argv[1:], sys.stdin.read()); print('problem', file=sys.stderr); sys.exit(7)"
    ran = azcred_run(sys.executable, "-c", program, "--quiet", "--", "a b", options=("--quiet",), input="hello")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (7, "['--quiet', '--', 'a b'] hello\n", "problem\n")


def test_a_summary_tells_who_asked_for_what(azcred_run: Callable[..., Ran]) -> None:
    """One line for each kind of request, on standard error; nothing secret is in it or in the journal."""
    ran = azcred_run(sys.executable, "-c", WHOSE_TOKEN, environments=("developer-service-principal",))
    assert ran.exit_code == 0, ran.stderr
    title, headings, *lines = ran.stderr.splitlines()
    assert title.startswith("azcred: python")
    assert "ran in developer-service-principal and asked" in title
    assert headings.split() == ["times", "who", "asked", "for", "identity", "outcome"]
    assert any(line.split()[:3] == ["1", "environment", "https://vault.azure.net"] for line in lines)
    assert [request["status"] for request in ran.requests if request["operation"] == "token"] == [200]
    assert "azcred~" not in ran.stderr + str(ran.requests)


def test_a_command_that_asks_for_nothing(azcred_run: Callable[..., Ran]) -> None:
    """The summary is a line, with the table's names for the environments, whatever they were called."""
    ran = azcred_run("true", environments=("app-service", "workload-identity"))
    assert ran.stderr == "azcred: true ran in app-service, kubernetes and asked for nothing\n"


@pytest.mark.parametrize(
    ("command", "exit_code", "reason"),
    [
        (["no-such-command"], 127, "there is no command 'no-such-command' on PATH"),
        (["/"], 126, "the command '/' cannot be run"),
        ([], 2, "name the command to run"),
    ],
)
def test_a_command_that_cannot_be_run(
    azcred_run: Callable[..., Ran], command: list[str], exit_code: int, reason: str
) -> None:
    """The exit code is a shell's, and a sentence says why."""
    ran = azcred_run(*command)
    assert ran.exit_code == exit_code
    assert ran.stderr.startswith(f"azcred: {reason}")
    assert len(ran.stderr.splitlines()) == 1


def test_an_environment_that_does_not_exist(azcred_run: Callable[..., Ran]) -> None:
    """The nearest one is named, and the command does not run."""
    ran = azcred_run("echo", "ran", environments=("kubernets",))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == "azcred: there is no environment 'kubernets'; did you mean 'kubernetes'?\n"


def test_a_journal_that_cannot_be_written(azcred_run: Callable[..., Ran]) -> None:
    """That is said before the command runs."""
    ran = azcred_run("echo", "ran", options=("--journal", "/nonexistent/journal"))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == "azcred: /nonexistent/journal cannot be used: No such file or directory\n"


def test_the_machines_own_identity_is_hidden(azcred_run: Callable[..., Ran], tmp_path: Path) -> None:
    """Neither variables nor the home folder nor tools on PATH are the user's."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("az", "jq"):
        (tools / name).write_text("#!/bin/sh\necho real\n")
        (tools / name).chmod(0o755)
    environ = {
        **os.environ,
        "AZURE_CLIENT_ID": "mine",
        "HTTPS_PROXY": "http://proxy.example.com",
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }
    command = 'jq; command -v az; ls -A "$HOME"; echo "$AZURE_CLIENT_ID $HTTPS_PROXY"'
    ran = azcred_run("sh", "-c", command, env=environ)
    real, proxy = ran.stdout.splitlines()
    assert real == "real"
    assert proxy.startswith(" http://127.0.0.1:")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_signals_are_passed_on(name: str, temporary: Path) -> None:
    """The command decides what to do about them; its exit code is returned."""
    with start(temporary) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(getattr(signal, name))
        assert process.wait(30) == getattr(signal, name)
    assert not list(temporary.iterdir())


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "tgkill"), reason="this C library has no tgkill")
def test_a_signal_that_other_threads_receive(temporary: Path) -> None:
    """It is passed on at once: the main thread is not interrupted by it, and would wait for the command's end."""
    with start(temporary) as process:
        assert process.stdout
        process.stdout.readline()
        for thread in Path(f"/proc/{process.pid}/task").iterdir():
            if thread.name != str(process.pid):  # the main thread's; some of the others may have ended by now
                ctypes.CDLL(None).tgkill(process.pid, int(thread.name), signal.SIGTERM)
        assert process.wait(30) == signal.SIGTERM


def test_a_caller_that_has_blocked_signals(temporary: Path) -> None:
    """Its children inherit that: the command's end is noticed all the same."""
    everything = set(signal.valid_signals())
    before = signal.pthread_sigmask(signal.SIG_BLOCK, everything)
    try:
        process = start(temporary, "sh", "-c", "exit 7")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with process:
        assert process.wait(30) == 7
    assert not list(temporary.iterdir())


def test_the_exit_code_of_a_command_that_a_signal_ends(azcred_run: Callable[..., Ran], temporary: Path) -> None:
    """It is 128 and the signal's number, as in a shell."""
    ran = azcred_run("sh", "-c", "kill -KILL $$")
    assert ran.exit_code == 128 + signal.SIGKILL
    assert not list(temporary.iterdir())


def test_nothing_is_left_when_it_is_killed(temporary: Path) -> None:
    """SIGKILL of `azcred run` ends the command and what that has started, and the files are deleted."""
    with start(temporary, "sh", "-c", f"'{sys.executable}' -c '{WAIT}' & wait") as process:
        assert process.stdout
        pid, routing = process.stdout.readline().split()
        assert Path(routing).exists()
        process.kill()
        process.wait(30)
        assert process.stdout.read() == ""  # its end was open in the command, too
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (list(temporary.iterdir()) or is_running(int(pid))):
        os.sched_yield()
    assert not is_running(int(pid))
    assert not list(temporary.iterdir())


DAEMON = """
import signal, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""
# Starts a process in the background that outlives it, says which, and ends.
LEAVING = f"""
import subprocess, sys
command = [sys.executable, "-c", {DAEMON!r}, sys.argv[1]]
own = sys.argv[2] == "session"
background = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=own)
background.stdout.readline()
print(background.pid)
"""


@pytest.mark.parametrize("manners", ["polite", "stubborn"])
def test_what_runs_in_the_background_ends_with_the_command(azcred_run: Callable[..., Ran], manners: str) -> None:
    """It would ask emulators that are gone; SIGKILL follows if it takes no notice of SIGTERM."""
    ran = azcred_run(sys.executable, "-c", LEAVING, manners, "group")
    assert ran.exit_code == 0
    assert not is_running(int(ran.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody can adopt processes")
def test_a_daemon_with_a_session_of_its_own(azcred_run: Callable[..., Ran]) -> None:
    """On Linux it cannot hide there."""
    ran = azcred_run(sys.executable, "-c", LEAVING, "polite", "session")
    assert ran.exit_code == 0
    assert not is_running(int(ran.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody can adopt processes")
def test_what_a_command_at_a_terminal_leaves(temporary: Path) -> None:
    """There it has the process group of `azcred run`, which stays."""
    terminal, end = os.openpty()
    process = subprocess.Popen(
        [*AZCRED, "run", "--quiet", "--", sys.executable, "-c", LEAVING, "polite", "group"],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=end,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(end)
    printed, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert process.returncode == 0
    assert not is_running(int(printed))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody can adopt processes")
def test_adopted_processes_are_waited_for(azcred_run: Callable[..., Ran]) -> None:
    """A command that runs for long may leave many behind, which end before it does."""
    program = """
import os, subprocess, time
def zombies(parent):
    states = []
    for child in open(f"/proc/{parent}/task/{parent}/children").read().split():
        try:
            states.append(open(f"/proc/{child}/stat").read().rpartition(")")[2].split()[0])
        except OSError:  # it has gone meanwhile
            pass
    return states.count("Z")
for _ in range(5):
    subprocess.run(["sh", "-c", "true &"], check=True)
deadline = time.monotonic() + 20
while zombies(os.getppid()) and time.monotonic() < deadline:
    os.sched_yield()
print(zombies(os.getppid()))
"""
    assert azcred_run(sys.executable, "-c", program).stdout == "0\n"


def test_ctrl_c_at_a_terminal_reaches_the_command_once(temporary: Path) -> None:
    """The terminal sends it to both; the command can read from the terminal as well."""
    program = """
import signal, sys
count = []
signal.signal(signal.SIGINT, lambda *_: count.append(1))
print("ready", flush=True)
line = sys.stdin.readline().strip()
print(f"{line} after {len(count)}", flush=True)
"""
    terminal, end = os.openpty()
    process = subprocess.Popen(
        [*AZCRED, "run", "--quiet", "--", sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=end,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # the terminal is the session's
    )
    os.close(end)
    with process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        os.write(terminal, b"\x03")
        os.write(terminal, b"hello\n")
        assert process.stdout.readline() == "hello after 1\n"
        assert process.wait(30) == 0
    os.close(terminal)


def test_environments_compose(azcred_run: Callable[..., Ran]) -> None:
    """The chain's order decides whose identity the command has."""
    ran = azcred_run(sys.executable, "-c", WHOSE_TOKEN, environments=("kubernetes", "developer-azure-cli"))
    assert ran.stdout.split()[0] == find("kubernetes").client_id
    ran = azcred_run(sys.executable, "-c", WHOSE_TOKEN, environments=("nothing", "developer-azure-cli"))
    assert ran.stdout.split()[1] == USER_PRINCIPAL_NAME


def test_a_shell_in_an_environment(temporary: Path) -> None:
    """`azcred shell` opens the user's shell there."""
    process = subprocess.run(
        [*AZCRED, "shell", "--environment", "app-service", "--quiet"],
        env={**os.environ, "SHELL": "/bin/sh", "TMPDIR": str(temporary)},
        input="echo $IDENTITY_ENDPOINT\nexit 3\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 3
    assert process.stdout.startswith("http://127.0.0.1:")


def start(temporary: Path, *command: str) -> "subprocess.Popen[str]":
    """Start a command that waits, with `azcred run`."""
    return subprocess.Popen(
        [*AZCRED, "run", "--quiet", "--", *(command or (sys.executable, "-c", WAIT))],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def is_running(pid: int) -> bool:
    """Tell whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_local_servers_answer_for_real_hosts(azcred_run: Callable[..., Ran]) -> None:
    """With TLS and without, for Python and for what goes through the proxy."""
    program = """
import subprocess, sys, requests
for url in ("https://orders.contoso.com/", "http://orders.contoso.com/", "https://api.shop.contoso.com:8443/"):
    print(requests.get(url).text)
    print(subprocess.run(["curl", "-sS", url], capture_output=True, text=True, check=True).stdout)
"""
    with served() as url:
        routes = ("--route", f"orders.contoso.com={url}", "--route", f"*.shop.contoso.com:8443={url}")
        ran = azcred_run(sys.executable, "-c", program, options=("--quiet", *routes))
    assert ran.stderr == ""
    hosts = ("orders.contoso.com", "orders.contoso.com", "api.shop.contoso.com:8443")
    assert ran.stdout.splitlines() == [f"this is {host}" for host in hosts for _ in range(2)]


def test_what_is_no_route_is_refused(azcred_run: Callable[..., Ran]) -> None:
    """The command does not run."""
    ran = azcred_run("echo", "ran", options=("--route", "orders.contoso.com"))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == (
        "azcred: --route: a route leads to a local server's URL such as 'https://127.0.0.1:10000', not to ''\n"
    )


def test_a_refusal_says_what_azcred_run_can_do(azcred_run: Callable[..., Ran]) -> None:
    """There are no fixtures here."""
    ran = azcred_run(sys.executable, "-c", "import socket; socket.create_connection(('orders.contoso.com', 443))")
    assert "start the command with the option --route orders.contoso.com=http://127.0.0.1:PORT" in ran.stderr
