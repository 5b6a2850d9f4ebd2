"""Runs in place of a developer tool: asks the emulator, prints what it says and exits with its code.

    python -I -S launch.py STATE NAME [ARGUMENT ...]

STATE is the file that says where the emulator is; the variable AZCRED_EXECUTABLES may name another. Every call of a
tool starts this anew, so it imports only what the interpreter has loaded anyway, and no more than sockets beside.
"""

import _socket
import os
import sys
import time

# What the tools go by: their folders and settings, never a secret.
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


class Unanswered(Exception):
    """There is no emulator, or it refuses the call; the text is one sentence."""


def ask(state: str, name: str, arguments: list[str], resume: str) -> tuple[int, float, str, bytes, bytes]:
    """Return exit code, seconds to wait, what to resume with, and both outputs of a call; raises Unanswered."""
    try:
        with open(state, encoding="utf-8") as file:
            host, port, key = file.read().split()
    except (OSError, ValueError):
        raise Unanswered(f"no emulator runs for this fake: {state} does not say where one is") from None
    try:
        folder = os.getcwd()
    except OSError:
        folder = "/"
    variables = [f"{variable}={value}" for variable, value in os.environ.items() if variable.startswith(VARIABLES)]
    body = b"\0".join(map(os.fsencode, [folder, resume, str(len(arguments)), *arguments, *variables]))
    head = (
        f"POST /azcred/executables/{name} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    answer = b""
    try:
        connection.connect((host, int(port)))
        connection.sendall(head.encode() + body)
        while piece := connection.recv(65536):
            answer += piece
    except (OSError, ValueError) as error:
        raise Unanswered(f"no emulator runs for this fake: {host}:{port} does not answer ({error})") from None
    finally:
        connection.close()
    status, _, content = answer.partition(b"\r\n\r\n")
    if not status.startswith(b"HTTP/1.1 200 "):
        reason = content.decode(errors="replace") or status.decode(errors="replace").partition("\r\n")[0]
        raise Unanswered(reason.strip() or f"the emulator at {host}:{port} broke off")
    numbers, _, output = content.partition(b"\n")
    exit_code, delay, length, *more = numbers.decode().split()
    return int(exit_code), float(delay), "".join(more), output[: int(length)], output[int(length) :]


def write(number: int, content: bytes) -> None:
    """Write everything to a file descriptor."""
    while content:
        content = content[os.write(number, content) :]


def wait(seconds: float, caller: int, state: str) -> bool:
    """Wait, but neither beyond the process that called nor beyond the emulators; tell whether both are still there.

    SDKs that lose patience kill the shell that they started and leave its child alone, or leave the shell alone, too.
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
        except Unanswered as error:
            write(2, f"{name}: {error}\n".encode())
            return 1
        if not resume and not wait(delay, caller, state):
            return 1
        write(2, stderr)  # first, for a caller that reads both as one: tools warn before they answer
        write(1, stdout)
        if not resume:
            return exit_code
        if not wait(delay, caller, state):
            return 1


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # who called does not want the answer any more
        code = 1
    os._exit(code & 0xFF)  # nothing is left to clean up
