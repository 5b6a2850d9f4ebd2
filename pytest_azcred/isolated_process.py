"""This process while it is isolated: where its connections, its files and its children go."""

import os
from collections.abc import Iterable, Mapping, Sequence

from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import agent_folders, host_addresses
from azcred_emulators.environments.isolation import isolation
from azcred_emulators.environments.processes import Trust
from azcred_emulators.serving.tls_relay import TlsRelays
from pytest_azcred.child_proxy import ChildProxy, nowhere
from pytest_azcred.redirect import advice
from pytest_azcred.redirect.child_variables import ChildVariables
from pytest_azcred.redirect.children import children
from pytest_azcred.redirect.folders import ABSENT, Folders
from pytest_azcred.redirect.patching import sweep
from pytest_azcred.redirect.refusals import Refusals
from pytest_azcred.redirect.routes import UNREACHABLE, Route
from pytest_azcred.redirect.routing import Routing
from pytest_azcred.settings import IsolationSettings
from pytest_azcred.variables import EnvironmentVariables


class IsolatedProcess:
    """This process from the start of the widest scope to its end, and the emulators that it is led to.

    `settings` say what users may choose of the isolation. `refusals` is the record of refused connections. Programs
    that nothing redirects go through the `proxy`.
    """

    def __init__(
        self, emulators: Emulators, settings: IsolationSettings, refusals: Refusals, proxy: ChildProxy
    ) -> None:
        self.emulators = emulators
        self.refusals = refusals
        self._keep = settings.keep
        # An agent that this machine really has must not be seen.
        self._hidden = {folder: ABSENT for folder in agent_folders() if os.path.isdir(folder)}
        self.variables: EnvironmentVariables = EnvironmentVariables()
        self._proxy = proxy
        self._child_variables = ChildVariables({})
        self._folders = Folders()
        self._relays = TlsRelays(emulators.certificate_authority.issue)
        self._routing = Routing(
            emulators.certificate_authority.pem,
            emulators.folder,
            [
                *(Route(host, port, UNREACHABLE) for host, port in host_addresses()),
                *(Route(name, port, to) for (name, port), to in emulators.authority_routes().items()),
            ],
            advice.in_a_test(),
            refusals=refusals,
            unreachable=settings.unreachable,
        )

    def start(self) -> None:
        """Isolate the process and redirect its connections."""
        sweep()
        emulators = self.emulators
        if self._proxy.trust is None:
            self._proxy.trust = Trust(emulators.folder, emulators.certificate_authority.pem)
        isolated = isolation(os.environ, emulators.folder, self._keep)
        self.variables.update({**isolated, **children(os.environ, emulators.folder)})
        self._routing.on_connect(emulators.connect)
        self._routing.activate()
        self._proxy.lead = self._routing.lead
        self._child_variables = ChildVariables(self._proxy.variables())
        self._child_variables.set()
        self.redirect({})
        emulators.on_new_host = self._serve_here

    def _serve_here(self, host: str) -> None:
        self.add_routes([Route(host, 443, self.emulators.https.address)])
        self.redirect()

    def stop(self) -> None:
        """Bring everything back as it was."""
        self.emulators.on_new_host = None
        self._folders.redirect({})
        self._child_variables.unset()
        self._proxy.lead = nowhere
        self._routing.deactivate()
        self._routing.remove()
        self._relays.stop()
        self.variables.restore()

    def relay(self, host: str, target: tuple[str, int]) -> tuple[str, int]:
        """Return where a server without TLS answers as a real host with it, until the end."""
        return self._relays.address(host, target)

    @property
    def routes(self) -> Sequence[Route]:
        """Where connections go."""
        return self._routing.routes

    @routes.setter
    def routes(self, routes: Sequence[Route]) -> None:
        self._routing.routes = routes

    def add_routes(self, routes: Iterable[Route]) -> None:
        """Lead this process's connections to some hosts and ports elsewhere on this machine."""
        for route in routes:
            self._routing.add(route)

    def redirect(self, folders: Mapping[str, str] | None = None) -> None:
        """Let this process and its children go where the routes lead, and other folders stand for these, if given."""
        if folders is not None:
            self._folders.redirect({**self._hidden, **folders})
        self._routing.save(self._folders.table, self._child_variables.save())
