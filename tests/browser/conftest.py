"""A real browser and the token service that it finds under its real names."""

from collections.abc import Iterator

import pytest
from support.chromium import Chromium, Window, find_chromium
from support.entra import Entra
from werkzeug.test import Client

from azcred_emulators.emulators import Emulators
from pytest_azcred.azcred import Azcred


@pytest.fixture(scope="session")
def chromium(azcred_emulators: Emulators) -> Iterator[Chromium]:
    """The system's Chromium, which the tests of this run share; each has a window and a profile of its own."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("chromium is not installed; on Debian: apt-get install chromium")
    browser = Chromium(executable, azcred_emulators)
    yield browser
    browser.close()


@pytest.fixture
def entra(azcred: Azcred, azcred_emulators: Emulators) -> Entra:
    """The token service, with the routing that leads the apps in this process to it."""
    return Entra(azcred_emulators, Client(azcred_emulators.application))


@pytest.fixture
def window(chromium: Chromium, entra: Entra) -> Iterator[Window]:
    """An empty window. Its page must have broken none of its own rules, nor any of Chromium's for accessibility."""
    window = Window(chromium)
    yield window
    window.close()
    assert not [text for text in window.complaints if "Content Security Policy" in text or "[DOM]" in text]
