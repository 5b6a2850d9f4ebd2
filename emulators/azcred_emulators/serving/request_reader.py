"""Requests out of the bytes of a connection, however these arrive (RFC 9112)."""

import re
from dataclasses import dataclass
from enum import Enum

Headers = list[tuple[str, str]]

MAXIMUM_READ = 1024 * 1024  # bytes of a body that is read ahead; a larger one is read as the application asks for it
MAXIMUM_HEAD = 64 * 1024  # bytes
_MAXIMUM_HEADERS = 100
_MAXIMUM_CHUNK_LINE = 1024  # bytes
_MAXIMUM_DIGITS = 15  # of a length: more than any body has, and far from what Python refuses to convert

_PRINTABLE = bytes([*b"\t\n", *range(0x20, 0x7F), *range(0x80, 0x100)])
_TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIRST = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_REQUEST_LINE = re.compile(rf"({_TOKEN}) ([^ \n]+) (HTTP/1\.[0-9])\n")
_HEADERS = re.compile(rf"(?:{_TOKEN}:[^\n]*\n)*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;[^\r\n]*)?\r?\n")
_ONCE = ("content-length", "transfer-encoding", "host")


class BadRequest(Exception):
    """A request that is malformed or too large, with the status line of its answer."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Stage(Enum):
    """What the next bytes of a connection belong to."""

    IDLE = "no request"
    HEAD = "a head"
    BODY = "a body"


@dataclass(slots=True)
class HttpRequest:
    """A request: its head, and the body once it has arrived.

    `keep` tells whether the client may send another request. `length` is that of the body, None if it comes in chunks.
    `unread` is the number of bytes of a body that is too large to be read ahead and therefore empty here; of one in
    chunks, the length at which it became so. `RequestReader.piece` has its bytes.
    """

    method: str
    target: str
    version: str
    headers: Headers
    keep: bool
    length: int | None
    expects_continue: bool
    body: bytes = b""
    unread: int = 0


class RequestReader:
    """Takes bytes and gives requests, in order."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # bytes of the buffer that hold no end of a head
        self._head: HttpRequest | None = None
        self._chunks = bytearray()  # what has been decoded of a body that is read ahead
        self._decoder = ChunkDecoder()
        self._left: int | None = 0  # bytes of a body that is not read ahead, None if it comes in chunks

    @property
    def has_unread(self) -> bool:
        """Whether a body that was not read ahead has not been read to its end."""
        return self._left != 0

    @property
    def stage(self) -> Stage:
        """What the next bytes belong to."""
        if self._head:
            return Stage.BODY
        return Stage.HEAD if self._buffer else Stage.IDLE

    def feed(self, data: bytes) -> None:
        """Add what has been received."""
        self._buffer += data

    def take_rest(self) -> bytes:
        """Return what the client has sent after its last request, which is no HTTP any more."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def take_expectation(self) -> bool:
        """Tell, once for each request, whether the client waits for permission to send the body."""
        if self._head and self._head.expects_continue:
            self._head.expects_continue = False
            return True
        return False

    def next(self) -> HttpRequest | None:
        """Return the next request, None if it is not complete yet; raises BadRequest."""
        head = self._head or (self._read_head() if self._buffer else None)
        if head is None:
            return None
        body = self._read_chunks() if head.length is None else self._read_body(head.length)
        if body is None:
            self._head = head
            return None
        self._head = None
        head.body, head.unread = body
        if head.unread:
            self._left = head.length
        return head

    def piece(self) -> bytes | None:
        """Return the next bytes of a body that was not read ahead, b"" at its end, None if none have arrived yet."""
        if self._left is not None:
            piece = bytes(self._buffer[: self._left])
            del self._buffer[: len(piece)]
            self._left -= len(piece)
            return piece or (None if self._left else b"")
        if self._chunks:
            piece = bytes(self._chunks)
            self._chunks.clear()
            return piece
        decoded = self._decoder.take(self._buffer)
        if decoded == b"":
            self._left = 0
        return decoded

    def _read_head(self) -> HttpRequest | None:
        buffer = self._buffer
        while buffer and buffer[0] in b"\r\n":  # empty lines before a request do no harm (RFC 9112, section 2.2)
            del buffer[: 2 if buffer.startswith(b"\r\n") else 1]
        if buffer and buffer[0] not in _FIRST:  # TLS, most likely
            raise BadRequest("400 Bad Request", "The request line is malformed.")
        end = _earlier(buffer.find(b"\n\r\n", self._searched), buffer.find(b"\n\n", self._searched))
        if end < 0:
            if len(buffer) > MAXIMUM_HEAD:
                raise BadRequest("431 Request Header Fields Too Large", "The head of the request is too long.")
            self._searched = max(0, len(buffer) - 2)
            return None
        end += 1
        if end > MAXIMUM_HEAD:
            raise BadRequest("431 Request Header Fields Too Large", "The head of the request is too long.")
        head = bytes(buffer[:end])
        del buffer[: end + (2 if buffer[end] == 13 else 1)]
        self._searched = 0
        return _parse_head(head)

    def _read_body(self, length: int) -> tuple[bytes, int] | None:
        if length > MAXIMUM_READ:
            return b"", length
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body, 0

    def _read_chunks(self) -> tuple[bytes, int] | None:
        """Return a body that comes in chunks, None if it has not ended."""
        while (piece := self._decoder.take(self._buffer)) is not None:
            if not piece:
                body = bytes(self._chunks)
                self._chunks.clear()
                return body, 0
            self._chunks += piece
            if len(self._chunks) > MAXIMUM_READ:
                break
        length = len(self._chunks) + self._decoder.left
        return (b"", length) if length > MAXIMUM_READ else None


class ChunkDecoder:
    """Takes the data of bodies in chunks out of a buffer; trailers are dropped."""

    def __init__(self) -> None:
        self.left: int = 0  # bytes of the chunk that has begun
        self._in_chunk = False  # until the end of the line after its data
        self._in_trailers = False

    def take(self, buffer: bytearray) -> bytes | None:
        """Return the next data, b"" at the end of a body, None if more must be received; raises BadRequest."""
        while not self._in_trailers:
            if self.left:
                piece = bytes(buffer[: self.left])
                del buffer[: len(piece)]
                self.left -= len(piece)
                return piece or None
            if self._in_chunk and not self._end_chunk(buffer):
                return None
            line_end = buffer.find(b"\n", 0, _MAXIMUM_CHUNK_LINE) + 1
            if not line_end:
                if len(buffer) >= _MAXIMUM_CHUNK_LINE:
                    raise BadRequest("400 Bad Request", "The chunks of the body are malformed.")
                return None
            size = _CHUNK_SIZE.fullmatch(buffer, 0, line_end)
            if size is None:
                raise BadRequest("400 Bad Request", "The chunks of the body are malformed.")
            self.left = _number(size[1].decode(), 16)
            del buffer[:line_end]
            self._in_chunk = self.left > 0
            self._in_trailers = not self._in_chunk
        return self._end_trailers(buffer)

    def _end_chunk(self, buffer: bytearray) -> bool:
        """Take the end of the line after a chunk's data; returns False if it has not arrived."""
        if not buffer or buffer == b"\r":
            return False
        ending = 2 if buffer.startswith(b"\r\n") else 1
        if buffer[ending - 1] != 10:
            raise BadRequest("400 Bad Request", "The chunks of the body are malformed.")
        del buffer[:ending]
        self._in_chunk = False
        return True

    def _end_trailers(self, buffer: bytearray) -> bytes | None:
        while True:
            line_end = buffer.find(b"\n") + 1
            if not line_end:
                if len(buffer) > MAXIMUM_HEAD:
                    raise BadRequest("431 Request Header Fields Too Large", "The trailers of the body are too long.")
                return None
            line = bytes(buffer[:line_end]).rstrip(b"\r\n")
            del buffer[:line_end]
            if not line:
                self._in_trailers = False
                return b""


def _earlier(one: int, other: int) -> int:
    return max(one, other) if one < 0 or other < 0 else min(one, other)


def header(headers: Headers, name: str) -> str:
    """Return the value of the first header with this name, which is in small letters; "" if there is none."""
    return next((value for key, value in headers if key.lower() == name), "")


def _parse_head(data: bytes) -> HttpRequest:
    plain = data.replace(b"\r\n", b"\n")
    if plain.translate(None, _PRINTABLE):
        raise BadRequest("400 Bad Request", "The head of the request has a control character.")
    text = plain.decode("latin-1")
    first = _REQUEST_LINE.match(text)
    if first is None:
        raise BadRequest("400 Bad Request", "The request line is malformed.")
    method, target, version = first.groups()
    if text.count("\n") > _MAXIMUM_HEADERS + 1:
        raise BadRequest("431 Request Header Fields Too Large", "The request has too many headers.")
    if not _HEADERS.fullmatch(text, first.end()):
        raise BadRequest("400 Bad Request", "A header of the request is malformed.")
    headers: Headers = []
    special: dict[str, str] = {}
    for line in text[first.end() : -1].split("\n") if len(text) > first.end() else ():
        name, _, value = line.partition(":")
        value = value.strip(" \t")
        headers.append((name, value))
        lower = name.lower()
        if lower in _ONCE and lower in special:
            raise BadRequest("400 Bad Request", f"The request has the header {lower} twice.")
        special[lower] = value
    connection = special.get("connection", "").lower()
    keep = "close" not in connection and (version != "HTTP/1.0" or "keep-alive" in connection)
    expects = special.get("expect", "").lower() == "100-continue"
    return HttpRequest(method, target, version, headers, keep, _length(special, version), expects)


def _length(headers: dict[str, str], version: str) -> int | None:
    """Return the length of the body, None if it comes in chunks."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None or version == "HTTP/1.0":
            raise BadRequest("400 Bad Request", "The length of the body is ambiguous.")
        if coding.lower() != "chunked":
            raise BadRequest("501 Not Implemented", "The only Transfer-Encoding that is understood is chunked.")
        return None
    if length is None:
        return 0
    if not (length.isascii() and length.isdigit()):
        raise BadRequest("400 Bad Request", "The Content-Length is not a number.")
    return _number(length, 10)


def _number(digits: str, base: int) -> int:
    if len(digits.lstrip("0")) > _MAXIMUM_DIGITS:
        raise BadRequest("413 Content Too Large", "The body is too large.")
    return int(digits.lstrip("0") or "0", base)
