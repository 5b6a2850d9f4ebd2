"""The HTTP proxy for the programs that this process starts and that nothing redirects, such as curl.

It leads them where this process's own connections lead, and refuses the rest with the same sentence.
"""

import os
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from azcred_emulators.environments.processes import Trust, through_proxy

if TYPE_CHECKING:
    from azcred_emulators.serving.server import Server

_HOST = "127.0.0.1"
Address = tuple[str, int]


def nowhere(host: str, port: int) -> Address:
    """Lead nobody anywhere, between two tests."""
    raise RuntimeError(
        f"azcred refused a connection to '{host}:{port}', because nothing may leave this machine, and the test that "
        "has started this program is over."
    )


class ChildProxy:
    """A port from now to `stop`, which refuses connections until `start`.

    `lead` says where a connection to a host and port leads. It raises RuntimeError, whose text is the answer, if it may
    not be, and OSError if it fails. `trust` is whom programs are to trust behind the proxy, if anybody.
    """

    def __init__(self, lead: Callable[[str, int], Address] = nowhere) -> None:
        self.lead = lead
        self.trust: Trust | None = None
        self._process = os.getpid()
        self._server: Server | None = None
        self._reserved = socket.socket()  # a bound socket that does not listen: nobody else gets the port meanwhile
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((_HOST, 0))
        self.address: Address = self._reserved.getsockname()

    def variables(self) -> Mapping[str, str]:
        """Return what leads programs here that are started now."""
        url = f"http://{self.address[0]}:{self.address[1]}"
        return through_proxy(self.address, url, os.environ, self.trust)

    def start(self) -> None:
        """Serve, if it does not yet. A fork of this process cannot: its programs find the port refused."""
        if self._server is not None or os.getpid() != self._process:
            return
        from azcred_emulators.serving.proxy import Proxy
        from azcred_emulators.serving.server import Server

        server = Server(_no_server, host=_HOST, port=self.address[1], proxy=Proxy(self._destination))
        server.start()
        self._server = server

    def _destination(self, host: str, port: int) -> Address:
        from azcred_emulators.serving.proxy import ProxyRejection

        try:
            return self.lead(host, port)
        except RuntimeError as refusal:  # before OSError: a refusal may be both
            raise ProxyRejection("403 Forbidden", str(refusal)) from None
        except UnicodeError:
            raise ProxyRejection("400 Bad Request", f"{host!r} is not the name of a host.") from None
        except OSError as error:
            raise ProxyRejection(
                "502 Bad Gateway", f"The connection to '{host}:{port}' failed ({error.strerror})."
            ) from None

    def stop(self) -> None:
        """Give the port up."""
        if self._server is not None and os.getpid() == self._process:
            self._server.stop()
        self._server = None
        self._reserved.close()


def _no_server(_: object, start_response: Callable[..., object]) -> list[bytes]:
    body = b"This is the proxy of azcred for child processes, and nothing else."
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
