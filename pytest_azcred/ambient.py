"""Hides this machine's identity from a whole run: from modules, from fixtures of any scope, and from every test.

What the fixture `azcred` adds for its test comes on top of it.
"""

import os
from collections.abc import Callable
from pathlib import Path

from azcred_emulators.environments import agent_folders, host_addresses
from azcred_emulators.environments.isolation import isolation
from azcred_emulators.private_folder import PrivateFolder
from pytest_azcred.child_proxy import ChildProxy
from pytest_azcred.redirect import advice
from pytest_azcred.redirect.child_variables import ChildVariables
from pytest_azcred.redirect.children import children
from pytest_azcred.redirect.folders import ABSENT, Folders
from pytest_azcred.redirect.refusals import Refusals
from pytest_azcred.redirect.routes import UNREACHABLE, Route
from pytest_azcred.redirect.routing import Routing
from pytest_azcred.settings import IsolationSettings
from pytest_azcred.variables import EnvironmentVariables


def isolate(settings: IsolationSettings) -> tuple[Refusals, Callable[[], None]]:
    """Isolate this process and its children; returns the record of what is refused, and the function that ends it."""
    folder = PrivateFolder()
    path = Path(folder.name)
    variables = EnvironmentVariables()
    unreachable = [Route(host, port, UNREACHABLE) for host, port in host_addresses()]
    routing = Routing("", path, unreachable, advice.in_an_isolated_run(), unreachable=settings.unreachable)
    folders = Folders()
    agents = {name: ABSENT for name in agent_folders() if os.path.isdir(name)}
    variables.update({**isolation(os.environ, path, settings.keep), **children(os.environ, path)})
    proxy = ChildProxy(routing.lead)
    # Not started before a program needs it: a fork warns of threads, and a server takes a while to import.
    child_variables = ChildVariables(proxy.variables(), on_start=proxy.start)
    routing.save(agents, child_variables.save())
    routing.activate()
    child_variables.set()
    folders.redirect(agents)

    def restore() -> None:
        folders.redirect({})
        child_variables.unset()
        proxy.stop()
        routing.deactivate()
        variables.restore()
        folder.cleanup()

    return routing.refusals, restore
