"""Runs in place of a developer tool: sends the call to the emulator, prints the output and exits with the code.

    python -I -S launch.py STATE NAME [ARGUMENT ...]

STATE is the file that says where the emulator is; the variable AZCRED_EXECUTABLES may name another. Every call of a
tool starts a new process, so this imports nothing but sockets and what the interpreter has loaded anyway.
"""

import _socket
import os
import sys
import time

# The variables that the tools read: their folders and settings, never a secret.
VARIABLES = (
    "ACC_CLOUD",
    "AZD_CONFIG_DIR",
    "AZD_DEBUG",
    "AZUREPS_",
    "AZURE_CONFIG_DIR",
    "AZURE_CORE_",
    "AZURE_DEFAULTS_",
    "AZURE_DEV_",
    "AZURE_IDENTITY_POWERSHELL_",
    "AZURE_IDENTITY_DISABLE_",
    "COLUMNS",
    "NO_COLOR",
    "POWERSHELL_",
    "TZ",
)


class NoAnswer(Exception):
    """There is no emulator, or it does not run the call; the text is one sentence."""


def ask(state: str, name: str, arguments: list[str], resume: str) -> tuple[int, float, str, bytes, bytes]:
    """Return exit code, seconds to wait, the text to resume with, and both outputs of a call; raises NoAnswer."""
    try:
        with open(state, encoding="utf-8") as file:
            host, port, key = file.read().split()
    except (OSError, ValueError):
        raise NoAnswer(f"no emulator runs for this fake: {state} does not say where one is") from None
    try:
        folder = os.getcwd()
    except OSError:
        folder = "/"
    variables = [f"{variable}={value}" for variable, value in os.environ.items() if variable.startswith(VARIABLES)]
    body = b"\0".join(map(os.fsencode, [folder, resume, str(len(arguments)), *arguments, *variables]))
    server = f"[{host}]" if ":" in host else host
    head = (
        f"POST /azcred/executables/{name} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
    connection = _socket.socket(family, _socket.SOCK_STREAM)
    answer = b""
    try:
        connection.connect((host, int(port)))
        connection.sendall(head.encode() + body)
        while piece := connection.recv(65536):
            answer += piece
    except (OSError, ValueError) as error:
        raise NoAnswer(f"no emulator runs for this fake: {host}:{port} does not answer ({error})") from None
    finally:
        connection.close()
    status, _, content = answer.partition(b"\r\n\r\n")
    if not status.startswith(b"HTTP/1.1 200 "):
        reason = content.decode(errors="replace") or status.decode(errors="replace").partition("\r\n")[0]
        raise NoAnswer(reason.strip() or f"the emulator at {host}:{port} broke off")
    numbers, _, output = content.partition(b"\n")
    exit_code, delay, length, *more = numbers.decode().split()
    return int(exit_code), float(delay), "".join(more), output[: int(length)], output[int(length) :]


def write(number: int, content: bytes) -> None:
    """Write everything to a file descriptor."""
    while content:
        content = content[os.write(number, content) :]


def wait(seconds: float, caller: int, state: str) -> bool:
    """Wait, but no longer than the calling process and the emulators exist; tell whether both still do.

    After a time limit, an SDK kills only the shell that it has started, or not even that.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if os.getppid() != caller or not os.path.exists(state):
            return False
        time.sleep(min(left, 0.1))
    return True


def main() -> int:
    """Run as the tool that the command line names; returns its exit code."""
    caller = os.getppid()
    _, state, name, *arguments = sys.argv
    state = os.environ.get("AZCRED_EXECUTABLES") or state
    resume = ""
    while True:
        try:
            exit_code, delay, resume, stdout, stderr = ask(state, name, arguments, resume)
        except NoAnswer as error:
            write(2, f"{name}: {error}\n".encode())
            return 1
        if not resume and not wait(delay, caller, state):
            return 1
        write(2, stderr)  # first, since tools warn before they answer: some callers read both from one pipe
        write(1, stdout)
        if not resume:
            return exit_code
        if not wait(delay, caller, state):
            return 1


if __name__ == "__main__":
    code: int
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the caller no longer reads
        code = 1
    os._exit(code & 0xFF)  # there is nothing to clean up
