"""A network with an outside that is made of threads, for programs that try to reach it.

    unshare --map-root-user --net --mount python tests/support/outside.py COMMAND...

runs a command there and writes as JSON which ports of `ways_out` were reached, outside. That is 169.254.169.254,
another machine, and a name server.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

from support.ways_out import ADDRESS, FIRST_PORT, IMDS, NAME_SERVER, WAYS

_ROOT = ("unshare", "--map-root-user", "--net", "--mount")
_KINDS = ("type dummy", "type veth peer name azcred1")  # of interfaces: systems lack one or the other
_SET_UP = "ip link set lo up && ip link add azcred0 {} && ip link set azcred0 up"


@cache
def why_not() -> str | None:
    """Return why there can be no such network on this machine, None if there can."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "unshare (util-linux) or ip (iproute2) is not installed"
    return None if any(map(_is_possible, _KINDS)) else "this machine does not let its users make networks"


def _is_possible(kind: str) -> bool:
    made = subprocess.run([*_ROOT, "sh", "-c", _SET_UP.format(kind)], capture_output=True, check=False)
    return made.returncode == 0


def reached(command: Sequence[str | Path], folder: Path) -> set[int]:
    """Run a command in a folder and such a network, and return the ports of the outside that were reached."""
    tests = Path(__file__).parents[1]
    result = subprocess.run(
        [*_ROOT, sys.executable, __file__, *command],
        env={**os.environ, "PYTHONPATH": str(tests)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


class Outside:
    """The machines outside, and what has reached them."""

    def __init__(self) -> None:
        self.reached: set[int] = set()
        self._selector = selectors.DefaultSelector()
        for port in range(FIRST_PORT, FIRST_PORT + len(WAYS)):
            self._listen(socket.SOCK_STREAM, (ADDRESS, port))
            self._listen(socket.SOCK_DGRAM, (ADDRESS, port))
        self._listen(socket.SOCK_STREAM, (IMDS, 80))
        self._listen(socket.SOCK_DGRAM, (NAME_SERVER, 53))
        Thread(target=self._serve, daemon=True).start()

    def _listen(self, kind: int, address: tuple[str, int]) -> None:
        listener = socket.socket(socket.AF_INET, kind)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        self._selector.register(listener, selectors.EVENT_READ)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                listener: Any = key.fileobj
                if listener.type == socket.SOCK_STREAM:
                    client, _ = listener.accept()
                    Thread(target=self._answer, args=(client,), daemon=True).start()
                else:
                    self._receive(listener)

    def _answer(self, client: socket.socket) -> None:
        port = client.getsockname()[1]
        if port != 80:
            self.reached.add(port)
        with client:
            request = client.recv(65536)
            if way := re.search(rb"Way: ([0-9]+)", request):
                self.reached.add(int(way[1]))
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\noutside")

    def _receive(self, listener: socket.socket) -> None:
        data, sender = listener.recvfrom(4096)
        if listener.getsockname()[1] != 53:
            self.reached.add(listener.getsockname()[1])
            return
        if way := re.search(rb"port-([0-9]+)", data):
            self.reached.add(int(way[1]))
        end = data.index(b"\0", 12) + 5
        is_ipv4 = data[end - 4 : end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(ADDRESS) if is_ipv4 else b""
        head = data[:2] + b"\x81\x80\0\1" + (b"\0\1" if answer else b"\0\0") + b"\0\0\0\0"
        listener.sendto(head + data[12:end] + answer, sender)


def _use_name_server() -> None:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", file.name, os.path.realpath("/etc/resolv.conf")], check=True)
    os.unlink(file.name)


def main() -> None:
    """Set the network up and run the command of the arguments in it."""
    kind = next(filter(_is_possible, _KINDS))
    subprocess.run(["sh", "-c", _SET_UP.format(kind)], check=True)
    for address in (ADDRESS, IMDS, NAME_SERVER):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "azcred0"], check=True)
    _use_name_server()
    outside = Outside()
    ran = subprocess.run(sys.argv[1:], stdout=sys.stderr, check=False)
    json.dump(sorted(outside.reached), sys.stdout)
    sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
