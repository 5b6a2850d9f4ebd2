"""The directory that msal and azure-identity sign in to, over sockets and under the real host names."""

import pytest
from support.entra import Entra
from werkzeug.test import Client

from azcred_emulators.emulators import Emulators
from pytest_azcred.azcred import Azcred


@pytest.fixture
def entra(azcred: Azcred, azcred_emulators: Emulators) -> Entra:
    """The token service with the routing to it; its client without sockets is for what no SDK does."""
    return Entra(azcred_emulators, Client(azcred_emulators.application))
