"""What is replaced stays replaced while a redirection lasts, and once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from pytest_azcred.redirect.patching import Patches, hold

Call = Callable[[], str]


class Redirections:
    """Those of a run and of a test in it, which replace the same attribute of a module."""

    def __init__(self) -> None:
        self.module = SimpleNamespace(connect=lambda: "original")
        self.run, self.test = Patches(isolating=True), Patches(isolating=True)
        self.run.wrap(self.module, "connect", _wrapper("run"))
        self.outer = self.module.connect
        self.test.wrap(self.module, "connect", _wrapper("test"))

    @property
    def called(self) -> str:
        """What a call goes through after a test."""
        hold()
        return str(self.module.connect())


def _wrapper(name: str) -> Callable[[Call], Call]:
    """Make what replaces a function: it says who was called."""
    return lambda original: lambda: f"{name}({original()})"


@pytest.fixture
def redirections() -> Iterator[Redirections]:
    """Both are up, and leave nothing behind."""
    redirections = Redirections()
    yield redirections
    redirections.test.undo()
    redirections.run.undo()
    assert redirections.called == "original"


def test_nothing_is_replaced_twice(redirections: Redirections) -> None:
    """However often the two are held, as they are around each test of a run."""
    assert [redirections.called for _ in range(3)] == ["test(run(original))"] * 3
    redirections.test.undo()
    assert redirections.called == "run(original)"


def test_what_others_restore(redirections: Redirections) -> None:
    """Whatever it was that they had found: both redirections are there again."""
    redirections.module.connect = redirections.outer
    assert redirections.called == "test(run(original))"
    redirections.module.connect = lambda: "never seen"
    assert redirections.called == "test(never seen)"


def test_what_others_replace_for_a_while(redirections: Redirections) -> None:
    """It is led where the test's redirection leads; nothing is left of it when they restore what they found."""
    found = redirections.module.connect
    for _ in range(3):
        redirections.module.connect = lambda: "other"
        assert redirections.called == "test(other)"
        redirections.module.connect = found
        assert redirections.called == "test(run(original))"
