"""Runs a program in a network namespace that has loopback and nothing else, together with the emulators it talks to.

The program reads one request a line, as JSON, and writes one answer a line. It is told what to ask for in each state
of a developer tool in turn, so that whatever starts slowly (a JVM) starts once.

    unshare --map-root-user --net python tests/stage.py < job
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

from developer_tools import STATES, TOOLS

from azcred_emulators.emulators import Emulators

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1

Case = Mapping[str, Any]


@cache
def why_not() -> str | None:
    """Return why programs cannot be run so on this machine, None if they can."""
    if not shutil.which("unshare"):
        return "unshare (util-linux) is not installed"
    made = subprocess.run(["unshare", "--map-root-user", "--net", "true"], capture_output=True, check=False)
    return "this machine does not let its users make network namespaces" if made.returncode else None


def play(command: Sequence[str | Path], cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Run a program and return its answer to each case, with the `commands` that it ran.

    A case is a request to the program with the `state`, one of `STATES`, that a tool is in meanwhile: that of its
    `credential`, or `tool`.
    """
    job = {"command": [str(part) for part in command], "cases": cases}
    result = subprocess.run(
        ["unshare", "--map-root-user", "--net", sys.executable, __file__],
        input=json.dumps(job),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout))


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


def main() -> None:
    """Play the job on standard input."""
    job = json.load(sys.stdin)
    _bring_loopback_up()
    with Emulators() as emulators:
        variables = {**os.environ, **emulators.executables.variables()}
        with subprocess.Popen(
            job["command"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables, text=True
        ) as program:
            answers = [_answer(emulators, program, case) for case in job["cases"]]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
