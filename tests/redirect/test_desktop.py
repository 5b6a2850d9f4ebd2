"""The session bus, keyring and agents of whoever runs the tests hear nothing; other Unix sockets are as ever."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
import uvloop
from support.desktop import Listener, listening
from support.http_clients import causes

from pytest_azcred.redirect.desktop import DesktopConnectionError

pytestmark = pytest.mark.slow

Connect = Callable[[str], object]


def connect(address: str) -> None:
    """Connect as most clients do."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)


def connect_ex(address: str) -> None:
    """Connect without an exception of the socket's."""
    with socket.socket(socket.AF_UNIX) as connection:
        assert connection.connect_ex(address) == 0


async def unix_connection(address: str) -> None:
    """Connect with the running loop."""
    transport, _ = await asyncio.get_running_loop().create_unix_connection(asyncio.Protocol, address)
    transport.close()
    await asyncio.sleep(0)


async def trio_connection(address: str) -> None:
    """Connect with trio."""
    await (await trio.open_unix_socket(address)).aclose()


def child(address: str) -> None:
    """Connect in a child process."""
    program = "import socket, sys; socket.socket(socket.AF_UNIX).connect(bytes.fromhex(sys.argv[1]).decode())"
    run = subprocess.run([sys.executable, "-c", program, address.encode().hex()], capture_output=True, text=True)
    if run.returncode:
        assert "DesktopConnectionError: azcred refused a connection to the Unix socket" in run.stderr
        raise DesktopConnectionError(address)


CLIENTS: dict[str, Connect] = {
    "connect": connect,
    "connect-bytes": lambda address: connect(os.fsencode(address)),  # type: ignore[arg-type]
    "connect_ex": connect_ex,
    "asyncio": lambda address: asyncio.run(unix_connection(address)),
    "uvloop": lambda address: uvloop.run(unix_connection(address)),
    "trio": lambda address: trio.run(trio_connection, address),
    "child": child,
}
PATHS_ONLY = ("trio", "uvloop")


@pytest.fixture(params=["path", "abstract"])
def bus(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """The session bus of a developer, named by the variable."""
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("only Linux has abstract sockets")
    address = f"\0azcred-test-{uuid.uuid4()}" if request.param == "abstract" else str(tmp_path / "the bus")
    with listening(address) as listener:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"tcp:host=localhost,port=1;{listener.bus_address}")
        yield listener


@pytest.mark.parametrize("client", CLIENTS)
def test_without_the_fixture_the_bus_hears_the_client(bus: Listener, client: str) -> None:
    """The positive control of the next test."""
    if client in PATHS_ONLY and bus.address.startswith("\0"):
        pytest.skip(f"{client} takes paths only")
    CLIENTS[client](bus.address)
    assert bus.connections == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_the_bus_hears_nothing(bus: Listener, client: str, request: pytest.FixtureRequest) -> None:
    """The refusal says which socket and what to do, and survives the way from a child."""
    if client in PATHS_ONLY and bus.address.startswith("\0"):
        pytest.skip(f"{client} takes paths only")
    request.getfixturevalue("azcred")
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- trio raises groups
        CLIENTS[client](bus.address)
    (refused,) = [error for error in causes(caught.value) if isinstance(error, DesktopConnectionError)]
    assert f"a connection to the Unix socket {bus.address!r}, because it leads to the keyring" in str(refused)
    assert bus.connections == 0


@pytest.mark.parametrize("name", ["bus", "keyring/control", "keyring/ssh", "gnupg/S.gpg-agent", "gcr/ssh"])
def test_usual_places(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A client that needs no variable for them is refused, also by another name of the folder."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    with listening(tmp_path / name) as listener:
        (tmp_path / "link").symlink_to(tmp_path / name)
        request.getfixturevalue("azcred")
        for address in (listener.address, str(tmp_path / "link"), f"{tmp_path}/./{name}"):
            with pytest.raises(DesktopConnectionError):
                connect(address)
        assert listener.connections == 0


def test_the_place_that_every_desktop_has(azcred: object) -> None:
    """The refusal comes before any look at whether there is a bus."""
    with pytest.raises(DesktopConnectionError):
        connect(f"/run/user/{os.getuid()}/bus")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSH_AUTH_SOCK", "{}"),
        ("GPG_AGENT_INFO", "{}:4711:1"),
        ("DBUS_STARTER_ADDRESS", "unix:path={}"),
    ],
)
def test_agents(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """An agent's variable is hidden, and its socket is refused."""
    with listening(tmp_path / "agent") as listener:
        monkeypatch.setenv(variable, value.format(listener.address))
        request.getfixturevalue("azcred")
        assert variable not in os.environ
        with pytest.raises(DesktopConnectionError):
            connect(listener.address)
        assert listener.connections == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_other_sockets_are_as_ever(
    client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Such as that of a Docker that runs without root, which is beside the bus."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with listening(tmp_path / "docker.sock") as listener:
        request.getfixturevalue("azcred")
        CLIENTS[client](listener.address)
        assert listener.connections == 1


def test_a_bus_of_the_tests_own(bus: Listener, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A test that starts a bus can connect to it, and so can its children."""
    request.getfixturevalue("azcred")
    monkeypatch = request.getfixturevalue("monkeypatch")
    with listening(tmp_path / "own") as own:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", own.bus_address)
        connect(own.address)
        child(own.address)
        assert own.connections == 2


KEYRING = "import keyring; keyring.get_password('service', 'user')"
PERSISTENT_CACHE = """
from azure.identity import CertificateCredential, ClientSecretCredential, TokenCachePersistenceOptions
options = TokenCachePersistenceOptions(allow_unencrypted_storage=True)
ClientSecretCredential("tenant", "client", "secret", cache_persistence_options=options)
from azure.identity._persistent_cache import _load_persistent_cache
_load_persistent_cache(options, False).add({
    "client_id": "client", "scope": ["scope"], "token_endpoint": "https://login.microsoftonline.com/tenant",
    "response": {"access_token": "token", "expires_in": 60},
})
"""
UNIX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="the keyring of a Linux desktop")


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Listener, Path]]:
    """A developer's desktop: the session bus, and the home folder with everything that XDG puts there."""
    home = tmp_path / "home"
    home.mkdir()
    with listening(tmp_path / "bus") as listener:
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", listener.bus_address)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        for name in ("CONFIG", "CACHE", "DATA", "STATE"):
            monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name))
        yield listener, home


def run(program: str, *, isolated: bool) -> None:
    """Run a program, by `azcred run` if it is to be isolated."""
    command = [sys.executable, "-c", program]
    if isolated:
        command = [sys.executable, "-m", "pytest_azcred", "run", "--quiet", "--", *command]
    subprocess.run(command, check=False, capture_output=True, timeout=60)


@UNIX_ONLY
@pytest.mark.parametrize("isolated", [False, True], ids=["control", "isolated"])
def test_keyring(desktop: tuple[Listener, Path], isolated: bool) -> None:
    """The package asks the desktop's keyring, and under `azcred run` it finds none."""
    listener, _ = desktop
    run(KEYRING, isolated=isolated)
    assert bool(listener.connections) is not isolated


@UNIX_ONLY
def test_keyring_in_a_test(desktop: tuple[Listener, Path], request: pytest.FixtureRequest) -> None:
    """The package says that there is no keyring, as on a server."""
    import keyring.core
    import keyring.errors

    request.getfixturevalue("azcred")
    keyring.core.init_backend()
    with pytest.raises(keyring.errors.NoKeyringError):
        keyring.get_password("service", "user")
    assert desktop[0].connections == 0


@UNIX_ONLY
@pytest.mark.parametrize("isolated", [False, True], ids=["control", "isolated"])
def test_a_persistent_cache(desktop: tuple[Listener, Path], isolated: bool) -> None:
    """azure-identity keeps tokens in the developer's files, and under `azcred run` in an empty home."""
    listener, home = desktop
    run(PERSISTENT_CACHE, isolated=isolated)
    assert bool([file for file in home.rglob("*") if file.is_file()]) is not isolated
    assert listener.connections == 0 or not isolated
