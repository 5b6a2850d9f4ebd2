"""Websockets as a server speaks them (RFC 6455), without extensions: text, bytes, and the end of either side."""

import base64
import hashlib
import socket
import struct
from collections.abc import Callable, Iterator

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_MAXIMUM = 16 * 1024 * 1024  # bytes of a message


class WebSocketClosed(Exception):
    """The client has closed the websocket, or has gone."""


class WebSocket:
    """One websocket of a client, whose messages can be iterated over until it closes."""

    def __init__(self, connection: socket.socket, received: bytes = b"") -> None:
        self._socket = connection
        self._buffer = bytearray(received)

    def send(self, message: str | bytes) -> None:
        """Send a message.

        :param message: text or bytes.
        :raises WebSocketClosed: the client has gone.
        """
        data = message.encode() if isinstance(message, str) else bytes(message)
        self._send(_TEXT if isinstance(message, str) else _BINARY, data)

    def receive(self) -> str | bytes:
        """Return the client's next message.

        :return: text or bytes.
        :raises WebSocketClosed: the client has closed the websocket.
        """
        kind, message = 0, bytearray()
        while True:
            final, code, data = self._frame()
            if code == _CLOSE:
                self.close()
                raise WebSocketClosed
            if code == _PING:
                self._send(_PONG, data)
            elif code != _PONG:
                kind = code or kind
                message += data
                if len(message) > _MAXIMUM:
                    self.close(1009)
                    raise WebSocketClosed
                if final:
                    return message.decode("utf-8", "replace") if kind == _TEXT else bytes(message)

    def __iter__(self) -> Iterator[str | bytes]:
        try:
            while True:
                yield self.receive()
        except WebSocketClosed:
            return

    def close(self, code: int = 1000) -> None:
        """Say that this side has ended.

        :param code: the status code of RFC 6455; 1000 for a normal end.
        """
        try:
            self._send(_CLOSE, struct.pack("!H", code))
        except WebSocketClosed:
            return

    def _send(self, code: int, data: bytes) -> None:
        length = len(data)
        if length < 126:
            head = struct.pack("!BB", 0x80 | code, length)
        elif length < 65536:
            head = struct.pack("!BBH", 0x80 | code, 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | code, 127, length)
        try:
            self._socket.sendall(head + data)
        except OSError:
            raise WebSocketClosed from None

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", self._read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self._read(8))[0]
        if not second & 0x80 or length > _MAXIMUM:  # a client masks all it sends (section 5.1)
            self.close(1002)
            raise WebSocketClosed
        mask = self._read(4)
        data = self._read(length)
        repeated = (mask * (length // 4 + 1))[:length]
        plain = (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
        return bool(first & 0x80), first & 0x0F, plain

    def _read(self, length: int) -> bytes:
        while len(self._buffer) < length:
            try:
                piece = self._socket.recv(65536)
            except OSError:
                piece = b""
            if not piece:
                raise WebSocketClosed
            self._buffer += piece
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data


class Upgrade(Exception):
    """Raised by an application to go on as a websocket: `serve` has the connection until it returns."""

    def __init__(self, key: str, serve: Callable[[WebSocket], object], *, protocol: str | None = None) -> None:
        super().__init__()
        accept = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()  # noqa: S324  # the protocol's
        self.serve: Callable[[WebSocket], object] = serve
        self.head: bytes = "\r\n".join(
            [
                *("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"),
                f"Sec-WebSocket-Accept: {accept}",
                *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []),
                "\r\n",
            ]
        ).encode("latin-1")
