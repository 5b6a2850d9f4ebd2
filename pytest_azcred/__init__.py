"""Test apps that use DefaultAzureCredential, offline and unmodified.

Tests use the fixtures; the names here are for annotations. Nothing is imported until a name is used.

PYTEST_DONT_REWRITE: in a child process this is imported before pytest, which would warn that it comes too late.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azcred_emulators.apis.answers import Answer
    from azcred_emulators.apis.protected_resource import ProtectedResource
    from azcred_emulators.apis.received_request import ReceivedRequest
    from azcred_emulators.apis.stand_in import StandIn, answers
    from azcred_emulators.authority.service import Authority
    from azcred_emulators.directory import Directory
    from azcred_emulators.emulation.journal import Journal
    from azcred_emulators.emulation.journal_entry import JournalEntry
    from azcred_emulators.emulation.script import Faults
    from azcred_emulators.emulators import Emulators
    from azcred_emulators.executables.executable import Executable
    from azcred_emulators.executables.launcher_endpoint import Executables
    from azcred_emulators.serving.websocket import WebSocket
    from pytest_azcred.azcred import Azcred
    from pytest_azcred.azurite import Azurite
    from pytest_azcred.browser import DeviceLogin, FakeBrowser
    from pytest_azcred.clock import Clock
    from pytest_azcred.context import environment
    from pytest_azcred.place import Place
    from pytest_azcred.redirect.routes import UNREACHABLE, OutsideConnectionError, Route
    from pytest_azcred.waits import Waits
    from pytest_azcred.web_sign_in import AuthorizationResponse, SignInError

__all__ = [
    "UNREACHABLE",
    "Answer",
    "Authority",
    "AuthorizationResponse",
    "Azcred",
    "Azurite",
    "Clock",
    "DeviceLogin",
    "Directory",
    "Emulators",
    "Executable",
    "Executables",
    "FakeBrowser",
    "Faults",
    "Journal",
    "JournalEntry",
    "OutsideConnectionError",
    "Place",
    "ProtectedResource",
    "ReceivedRequest",
    "Route",
    "SignInError",
    "StandIn",
    "Waits",
    "WebSocket",
    "answers",
    "environment",
]

_MODULES = {
    "UNREACHABLE": "pytest_azcred.redirect.routes",
    "Answer": "azcred_emulators.apis.answers",
    "Authority": "azcred_emulators.authority.service",
    "AuthorizationResponse": "pytest_azcred.web_sign_in",
    "Azcred": "pytest_azcred.azcred",
    "Azurite": "pytest_azcred.azurite",
    "Clock": "pytest_azcred.clock",
    "DeviceLogin": "pytest_azcred.browser",
    "Directory": "azcred_emulators.directory",
    "Emulators": "azcred_emulators.emulators",
    "Executable": "azcred_emulators.executables.executable",
    "Executables": "azcred_emulators.executables.launcher_endpoint",
    "FakeBrowser": "pytest_azcred.browser",
    "Faults": "azcred_emulators.emulation.script",
    "Journal": "azcred_emulators.emulation.journal",
    "JournalEntry": "azcred_emulators.emulation.journal_entry",
    "OutsideConnectionError": "pytest_azcred.redirect.routes",
    "Place": "pytest_azcred.place",
    "ProtectedResource": "azcred_emulators.apis.protected_resource",
    "ReceivedRequest": "azcred_emulators.apis.received_request",
    "Route": "pytest_azcred.redirect.routes",
    "SignInError": "pytest_azcred.web_sign_in",
    "StandIn": "azcred_emulators.apis.stand_in",
    "Waits": "pytest_azcred.waits",
    "WebSocket": "azcred_emulators.serving.websocket",
    "answers": "azcred_emulators.apis.stand_in",
    "environment": "pytest_azcred.context",
}

if not TYPE_CHECKING:  # a type checker would accept any name of this module

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})
