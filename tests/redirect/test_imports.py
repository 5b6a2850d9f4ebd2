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


def test_two_redirections_wait_for_the_same_module(module: str) -> None:
    """Each has its function called, the later redirection's last, and neither asks the other without end."""
    run, test = Patches(), Patches()
    calls: list[str] = []
    run.after_import(module, lambda _: calls.append("run"))
    test.after_import(module, lambda _: calls.append("test"))
    try:
        assert importlib.import_module(module).value == 1
    finally:
        test.undo()
        run.undo()
    assert calls == ["run", "test"]


def test_two_redirections_wait_for_a_module_that_is_not_installed() -> None:
    """The import fails as it would without them."""
    run, test = Patches(), Patches()
    run.after_import("azcred_not_installed", lambda _: None)
    test.after_import("azcred_not_installed", lambda _: None)
    try:
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("azcred_not_installed")
    finally:
        test.undo()
        run.undo()


def test_the_first_import_in_a_test_of_an_isolated_run(pytester: pytest.Pytester) -> None:
    """The run and the fixture both redirect the process, and wait for the modules of other event loops."""
    pytester.makeini("[pytest]\nazcred_isolate = true")
    pytester.makepyfile(
        """
        import sys

        import pytest

        @pytest.mark.parametrize("name", ["pycares", "uvloop", "multiprocessing.forkserver"])
        def test_import(azcred, name):
            assert name not in sys.modules
            pytest.importorskip(name)
            azcred.environment("virtual-machine")
            import azure.identity
            with azure.identity.ManagedIdentityCredential() as credential:
                assert credential.get_token("https://vault.azure.net/.default").token
            azcred.journal.assert_tokens(host="imds", times=1)
        """
    )
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=3)
