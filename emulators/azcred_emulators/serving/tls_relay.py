"""TLS for local servers that have none: `https://orders.contoso.com` is answered by a plain server on this machine.

A relay listens on loopback, ends the client's TLS with a certificate for the real name, and passes every byte on to
the server and back. It knows nothing of HTTP, so WebSockets, streams and bodies of any length go through it. A client
that begins without TLS gets its bytes passed on as they are.
"""

import errno
import os
import selectors
import socket
import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import ExitStack, suppress
from functools import cached_property, partial

from azcred_emulators.serving.tls import Issue, server_context

Address = tuple[str, int]
_Interest = Mapping[socket.socket, int]  # what a conversation waits for
_Conversation = Generator[_Interest, None, None]

_HANDSHAKE = b"\x16"  # what a connection in TLS starts with (RFC 8446, section 5.1)
_BACKLOG = 1024
_PIECE = 65536
_PATIENCE = 10.0  # seconds
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)
_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TlsRelays:
    """The relays of a run or of a test, each made at its first use. `issue` makes their certificates."""

    def __init__(self, issue: Issue) -> None:
        self._issue = issue
        self._lock = threading.Lock()
        self._relays: dict[tuple[str, Address], TlsRelay] = {}

    def address(self, host: str, target: Address) -> Address:
        """Return the address at which the server at `target` answers as a real host, with TLS and without."""
        with self._lock:
            if (host, target) not in self._relays:
                relay = TlsRelay(host, target, self._issue)
                relay.start()
                self._relays[host, target] = relay
            return self._relays[host, target].address

    def stop(self) -> None:
        """Close every port and every connection."""
        with self._lock:
            relays, self._relays = list(self._relays.values()), {}
        for relay in relays:
            relay.stop()


class TlsRelay:
    """One thread that relays the connections of one real host to one server, which speaks HTTP without TLS.

    `host` is the name in the certificate for clients whose hello names none, as for an IP address.
    """

    def __init__(self, host: str, target: Address, issue: Issue) -> None:
        self._host = host
        self._target = target
        self._issue = issue
        self._listener: socket.socket | None = None
        self._stop: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return server_context(self._issue, self._host)

    @property
    def address(self) -> Address:
        """Where it listens; raises RuntimeError before `start`."""
        if self._listener is None:
            raise RuntimeError("the relay is not running; call start() first")
        host, port = self._listener.getsockname()[:2]
        return host, port

    def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self._stop, stopped = socket.socketpair()
        self._thread = threading.Thread(
            target=self._run, args=(self._listener, stopped), name="azcred-tls-relay", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection, and wait for the thread to end, which itself waits for nobody."""
        if self._stop is None or self._thread is None:
            return
        self._stop.close()
        self._thread.join(_PATIENCE)
        self._listener = self._stop = self._thread = None

    def _run(self, listener: socket.socket, stopped: socket.socket) -> None:
        waiting: dict[_Conversation, _Interest] = {}
        with selectors.DefaultSelector() as selector, listener, stopped:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(stopped, selectors.EVENT_READ)
            while True:
                events = selector.select()
                ready = {key.fileobj: key.data for key, _ in events}
                if stopped in ready:
                    break
                conversations = {conversation: None for conversation in ready.values() if conversation}
                if listener in ready:
                    with suppress(OSError):  # the client has disconnected already
                        conversations[self._conversation(listener.accept()[0])] = None
                for conversation in conversations:
                    _proceed(conversation, waiting, selector)
            for conversation in waiting:
                conversation.close()

    def _conversation(self, client: socket.socket) -> _Conversation:
        """Relay one connection; yields which of its sockets to wait for, and raises OSError if it breaks off."""
        family = socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET
        with ExitStack() as sockets:
            sockets.enter_context(client)
            server = sockets.enter_context(socket.socket(family))
            for end in (client, server):
                end.setblocking(False)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            failure = yield from _connect(server, self._target)
            # A server that speaks first has a client that waits for it, without TLS.
            yield dict.fromkeys((client,) if failure else (client, server), selectors.EVENT_READ)
            if _begins_with_tls(client):
                tls = self._context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                client = sockets.enter_context(tls)
                while missing := _shake_hands(tls):
                    yield {client: missing}
            if failure:
                host, port = self._target
                yield from _refuse(
                    client,
                    f"azcred routes {self._host} to {host}:{port}, where nothing answers ({os.strerror(failure)}).\n",
                )
            else:
                yield from _copy(client, server)


def _proceed(
    conversation: _Conversation, waiting: dict[_Conversation, _Interest], selector: selectors.BaseSelector
) -> None:
    """Let a conversation do what it can, and wait for what it needs then."""
    for end in waiting.pop(conversation, ()):
        selector.unregister(end)
    with suppress(OSError, StopIteration):  # a client may go at any moment, or not trust the certificate
        waiting[conversation] = interest = next(conversation)
        for end, events in interest.items():
            selector.register(end, events, conversation)


def _connect(server: socket.socket, target: Address) -> Generator[_Interest, None, int]:
    """Connect a socket; returns the number of the error if that fails, else 0."""
    code = server.connect_ex(target)
    if code in _UNDER_WAY:
        yield {server: selectors.EVENT_WRITE}
        code = server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return code


def _begins_with_tls(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK) == _HANDSHAKE
    except BlockingIOError:
        return False


def _shake_hands(client: ssl.SSLSocket) -> int:
    """Take the handshake as far as it goes; returns what to wait for, 0 once it is complete."""
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return selectors.EVENT_READ
    except ssl.SSLWantWriteError:
        return selectors.EVENT_WRITE
    return 0


def _copy(client: socket.socket, server: socket.socket) -> _Conversation:
    """Copy the data of two sockets to each other until both have ended."""
    ways = (_Way(client, server), _Way(server, client))
    while True:
        interest = {client: 0, server: 0}
        for way in ways:
            way.advance()
            for end, events in way.interest.items():
                interest[end] |= events
        if not any(interest.values()):
            return
        yield {end: events for end, events in interest.items() if events}


class _Way:
    """One direction of a connection: one piece of data at a time, read when the one before has been written."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self._source = source
        self._target = target
        self._piece = memoryview(b"")
        self._ended = False

    def advance(self) -> None:
        """Read and write what can be without waiting; the end of the source ends the target's input as well."""
        with suppress(*_NOT_YET):
            if not self._piece and not self._ended:
                self._piece = memoryview(self._source.recv(_PIECE))
                if not self._piece:
                    self._ended = True
                    _end(self._target)
            if self._piece:
                self._piece = self._piece[self._target.send(self._piece) :]

    @property
    def interest(self) -> _Interest:
        """What it waits for; nothing once it has ended."""
        if self._piece:
            return {self._target: selectors.EVENT_WRITE}
        return {} if self._ended else {self._source: selectors.EVENT_READ}


def _end(target: socket.socket) -> None:
    """Say that no more data comes, in TLS as well."""
    with suppress(OSError):
        if isinstance(target, ssl.SSLSocket):
            target.unwrap()  # it sends our goodbye, and raises because the client's has not come yet
    with suppress(OSError):
        socket.socket.shutdown(target, socket.SHUT_WR)  # that of an SSLSocket drops TLS, and the client may still send


def _refuse(client: socket.socket, reason: str) -> _Conversation:
    """Answer with 502, and read on until the client has gone, so that it does not lose the answer."""
    body = reason.encode()
    lines = (
        "HTTP/1.1 502 Bad Gateway",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "\r\n",
    )
    answer = "\r\n".join(lines).encode() + body
    receive = client.recv
    while True:
        try:
            if not receive(_PIECE):
                return
        except _NOT_YET:
            yield {client: selectors.EVENT_READ}
            continue
        if answer:
            client.send(answer)  # a new connection has room for it
            _end(client)
            answer = b""
            receive = partial(socket.socket.recv, client)  # TLS has ended, and reads no more
