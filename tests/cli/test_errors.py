"""Wrong use of the `azcred` command: one sentence and the exit code 2, whatever the verb."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from support.azcred_run import AZCRED

from pytest_azcred.cli import demonstration, main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "name the command to run: azcred run --environment kubernetes -- python app.py"),
        (["run", "--"], "name the command to run: azcred run --environment kubernetes -- python app.py"),
        (["run", "-e", "kubernets", "--", "x"], "there is no environment 'kubernets'; did you mean 'kubernetes'?"),
        (
            ["run", "-e", "vm", "--", "x"],
            "there is no environment 'vm'; did you mean 'virtual-machine' or 'scale-set'?",
        ),
        (
            ["run", "--azurite", "My_Shop", "--", "x"],
            "a storage account's name has 3 to 24 lower-case letters and digits, unlike 'My_Shop'",
        ),
        (["run", "--config", "none.toml", "--", "x"], "none.toml cannot be used: No such file or directory"),
        (["run", "--journal", ".", "--", "x"], ". cannot be used: Is a directory"),
        (["shell", "-e", "kubernets"], "there is no environment 'kubernets'; did you mean 'kubernetes'?"),
        (["shell", "--config", "broken.toml"], "broken.toml is not TOML: "),
        (["serve", "--config", "none.toml"], "none.toml cannot be used: No such file or directory"),
        (["serve", "--config", "broken.toml"], "broken.toml is not TOML: "),
        (["serve", "--config", "wrong.toml"], "wrong.toml:1: http_port must be an integer, not a string"),
        (["serve", "--http-port", "-1"], "http_port must be a port, or 0 for a free one, not -1"),
        (["serve", "--https-port", "70000"], "https_port must be a port, or 0 for a free one, not 70000"),
        (["serve", "--address", ""], "address must be an address of this machine such as '127.0.0.1', not ''"),
        (["env", "--server", "ftp://x"], "a server is at a URL such as 'http://127.0.0.1:8400', not at 'ftp://x'"),
        (["ca", "--server", "http://x:99999"], "a server is at a URL such as 'http://127.0.0.1:8400', not at "),
        (
            ["env", "--server", "http://127.0.0.1:1", "-e", "kubernets"],
            "there is no environment 'kubernets'; did you mean 'kubernetes'?",
        ),
        (["matrix", "--only", "laptop-*"], "no environment is like 'laptop-*'; there are nothing, "),
        (["coverage", "combine", "none.json"], "none.json cannot be used: No such file or directory"),
        (["coverage", "combine", "broken.toml"], "broken.toml: "),
        (["explain", "--scope", "two words"], "the credentials cannot be used: 'two words' is not a scope"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the value at fault, before anything is run or served."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.toml").write_text("http_port =")
    (tmp_path / "wrong.toml").write_text("http_port = 'x'")
    assert main.main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"azcred: {message}")
    assert output.err.count("\n") == 1


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schl\N{LATIN SMALL LETTER U WITH DIAERESIS}ssel"])
@pytest.mark.parametrize("verb", ["serve", "env", "ca"])
def test_a_key_that_no_header_can_hold(verb: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message does not repeat it."""
    server = [] if verb == "serve" else ["--server", "http://127.0.0.1:1"]
    assert main.main([verb, *server, "--key", key]) == 2
    message = "azcred: the key must consist of visible ASCII characters, without spaces\n"
    assert capsys.readouterr().err == message


class _OtherServer(BaseHTTPRequestHandler):
    """A server that is not azcred's: it answers every request with an empty list."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"[]")

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other_server() -> Iterator[str]:
    """The URL of a server that is not azcred's."""
    with HTTPServer(("127.0.0.1", 0), _OtherServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("verb", ["env", "ca"])
def test_a_server_that_is_not_azcreds(verb: str, other_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 1, and nothing of its answer is printed as if it were the result."""
    assert main.main([verb, "--server", other_server]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"azcred: the server at {other_server} is no azcred server: ")
    assert output.err.count("\n") == 1


def test_env_needs_no_path(
    other_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process without the variable PATH can use the verb as well."""
    monkeypatch.delenv("PATH")
    assert main.main(["env", "--server", other_server]) == 1
    assert "is no azcred server" in capsys.readouterr().err


def test_ctrl_c_ends_a_verb_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is a shell's for SIGINT."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demonstration, "demonstrate", interrupt)
    assert main.main(["demo"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_stops_reading() -> None:
    """As with `azcred matrix | head -1`, even if nothing is read."""
    program = f"import subprocess; p = subprocess.Popen({json.dumps([*AZCRED, 'matrix'])}, stdout=subprocess.PIPE, "
    program += "stderr=subprocess.PIPE); p.stdout.close(); print(p.stderr.read(), p.wait())"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert process.stdout == "b'' 1\n"
