"""Connections that are not established as they should be.

A process whose connections are redirected meets these when it connects. One that is connected already, or is another
process, sees its connection break when it asks for something.
"""

import errno
import os
from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, Protocol

from werkzeug.wrappers import Response

from azcred_emulators.emulation.fault import Exchange, RequestFault
from azcred_emulators.serving.connection import Disconnect

Address = tuple[str, int]
Defect = Literal["untrusted", "expired", "wrong-name", "handshake"]
CONNECTION = "connection"  # the operation of a fault's entry in the journal if there was no request yet
_DEFECTS = ("untrusted", "expired", "wrong-name", "handshake")


class Network(Protocol):
    """Where connections can be led to."""

    def black_hole(self) -> Address:
        """Return an address at which nothing ever answers."""

    def bad_tls(self, defect: Defect) -> Address:
        """Return the address of a server whose TLS has this defect."""


class NetworkFault(RequestFault):
    """A fault of a connection before there is a request."""

    __slots__ = ()

    @abstractmethod
    def connect(self, network: Network) -> Address:
        """Return where the connection leads instead; raises OSError if it fails at once."""

    def apply(self, exchange: Exchange) -> Response:
        """Break a connection that is there already."""
        raise Disconnect(reset=True)


@dataclass(frozen=True, slots=True, repr=False)
class RefusedPort(NetworkFault):
    """A port at which nobody listens: the connection is refused at once."""

    def connect(self, network: Network) -> Address:
        """Refuse the connection."""
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))


@dataclass(frozen=True, slots=True, repr=False)
class BlackHole(NetworkFault):
    """A network that swallows everything: the connection is never established, however long its client waits."""

    def connect(self, network: Network) -> Address:
        """Lead the connection to where nothing answers."""
        return network.black_hole()

    def apply(self, exchange: Exchange) -> Response:
        """Say nothing until the test ends."""
        exchange.wait(None)
        raise Disconnect


@dataclass(frozen=True, slots=True, repr=False)
class TlsFailure(NetworkFault):
    """A server with which a TLS connection fails.

    :param defect: its certificate is from an unknown authority ("untrusted"), out of date ("expired") or for another
        name ("wrong-name"), or the server does not speak TLS ("handshake").
    :raises ValueError: there is no such defect.
    """

    defect: Defect = "untrusted"

    def __post_init__(self) -> None:
        if self.defect not in _DEFECTS:
            raise ValueError(f"TLS can be {', '.join(_DEFECTS)}, not {self.defect!r}")

    def connect(self, network: Network) -> Address:
        """Lead the connection to such a server."""
        return network.bad_tls(self.defect)
