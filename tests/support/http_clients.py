"""Every way a Python program fetches a URL. Each is imported and used as its documentation says.

A client is a context manager, because many keep a session, a TLS context or an event loop: what is made on
entering it may be older than the fixture `azcred`, what it imports may be younger.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

HEADERS = {"Metadata": "true"}  # IMDS wants it, and Entra ID does not mind


class Answer(NamedTuple):
    """What a client got: the status and the body."""

    status: int
    text: str


Fetch = Callable[[str], Answer]
Client = Callable[[], AbstractContextManager[Fetch]]
Run = Callable[[Awaitable[Any]], Any]


@contextmanager
def _asyncio_loop() -> Iterator[Run]:
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        yield loop.run_until_complete
        loop.run_until_complete(loop.shutdown_default_executor())


@contextmanager
def _uvloop_loop() -> Iterator[Run]:
    import uvloop

    with contextlib.closing(uvloop.new_event_loop()) as loop:
        yield loop.run_until_complete
        loop.run_until_complete(loop.shutdown_default_executor())


@contextmanager
def requests_session() -> Iterator[Fetch]:
    """requests, on which the synchronous Azure SDKs are built."""
    import requests

    with requests.Session() as session:

        def fetch(url: str) -> Answer:
            response = session.get(url, headers=HEADERS, timeout=10)
            return Answer(response.status_code, response.text)

        yield fetch


@contextmanager
def urllib3_pool() -> Iterator[Fetch]:
    """urllib3, with its default of three retries."""
    import urllib3

    with urllib3.PoolManager() as pool:

        def fetch(url: str) -> Answer:
            response = pool.request("GET", url, headers=HEADERS, timeout=10.0)
            return Answer(response.status, response.data.decode())

        yield fetch


@contextmanager
def urllib_opener() -> Iterator[Fetch]:
    """urllib.request, as IMDS probes often do it."""
    import urllib.request

    opener = urllib.request.build_opener()

    def fetch(url: str) -> Answer:
        with opener.open(urllib.request.Request(url, headers=HEADERS), timeout=10) as response:
            return Answer(response.status, response.read().decode())

    yield fetch


@contextmanager
def http_client() -> Iterator[Fetch]:
    """http.client with a TLS context of the app's own."""
    from http.client import HTTPConnection, HTTPSConnection

    context = ssl.create_default_context()

    def fetch(url: str) -> Answer:
        scheme, host, port, path = _parts(url)
        connection = HTTPSConnection(host, port, context=context) if scheme == "https" else HTTPConnection(host, port)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=HEADERS)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())

    yield fetch


@contextmanager
def httpx_client() -> Iterator[Fetch]:
    """httpx, synchronously."""
    import httpx

    with httpx.Client() as session:

        def fetch(url: str) -> Answer:
            response = session.get(url, headers=HEADERS)
            return Answer(response.status_code, response.text)

        yield fetch


async def _httpx_get(url: str, context: ssl.SSLContext) -> Answer:
    import httpx

    async with httpx.AsyncClient(verify=context) as session:
        response = await session.get(url, headers=HEADERS)
        return Answer(response.status_code, response.text)


@contextmanager
def httpx_asyncio() -> Iterator[Fetch]:
    """httpx on asyncio."""
    context = ssl.create_default_context()
    with _asyncio_loop() as run:
        yield lambda url: run(_httpx_get(url, context))


@contextmanager
def httpx_uvloop() -> Iterator[Fetch]:
    """httpx on uvloop."""
    context = ssl.create_default_context()
    with _uvloop_loop() as run:
        yield lambda url: run(_httpx_get(url, context))


@contextmanager
def httpx_trio() -> Iterator[Fetch]:
    """httpx on trio."""
    import trio

    context = ssl.create_default_context()
    yield lambda url: trio.run(_httpx_get, url, context)


async def _aiohttp_get(session: Any, url: str) -> Answer:
    async with session.get(url, headers=HEADERS) as response:
        return Answer(response.status, await response.text())


@contextmanager
def _aiohttp_session(run: Run, resolver: str | None = None) -> Iterator[Fetch]:
    import aiohttp

    async def start() -> tuple[aiohttp.ClientSession, Any]:
        given = getattr(aiohttp.resolver, resolver)() if resolver else None
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=given)), given

    async def stop() -> None:
        await session.close()
        if given:
            await given.close()

    session, given = run(start())
    try:
        yield lambda url: run(_aiohttp_get(session, url))
    finally:
        run(stop())


@contextmanager
def aiohttp_default() -> Iterator[Fetch]:
    """aiohttp as it comes: its resolver is aiodns where that is installed."""
    with _asyncio_loop() as run, _aiohttp_session(run) as fetch:
        yield fetch


@contextmanager
def aiohttp_aiodns() -> Iterator[Fetch]:
    """aiohttp with aiodns asked for by name."""
    with _asyncio_loop() as run, _aiohttp_session(run, "AsyncResolver") as fetch:
        yield fetch


@contextmanager
def aiohttp_threads() -> Iterator[Fetch]:
    """aiohttp as it is without aiodns."""
    with _asyncio_loop() as run, _aiohttp_session(run, "ThreadedResolver") as fetch:
        yield fetch


@contextmanager
def aiohttp_uvloop() -> Iterator[Fetch]:
    """aiohttp on uvloop, with aiodns."""
    with _uvloop_loop() as run, _aiohttp_session(run) as fetch:
        yield fetch


@contextmanager
def aiohttp_uvloop_threads() -> Iterator[Fetch]:
    """aiohttp on uvloop, without aiodns: the loop looks names up."""
    with _uvloop_loop() as run, _aiohttp_session(run, "ThreadedResolver") as fetch:
        yield fetch


def _streams(loop: Callable[[], AbstractContextManager[Run]], **options: Any) -> Client:
    @contextmanager
    def client() -> Iterator[Fetch]:
        context = ssl.create_default_context()

        async def fetch(url: str) -> Answer:
            scheme, host, port, path = _parts(url)
            tls = context if scheme == "https" else None
            return await _exchange(*await asyncio.open_connection(host, port, ssl=tls, **options), host, path)

        with loop() as run:
            yield lambda url: run(fetch(url))

    return client


def _sock_connect(loop: Callable[[], AbstractContextManager[Run]]) -> Client:
    @contextmanager
    def client() -> Iterator[Fetch]:
        context = ssl.create_default_context()

        async def fetch(url: str) -> Answer:
            scheme, host, port, path = _parts(url)
            with socket.socket(_family(host)) as connection:
                connection.setblocking(False)
                await asyncio.get_running_loop().sock_connect(connection, (host, port))
                tls = {"ssl": context, "server_hostname": host} if scheme == "https" else {}
                return await _exchange(
                    *await asyncio.open_connection(sock=connection.dup(), **tls),  # type: ignore[arg-type]
                    host,
                    path,
                )

        with loop() as run:
            yield lambda url: run(fetch(url))

    return client


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str) -> Answer:
    writer.write(_request(host, path))
    answer = _parse(await reader.read())
    writer.close()
    with contextlib.suppress(ssl.SSLError):  # the server closes without TLS's own goodbye
        await writer.wait_closed()
    return answer


@contextmanager
def trio_stream() -> Iterator[Fetch]:
    """trio without httpx."""
    import trio

    context = ssl.create_default_context()

    async def fetch(url: str) -> Answer:
        scheme, host, port, path = _parts(url)
        stream: trio.abc.Stream
        if scheme == "https":
            stream = await trio.open_ssl_over_tcp_stream(host, port, ssl_context=context, https_compatible=True)
        else:
            stream = await trio.open_tcp_stream(host, port)
        async with stream:
            await stream.send_all(_request(host, path))
            return _parse(b"".join([part async for part in stream]))

    yield lambda url: trio.run(fetch, url)


@contextmanager
def anyio_stream() -> Iterator[Fetch]:
    """anyio without httpx."""
    import anyio

    context = ssl.create_default_context()

    async def fetch(url: str) -> Answer:
        scheme, host, port, path = _parts(url)
        if scheme == "https":
            stream: Any = await anyio.connect_tcp(host, port, ssl_context=context, tls_standard_compatible=False)
        else:
            stream = await anyio.connect_tcp(host, port)
        async with stream:
            await stream.send(_request(host, path))
            return _parse(b"".join([part async for part in stream]))

    yield lambda url: anyio.run(fetch, url)


@contextmanager
def blocking_socket() -> Iterator[Fetch]:
    """socket.create_connection and ssl."""
    context = ssl.create_default_context()

    def fetch(url: str) -> Answer:
        scheme, host, port, path = _parts(url)
        with socket.create_connection((host, port), timeout=10) as connection:
            return _blocking_exchange(connection, scheme, host, path, context)

    yield fetch


@contextmanager
def nonblocking_socket() -> Iterator[Fetch]:
    """A non-blocking connect_ex to a host name, and select."""
    context = ssl.create_default_context()

    def fetch(url: str) -> Answer:
        scheme, host, port, path = _parts(url)
        with socket.socket(_family(host)) as connection:
            connection.setblocking(False)
            code = connection.connect_ex((host, port))
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, "connect_ex")
            select.select([], [connection], [], 10)
            connection.settimeout(10)
            return _blocking_exchange(connection, scheme, host, path, context)

    yield fetch


@contextmanager
def late_socket() -> Iterator[Fetch]:
    """A TLS socket that is wrapped first and connected afterwards."""
    context = ssl.create_default_context()

    def fetch(url: str) -> Answer:
        scheme, host, port, path = _parts(url)
        with socket.socket(_family(host)) as plain:
            connection = context.wrap_socket(plain, server_hostname=host) if scheme == "https" else plain
            with connection:
                connection.connect((host, port))
                return _blocking_exchange(connection, "", host, path, context)

    yield fetch


def _blocking_exchange(connection: socket.socket, scheme: str, host: str, path: str, context: ssl.SSLContext) -> Answer:
    if scheme == "https":
        connection = context.wrap_socket(connection, server_hostname=host)
    with connection, connection.makefile("rb") as file:
        connection.sendall(_request(host, path))
        return _parse(file.read())


CLIENTS: dict[str, Client] = {
    "requests": requests_session,
    "urllib3": urllib3_pool,
    "urllib": urllib_opener,
    "http.client": http_client,
    "httpx": httpx_client,
    "httpx-asyncio": httpx_asyncio,
    "httpx-trio": httpx_trio,
    "httpx-uvloop": httpx_uvloop,
    "aiohttp": aiohttp_default,
    "aiohttp-aiodns": aiohttp_aiodns,
    "aiohttp-threads": aiohttp_threads,
    "aiohttp-uvloop": aiohttp_uvloop,
    "aiohttp-uvloop-threads": aiohttp_uvloop_threads,
    "asyncio-streams": _streams(_asyncio_loop),
    "asyncio-happy-eyeballs": _streams(_asyncio_loop, happy_eyeballs_delay=0.25),
    "asyncio-sock-connect": _sock_connect(_asyncio_loop),
    "uvloop-streams": _streams(_uvloop_loop),
    "uvloop-sock-connect": _sock_connect(_uvloop_loop),
    "trio": trio_stream,
    "anyio": anyio_stream,
    "socket": blocking_socket,
    "socket-nonblocking": nonblocking_socket,
    "socket-late": late_socket,
}


def _parts(url: str) -> tuple[str, str, int, str]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port, f"{parts.path}?{parts.query}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and everything behind it, through the groups that trio and anyio make."""
    if error is not None:
        yield error
        for inner in getattr(error, "exceptions", ()):
            yield from causes(inner)
        yield from causes(error.__cause__ or error.__context__)


def _request(host: str, path: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in HEADERS.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def _parse(response: bytes) -> Answer:
    head, _, body = response.partition(b"\r\n\r\n")
    return Answer(int(head.split()[1]), body.decode())
