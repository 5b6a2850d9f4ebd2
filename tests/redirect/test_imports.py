"""An app's thread may import while a test ends."""

import importlib
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from pytest_azcred.redirect.patching import Patches

MODULE = "azcred_imported_meanwhile"


class EndOfTest:
    """A finder that finds nothing, and ends patches while others are asked for the module."""

    def __init__(self, patches: Patches) -> None:
        self._patches = patches

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == MODULE:
            self._patches.undo()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module that nobody has imported."""
    (tmp_path / f"{MODULE}.py").write_text("value = 1")
    monkeypatch.syspath_prepend(tmp_path)
    yield MODULE
    sys.modules.pop(MODULE, None)


def test_a_module_is_found_while_patches_end(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import goes through the list of finders: those behind the removed ones must not move up in it."""
    patches = Patches()
    finders = list(sys.meta_path)
    finders.insert(finders.index(PathFinder), EndOfTest(patches))
    monkeypatch.setattr(sys, "meta_path", finders[:])
    for number in range(3):
        patches.after_import(f"azcred_no_such_module_{number}", lambda module: None)
    assert importlib.import_module(module).value == 1
    assert sys.meta_path == finders
