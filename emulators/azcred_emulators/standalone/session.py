"""One session of a server: emulators that other processes control, with ports of their own."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from azcred_emulators.emulation.checkpoint import Undo
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import Environment, processes, select
from azcred_emulators.environments.active import Setup
from azcred_emulators.serving.tls import NOT_AFTER, CertificateAuthority
from azcred_emulators.standalone.configuration import Configuration

_JOURNAL_LIMIT = 10_000  # requests: a server may run for weeks


class _Layer:
    """A layer of a session, whose environments take the place of those below it while there are any."""

    def __init__(self, emulators: Emulators) -> None:
        self._emulators = emulators
        self._remove = emulators.add_layer()
        self._reveal: Undo | None = None

    def hide(self) -> None:
        """Take the environments of the layers below out of sight."""
        if self._reveal:
            return
        emulators = self._emulators
        reveal, environments, setups = emulators.active.hide(), emulators.environments, emulators.setups

        def undo() -> None:
            emulators.active.clear()
            reveal()
            emulators.environments, emulators.setups = environments, setups

        self._reveal = undo

    def reveal(self) -> None:
        """Bring them back in the place of the layer's own."""
        if self._reveal:
            self._reveal()
            self._reveal = None

    def remove(self) -> None:
        """Undo everything that was changed in the layer."""
        self.reveal()
        self._remove()


class ServerSession:
    """Emulators that are controlled from outside; they start as the configuration says."""

    def __init__(
        self,
        name: str,
        configuration: Configuration,
        certificate_authority: CertificateAuthority,
        *,
        http_port: int = 0,
        https_port: int = 0,
    ) -> None:
        self.name = name
        self._configuration = configuration
        self.emulators: Emulators = Emulators(
            address=configuration.address,
            host_name=next(iter(configuration.host_names), None),
            http_port=http_port,
            https_port=https_port,
            certificate_authority=certificate_authority,
        )
        self.emulators.recorder.limit = _JOURNAL_LIMIT
        self._layers: list[_Layer] = []

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
        self._layers.clear()
        self.emulators.reset()
        self._set_up()

    def add_layer(self) -> int:
        """Begin a layer and return its number, counted from 1."""
        self._layers.append(_Layer(self.emulators))
        return len(self._layers)

    def remove_layer(self, number: int) -> bool:
        """End a layer and those above it; returns False if there is none with this number."""
        if not 0 < number <= len(self._layers):
            return False
        while len(self._layers) >= number:
            self._layers.pop().remove()
        return True

    def enter(self, environments: Sequence[Environment], environ: Mapping[str, str]) -> dict[str, Any]:
        """Put environments in the place of the present ones; returns what a process there must have.

        Those of the layers below are back when this one has none. `environ` are the variables of that process; only its
        PATH is used. That process sets what `environ` of the result has and removes what `unset` names; `setups` are
        for one that redirects itself.
        """
        emulators = self.emulators
        if self._layers and not environments:
            self._layers[-1].reveal()
        else:
            if self._layers:
                self._layers[-1].hide()
            emulators.active.clear()
            emulators.environments = list(environments)
            path = {"PATH": environ.get("PATH", os.defpath)}
            emulators.setups = emulators.active.enter_alone(*environments, environ=path)
        variables: dict[str, str | None] = dict(processes.connection(emulators, environ))
        for setup in emulators.setups:
            variables.update(setup.variables)
        return {
            "environ": {name: value for name, value in variables.items() if value is not None},
            "unset": sorted(name for name, value in variables.items() if value is None),
            "setups": [_describe(setup) for setup in emulators.setups],
        }

    def move_clock(self, seconds: float) -> None:
        """Move the clock forward; raises ValueError for a time at which the certificates are not valid."""
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
            "crashes": emulators.crashes.reports,
            "status": "ready",
        }

    def _set_up(self) -> None:
        configuration = self._configuration
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


class ServerSessions(Protocol):
    """The sessions of a server, as the control API of each of them uses them."""

    @property
    def sessions(self) -> Mapping[str, ServerSession]:
        """The open sessions by name."""

    def open(self, name: str | None = None) -> ServerSession:
        """Open a session; raises ValueError for a malformed name, ControlRejection for one that is taken."""

    def close(self, name: str) -> bool:
        """End a session; returns False if there is none of this name that can be closed."""
