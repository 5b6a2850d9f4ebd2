"""A server for other processes: sessions that know nothing of each other, each of them emulators with ports of its own.

The first session is the server's and lasts as long. Others are opened and closed through the control API.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azcred_emulators.serving.tls import CertificateAuthority, write_private
from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.control.guard import ControlRejection, Guard
from azcred_emulators.standalone.session import ServerSession

if TYPE_CHECKING:
    from azcred_emulators.standalone.control.application import ControlApplication

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MOST_SESSIONS = 100
MAIN = "main"


class _SessionApplication:
    """The application at the HTTP port of a session: the control API, imported at the first request.

    So the server listens soon.
    """

    def __init__(self, server: "StandaloneServer", session: ServerSession) -> None:
        self._server = server
        self._session = session
        self._emulators = session.emulators.http.application
        self._lock = threading.Lock()
        self._control: ControlApplication | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._loaded()(environ, start_response)

    def _loaded(self) -> "ControlApplication":
        with self._lock:
            if self._control is None:
                _ = self._session.emulators.application  # two threads must not import what needs each other at once
                from azcred_emulators.standalone.control.application import ControlApplication

                configuration = self._server.configuration
                guard = Guard(configuration.key, (configuration.address, *configuration.host_names))
                self._control = ControlApplication(self._session, self._server, guard, self._emulators)
            return self._control


class StandaloneServer:
    """A server, as a context manager that runs it. Raises as `ServerSession.start` does."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.certificate_authority: CertificateAuthority = CertificateAuthority()
        self._lock = threading.Lock()
        self.main: ServerSession = self._new_session(
            MAIN, http_port=configuration.http_port, https_port=configuration.https_port
        )
        self.sessions: dict[str, ServerSession] = {MAIN: self.main}

    def open(self, name: str | None = None) -> ServerSession:
        """Open a session; raises ValueError for a malformed name, ControlRejection for one that is taken."""
        with self._lock:
            if name is None:
                name = next(free for number in range(1, 1000) if (free := f"session-{number}") not in self.sessions)
            if not _NAME.fullmatch(name):
                raise ValueError("a session's name has up to 40 small letters, digits and hyphens")
            if name in self.sessions:
                raise ControlRejection(f"there is a session {name!r} already", 409)
            if len(self.sessions) >= _MOST_SESSIONS:
                raise ControlRejection(
                    f"the server has {_MOST_SESSIONS} sessions, the most that it opens; close one", 429
                )
            session = self._new_session(name)
            session.start()
            self.sessions[name] = session
            return session

    def close(self, name: str) -> bool:
        """End a session; returns False if there is none of this name, and for the server's own, which stays."""
        with self._lock:
            session = self.sessions.pop(name, None) if name != MAIN else None
        if session is None:
            return False
        # On a thread: a session that was told to end itself has to answer first.
        threading.Thread(target=session.emulators.stop, name="azcred-close", daemon=True).start()
        return True

    def _new_session(self, name: str, *, http_port: int = 0, https_port: int = 0) -> ServerSession:
        session = ServerSession(
            name, self.configuration, self.certificate_authority, http_port=http_port, https_port=https_port
        )
        session.emulators.http.application = _SessionApplication(self, session)
        return session

    def write_ready_file(self, path: Path) -> None:
        """Write where the server is to a file, as JSON, at once and for this user only; raises OSError."""
        content = f"{json.dumps({**self.main.describe(), 'pid': os.getpid()})}\n"
        write_private(path, content.encode())

    def write_certificate_authority(self, path: Path) -> None:
        """Write the certificate that clients must trust to a file, in PEM form; raises OSError."""
        path.write_text(self.certificate_authority.pem)

    def __enter__(self) -> "StandaloneServer":
        self.main.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            sessions, self.sessions = list(self.sessions.values()), {}
        for session in sessions:
            session.emulators.stop()
