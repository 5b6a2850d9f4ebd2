"""Runs a program in a network namespace that has loopback and nothing else, together with the emulators it talks to.

The program reads one request a line, as JSON, and writes one answer a line. In `play` it is asked in each state of a
developer tool in turn, so that whatever starts slowly (a JVM) starts once; in `tour` it starts in each environment.

    unshare --map-root-user --net --mount python tests/support/stage.py < job
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from support.developer_tools import STATES, TOOLS

from azcred_emulators.emulators import Emulators

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_NAMESPACES = ("unshare", "--map-root-user", "--net", "--mount")
_OPTIONAL = Path("/var/opt")  # what other software keeps there is hidden in the namespace

Case = Mapping[str, Any]


@cache
def why_not() -> str | None:
    """Return why programs cannot be run so on this machine, None if they can."""
    if not shutil.which("unshare"):
        return "unshare (util-linux) is not installed"
    made = subprocess.run([*_NAMESPACES, "true"], capture_output=True, check=False)
    return "this machine does not let its users make namespaces" if made.returncode else None


def play(command: Sequence[str | Path], cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Run a program and return its answer to each case, with the `commands` that it ran.

    A case is a request to the program with the `state`, one of `STATES`, that a tool is in meanwhile: that of its
    `credential`, or `tool`.
    """
    return list(_run(command, cases=cases))


def tour(command: Sequence[str | Path], places: Sequence[str], request: Case) -> dict[str, dict[str, Any]]:
    """Run a program anew in each environment of the table, and return its answers to one and the same request."""
    return dict(zip(places, _run(command, places=places, request=request), strict=True))


def _run(command: Sequence[str | Path], **job: Any) -> Any:
    result = subprocess.run(
        [*_NAMESPACES, sys.executable, __file__],
        input=json.dumps({"command": [str(part) for part in command], **job}),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


def _answer(emulators: Emulators, program: subprocess.Popen[str], case: Case) -> dict[str, Any]:
    emulators.reset()
    tool = case.get("tool") or TOOLS[case["credential"]]
    emulators.executables.install(tool)
    STATES[case["state"]](emulators, tool)
    assert program.stdin
    assert program.stdout
    program.stdin.write(json.dumps(case) + "\n")
    program.stdin.flush()
    line = program.stdout.readline()
    commands = [entry.command for entry in emulators.journal.requests() if entry.command]
    return {**json.loads(line), "commands": commands}


def _answers(command: Sequence[str], cases: Sequence[Case]) -> list[dict[str, Any]]:
    with Emulators() as emulators:
        variables = {**os.environ, **emulators.executables.variables()}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables, text=True
        ) as program:
            return [_answer(emulators, program, case) for case in cases]


def _visit(command: Sequence[str], place: str, request: Case) -> dict[str, Any]:
    with Emulators([place]) as emulators:
        variables = emulators.variables()
        for setup in emulators.setups:
            for folder, stand_in in setup.folders.items():
                _put(Path(folder), stand_in)
        result = subprocess.run(
            command, input=json.dumps(request) + "\n", stdout=subprocess.PIPE, env=variables, text=True, check=True
        )
        return {**json.loads(result.stdout), "errors": [entry.error for entry in emulators.journal.requests()]}


def _put(folder: Path, stand_in: Path) -> None:
    """Show a folder at another place, if that does not need one to be made outside of the namespace."""
    if folder.is_relative_to(_OPTIONAL):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", _OPTIONAL], check=True)
        folder.mkdir(parents=True)
        subprocess.run(["mount", "--bind", stand_in, folder], check=True)


def main() -> None:
    """Do the job on standard input."""
    job = json.load(sys.stdin)
    _bring_loopback_up()
    if "cases" in job:
        answers = _answers(job["command"], job["cases"])
    else:
        answers = [_visit(job["command"], place, job["request"]) for place in job["places"]]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
