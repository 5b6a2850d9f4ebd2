"""Hides this machine's identity from a whole run: from modules, from fixtures of any scope, and from every test.

What the fixture `azcred` adds for its test comes on top of it.
"""

import os
from collections.abc import Callable, Collection
from pathlib import Path

from azcred_emulators.environments import agent_folders, host_addresses
from azcred_emulators.environments.isolation import isolation
from azcred_emulators.private_folder import PrivateFolder
from pytest_azcred.redirect import advice
from pytest_azcred.redirect.children import children
from pytest_azcred.redirect.folders import ABSENT, Folders
from pytest_azcred.redirect.routes import UNREACHABLE, Route
from pytest_azcred.redirect.routing import Routing
from pytest_azcred.variables import EnvironmentVariables


def isolate(keep: Collection[str] = ()) -> Callable[[], None]:
    """Isolate this process and its children, but for the variables to keep; returns the function that ends it."""
    folder = PrivateFolder()
    variables = EnvironmentVariables()
    unreachable = [Route(host, port, UNREACHABLE) for host, port in host_addresses()]
    routing = Routing("", unreachable, advice.in_an_isolated_run())
    folders = Folders()
    agents = {path: ABSENT for path in agent_folders() if os.path.isdir(path)}
    variables.update({**isolation(os.environ, Path(folder.name), keep), **children(os.environ, Path(folder.name))})
    routing.save(Path(folder.name) / "routing.json", agents)
    routing.activate()
    folders.redirect(agents)

    def restore() -> None:
        folders.redirect({})
        routing.deactivate()
        variables.restore()
        folder.cleanup()

    return restore
