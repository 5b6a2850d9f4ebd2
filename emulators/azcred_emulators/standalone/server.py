"""A server for other processes: sessions that know nothing of each other, each of them emulators with ports of its own.

The first session is the server's and lasts as long. Others are opened and closed through the control API.
"""

import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import Environment, processes, select
from azcred_emulators.environments.active import Setup
from azcred_emulators.serving.tls import NOT_AFTER, CertificateAuthority, write_private
from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.control.guard import Forbidden, Guard

if TYPE_CHECKING:
    from azcred_emulators.standalone.control.application import Control

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MOST_SESSIONS = 100
_KEPT = 10_000  # requests in a journal: a server may run for weeks
MAIN = "main"


class Session:
    """Emulators that are controlled from outside."""

    def __init__(self, server: "Standalone", name: str, *, http_port: int = 0, https_port: int = 0) -> None:
        configuration = server.configuration
        self.name = name
        self.server = server
        self.emulators = Emulators(
            address=configuration.address,
            host_name=next(iter(configuration.host_names), None),
            http_port=http_port,
            https_port=https_port,
            certificate_authority=server.certificate_authority,
        )
        self.emulators.recorder.limit = _KEPT
        self._answer = self.emulators.http.application
        self.emulators.http.application = lambda environ, start_response: self._control(environ, start_response)
        self._lock = threading.Lock()
        self._loaded: Control | None = None

    @property
    def _control(self) -> "Control":
        """What answers at the HTTP port, loaded when it is first asked so that the server listens soon."""
        with self._lock:
            if self._loaded is None:
                _ = self.emulators.application  # two threads must not import what needs each other at once
                from azcred_emulators.standalone.control.application import Control

                configuration = self.server.configuration
                guard = Guard(configuration.key, (configuration.address, *configuration.host_names))
                self._loaded = Control(self, guard, self._answer)
            return self._loaded

    def start(self) -> None:
        """Serve as the configuration says; raises OSError if a port is taken, ValueError for what cannot be set up."""
        self.emulators.start()
        try:
            self._set_up()
        except BaseException:
            self.emulators.stop()
            raise

    def reset(self) -> None:
        """Return to the state at the start."""
        self.emulators.reset()
        self._set_up()

    def enter(self, environments: Sequence[Environment], environ: Mapping[str, str]) -> dict[str, Any]:
        """Put environments in the place of the present ones; returns what a process there must have.

        `environ` are its variables, whose PATH is the only one that matters. A variable that is None is removed.
        """
        emulators = self.emulators
        emulators.active.reset()
        emulators.environments = list(environments)
        given = {"PATH": environ.get("PATH", os.defpath)}
        emulators.setups = emulators.active.enter_alone(*environments, environ=given)
        return {
            "variables": {name: value for setup in emulators.setups for name, value in setup.variables.items()},
            "connection": processes.connection(emulators, environ),
            "setups": [_describe(setup) for setup in emulators.setups],
        }

    def move_clock(self, seconds: float) -> None:
        """Move the clock ahead; raises ValueError if it would leave what certificates hold for."""
        clock = self.emulators.clock
        if not 0 <= clock.now() + seconds <= NOT_AFTER.timestamp():
            raise ValueError("the clock moves within the years from 1970 to 2099")
        clock.advance(seconds=seconds)
        self.emulators.active.rotate_files()

    def describe(self) -> dict[str, Any]:
        """Return where the session is, as the ready file and the API say it."""
        emulators = self.emulators
        return {
            "session": self.name,
            "http": emulators.http.url,
            "https": emulators.https.url,
            "environments": [environment.name for environment in emulators.environments],
            "folder": str(emulators.folder),
            "requests": emulators.recorder.total,
            "status": "ready",
        }

    def _set_up(self) -> None:
        configuration = self.server.configuration
        configuration.apply(self.emulators)
        self.emulators.environments = []
        if configuration.environments:  # else every host has its identity, whoever asks
            self.enter(select(*configuration.environments), os.environ)


def _describe(setup: Setup) -> dict[str, Any]:
    """Return what a process in one environment has, for a process that redirects itself."""
    return {
        "environment": setup.environment.name,
        "variables": dict(setup.variables),
        "routes": [[*real, *to] for real, to in setup.routes.items()],
        "folders": {name: str(path) for name, path in setup.folders.items()},
    }


class Standalone:
    """A server, as a context manager that runs it. Raises as `Session.start` does."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.certificate_authority = CertificateAuthority()
        self._lock = threading.Lock()
        self.main = Session(self, MAIN, http_port=configuration.http_port, https_port=configuration.https_port)
        self.sessions: dict[str, Session] = {MAIN: self.main}

    def open(self, name: str | None = None) -> Session:
        """Open a session; raises ValueError for a malformed name, Forbidden for one that is taken."""
        with self._lock:
            if name is None:
                name = next(one for number in range(1, 1000) if (one := f"session-{number}") not in self.sessions)
            if not _NAME.fullmatch(name):
                raise ValueError("a session's name has up to 40 small letters, digits and hyphens")
            if name in self.sessions:
                raise Forbidden(f"there is a session {name!r} already", 409)
            if len(self.sessions) >= _MOST_SESSIONS:
                raise Forbidden(f"the server has {_MOST_SESSIONS} sessions, which is all that it opens; close one", 429)
            session = Session(self, name)
            session.start()
            self.sessions[name] = session
            return session

    def close(self, name: str) -> bool:
        """End a session and tell whether there was one; that of the server itself stays."""
        with self._lock:
            session = self.sessions.pop(name, None) if name != MAIN else None
        if session is None:
            return False
        # One that ends itself has to answer first.
        threading.Thread(target=session.emulators.stop, name="azcred-close", daemon=True).start()
        return True

    def write_ready_file(self, path: Path) -> None:
        """Write where the server is to a file, as JSON, at once and for this user only."""
        unfinished = path.with_name(f".{path.name}.unfinished")
        write_private(unfinished, f"{json.dumps({**self.main.describe(), 'pid': os.getpid()})}\n".encode())
        os.replace(unfinished, path)

    def __enter__(self) -> "Standalone":
        self.main.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            sessions, self.sessions = list(self.sessions.values()), {}
        for session in sessions:
            session.emulators.stop()
