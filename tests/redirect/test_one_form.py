"""Hosts are judged, and passed on to Python's own functions, in one form that asks no name server."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_azcred.redirect.routes import UNREACHABLE, OutsideConnectionError, Route
from pytest_azcred.redirect.routing import Routing

HOST = "orders.contoso.com"
METADATA = "169.254.169.254"


class Changing(str):
    """Text that says something else to Python code than to C, as of any reading."""

    def __str__(self) -> str:
        return "localhost"

    def lower(self) -> str:
        return "localhost"

    def encode(self, *_: Any) -> bytes:
        return b"localhost"

    def __eq__(self, other: object) -> bool:
        return other == "localhost"

    def __hash__(self) -> int:
        return hash("localhost")


class ChangingBytes(bytes):
    """The same for bytes."""

    def __bytes__(self) -> bytes:
        return b"localhost"

    def decode(self, *_: Any, **__: Any) -> str:
        return "localhost"


class ChangingNumber(int):
    """A number that Python code takes for another."""

    def __index__(self) -> int:
        return 80

    def __and__(self, other: int) -> int:
        return other

    def __eq__(self, other: object) -> bool:
        return other == 80

    def __hash__(self) -> int:
        return hash(80)


class ChangingTuple(tuple[Any, ...]):
    """An address that Python code takes for another."""

    def __iter__(self) -> Iterator[Any]:
        return iter(("127.0.0.1", 80))

    def __getitem__(self, item: Any) -> Any:
        return ("127.0.0.1", 80)[item]


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Any]]:
    """What Python's own functions receive while this process is redirected. They reach nothing."""
    calls: list[Any] = []

    def record(result: Any, *, method: bool = False) -> Callable[..., Any]:
        def function(*arguments: Any) -> Any:
            calls.append(arguments[method:])
            return result

        return function if method else lambda *arguments: function(*arguments)

    monkeypatch.setattr(_socket, "getaddrinfo", record([]))
    monkeypatch.setattr(socket, "gethostbyname", record("127.0.0.1"))
    monkeypatch.setattr(socket, "gethostbyname_ex", record(("", [], [])))
    monkeypatch.setattr(socket.socket, "connect", record(None, method=True), raising=False)
    monkeypatch.setattr(socket.socket, "connect_ex", record(0, method=True), raising=False)
    monkeypatch.setattr(socket.socket, "sendto", record(1, method=True), raising=False)
    routing = Routing(
        "",
        tmp_path,
        [Route(HOST, 80, ("127.0.0.1", 8080)), Route(METADATA, 80, UNREACHABLE), Route("10.1.2.3", 80, ("::1", 81))],
    )
    routing.activate()
    yield calls
    routing.deactivate()


# What is of this machine, in forms that a name server would be asked about, or that C reads in its own way; and what
# is passed on in their place.
HERE: list[tuple[Any, str]] = [
    ("localhost", "localhost"),
    ("localhost.", "localhost"),
    ("LocalHost.", "localhost"),
    (b"localhost.", "localhost"),
    (bytearray(b"LOCALHOST"), "localhost"),
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1.", "127.0.0.1"),
    ("127.1", "127.0.0.1"),
    ("127.1.", "127.0.0.1"),
    ("0x7f.1", "127.0.0.1"),
    ("0X7F000001", "127.0.0.1"),
    ("0177.0.0.1", "127.0.0.1"),
    ("2130706433", "127.0.0.1"),
    (b"2130706433.", "127.0.0.1"),
    ("0", "0.0.0.0"),
    ("\uff11\uff12\uff17.0.0.1", "127.0.0.1"),  # full-width digits, which IDNA makes usual ones
    ("127\u30020\u30020\u30021", "127.0.0.1"),  # and ideographic full stops
    ("::1", "::1"),
    ("0:0:0:0:0:0:0:1", "::1"),
    ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    ("::FFFF:7f00:1", "::ffff:127.0.0.1"),
    ("app.localhost.", "127.0.0.1"),
    ("", ""),
]


def test_without_the_redirection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own function gets each form as the caller wrote it."""
    calls: list[Any] = []

    def record(host: Any, *_: Any) -> list[Any]:
        calls.append(host)
        return []

    monkeypatch.setattr(_socket, "getaddrinfo", record)
    for host, _ in HERE:
        socket.getaddrinfo(host, 81)
    assert calls == [host for host, _ in HERE]


@pytest.mark.parametrize(("host", "passed"), HERE, ids=[ascii(host) for host, _ in HERE])
def test_this_machine(received: list[Any], host: Any, passed: str) -> None:
    """Look-ups and connections get the one form, as plain text."""
    socket.getaddrinfo(host, 81)
    socket.gethostbyname(host)
    socket.gethostbyname_ex(host)
    with socket.socket(socket.AF_INET6 if ":" in passed else socket.AF_INET) as connection:
        connection.connect((host, 81))
        connection.connect_ex((host, 81))
    with socket.socket(connection.family, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"?", (host, 81))
    look_up, by_name, by_name_ex, connect, connect_ex, (_, sendto) = received
    assert look_up[:2] == (passed, 81)
    assert by_name == by_name_ex == (passed,)
    assert connect == connect_ex == ((passed, 81),)
    assert sendto == (passed, 81)
    assert {type(text) for text in (look_up[0], by_name[0], connect[0][0], sendto[0])} == {str}


# What leads elsewhere, however it is spelt.
ROUTED = [
    HOST.upper(),
    f"{HOST}.",
    HOST.encode(),
    bytearray(f"{HOST}.".encode()),
    "ｏｒｄｅｒｓ.contoso.com",  # noqa: RUF001 -- full-width letters, which IDNA makes usual ones
    "orders\u3002contoso\uff0ecom",
]


@pytest.mark.parametrize("host", ROUTED, ids=ascii)
def test_a_routed_name(received: list[Any], host: Any) -> None:
    """The address of its own that a name has is looked up in its place, and its route is followed."""
    socket.getaddrinfo(host, 80)
    with socket.socket() as connection:
        connection.connect((host, 80))
    assert [arguments[0] for arguments in received] == ["127.84.0.1", ("127.0.0.1", 8080)]


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "169.254.169.254.", "2852039166", "0xA9FEA9FE", "169.254.43518", "0251.254.169.254",
     "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", b"169.254.169.254."],
    ids=ascii,
)  # fmt: skip
def test_the_metadata_service(received: list[Any], host: Any) -> None:
    """Its address is unreachable in all forms; to look an address up asks nobody, and gives it in the usual form."""
    socket.getaddrinfo(host, 80)
    assert received[0][0] in (METADATA, f"::ffff:{METADATA}")
    family = socket.AF_INET6 if "f:" in ascii(host) else socket.AF_INET
    with socket.socket(family) as connection, pytest.raises(OSError, match="unreachable"):
        connection.connect((host, 80))
    with socket.socket() as connection, pytest.raises(OutsideConnectionError, match=r"'169\.254\.169\.254:81'"):
        connection.connect((host, 81))
    assert len(received) == 1


def test_an_address_in_ipv6(received: list[Any]) -> None:
    """The scope of an address makes no difference for where it is."""
    for host in ("::1%lo", "::1%25lo"):
        with socket.socket(socket.AF_INET6) as connection:
            connection.connect((host, 81, 0, 1))
        assert received.pop() == ((host, 81, 0, 1),)
    with socket.socket(socket.AF_INET6) as connection:
        connection.connect(("::ffff:10.1.2.3", 80, 0, 0))
    assert received.pop() == (("::1", 81),)
    for host in ("fe80::1%lo", "fe80::1", "::127.0.0.1", "64:ff9b::7f00:1"):
        with socket.socket(socket.AF_INET6) as connection, pytest.raises(OutsideConnectionError):
            connection.connect((host, 81, 0, 1))
    assert not received


# What is no name of this machine, although something may take it for one.
OUTSIDE = [
    "localhost..",
    ".",
    "..",
    " localhost",
    "localhost ",
    "127.0.0.1 ",
    "127.0.0.1 example.com",
    "127.0.0.1\t",
    "127.0.0.1%lo",
    "localhost\0.example.com",
    "\0",
    "localhost.example.com",
    "127.0.0.1.example.com",
    "0x7f.1.example.com",
    "256.256.256.256",
    "127.0.0.1..",
    f".{HOST}",
    b"\xff\xfe.example.com",
    Changing("example.com"),
    ChangingBytes(b"example.com"),
]


@pytest.mark.parametrize("host", OUTSIDE, ids=ascii)
def test_what_only_looks_like_it(received: list[Any], host: Any) -> None:
    """It is refused, or not allowed by IDNA; Python's own functions, which might ask a name server, are not called."""
    for attempt in (socket.getaddrinfo, lambda host, _: socket.gethostbyname(host), _connect):
        with pytest.raises((OutsideConnectionError, UnicodeError)):
            attempt(host, 80)
    assert not received


def _connect(host: Any, port: int) -> None:
    with socket.socket() as connection:
        connection.connect((host, port))


def test_objects_that_change_their_answer(received: list[Any]) -> None:
    """They are read once, as C would read them, and the plain value is passed on."""
    socket.getaddrinfo(Changing("LOCALHOST."), 81)
    socket.getaddrinfo(Changing(HOST), 81)
    with socket.socket() as connection:
        connection.connect((ChangingBytes(b"127.1"), ChangingNumber(81)))
        connection.connect(ChangingTuple((HOST, 80)))
    assert [arguments[0] for arguments in received] == [
        "localhost",
        "127.84.0.1",
        ("127.0.0.1", 81),
        ("127.0.0.1", 8080),
    ]
    assert type(received[2][0][1]) is int
    assert type(received[2][0]) is tuple
    with socket.socket() as connection, pytest.raises(OutsideConnectionError, match=r"'10\.9\.9\.9:53'"):
        connection.connect(ChangingTuple(("10.9.9.9", 53)))
    with pytest.raises(OutsideConnectionError):
        socket.getaddrinfo("example.com", 80, flags=ChangingNumber(0))  # "numeric host" to Python code, not to C
    assert len(received) == 4


@pytest.mark.parametrize("host", [1, 1.5, ["localhost"], ("localhost",)], ids=ascii)
def test_what_is_no_host(received: list[Any], host: Any) -> None:
    """It is a TypeError, as ever."""
    for attempt in (socket.getaddrinfo, lambda host, _: socket.gethostbyname(host), _connect):
        with pytest.raises(TypeError):
            attempt(host, 80)
    assert not received


def test_no_host(received: list[Any]) -> None:
    """That is how addresses to listen at are looked up."""
    socket.getaddrinfo(None, 80)
    assert received[0][:2] == (None, 80)
