"""An app's thread may import while a test ends."""

import importlib
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from support.azcred_run import AZCRED, PYTEST

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


LATE = """
import importlib
import sys
from importlib.machinery import PathFinder

MODULES = ("ssl", "asyncio.base_events", "uvloop", "pycares", "multiprocessing.forkserver", "pathlib")
OTHERS = ("uvloop", "pycares")  # those that may not be installed

def not_installed(find_spec):
    def find(name, *rest):
        return None if name in OTHERS else find_spec(name, *rest)
    return find

def outcome(name):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return "is not installed"
    return "imported"

def refused(run):
    asyncio = importlib.import_module("asyncio")
    try:
        run(asyncio.open_connection("orders.invalid", 443))
    except RuntimeError as error:
        return "azcred refused a connection to 'orders.invalid:443'" in str(error)

def check():
    assert not sys.modules.keys() & set(OTHERS), "imported too early"
    find_spec, PathFinder.find_spec = PathFinder.find_spec, not_installed(PathFinder.find_spec)
    assert [outcome(name) for name in OTHERS] == ["is not installed"] * 2
    PathFinder.find_spec = find_spec
    assert [outcome(name) for name in MODULES] == ["imported"] * 6
    assert refused(sys.modules["asyncio"].run)
    loop = sys.modules["uvloop"].new_event_loop()
    assert refused(loop.run_until_complete)
    loop.close()
    try:
        sys.modules["pycares"].Channel().query("orders.invalid", "A")
    except RuntimeError as error:
        assert "azcred refused" in str(error)
    else:
        raise AssertionError("pycares was not refused")

if __name__ == "__main__":
    import pytest_azcred
    with pytest_azcred.environment("kubernetes"):
        check()
"""
RUN = (*AZCRED, "run", "--quiet", "--environment", "virtual-machine", "--")
SUITE = (*PYTEST, "-p", "azcred", "-p", "xdist")
ISOLATED = ("-o", "azcred_isolate=true")
WORKER = ("-n", "1")
# Where the modules are imported first.
IN_CONFTEST = "conftest", "def test_nothing_more(): pass"
IN_TEST = "test", "import late\n\ndef test_late(azcred): late.check()"
CHILD = "import subprocess, sys\n\ndef test_child({}): subprocess.run([sys.executable, 'late.py'], check=True)"
IN_CHILD = "child", CHILD.format("")
IN_CHILD_OF_TEST = "child", CHILD.format("azcred")
REDIRECTIONS = {
    "run and isolate": ((*RUN, *SUITE, *ISOLATED), IN_CONFTEST),
    "run and worker": ((*RUN, *SUITE, *WORKER), IN_CONFTEST),
    "run and child": ((*RUN, *SUITE), IN_CHILD),
    "run and fixture": ((*RUN, *SUITE), IN_TEST),
    "isolate and worker": ((*SUITE, *ISOLATED, *WORKER), IN_CONFTEST),
    "isolate and child": ((*SUITE, *ISOLATED), IN_CHILD),
    "isolate and fixture": ((*SUITE, *ISOLATED), IN_TEST),
    "worker and child": ((*SUITE, *ISOLATED, *WORKER), IN_CHILD),
    "worker and fixture": ((*SUITE, *ISOLATED, *WORKER), IN_TEST),
    "child and fixture": (SUITE, IN_CHILD_OF_TEST),
    "all": ((*RUN, *SUITE, *ISOLATED, *WORKER), IN_CHILD_OF_TEST),
}


@pytest.mark.parametrize(("command", "place"), REDIRECTIONS.values(), ids=REDIRECTIONS)
def test_modules_that_are_imported_late(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], place: tuple[str, str]
) -> None:
    """Two redirections are up: what is not installed is not found, what is installed is imported and redirected."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins import most of the modules early
    monkeypatch.delenv("PYTEST_ADDOPTS")
    where, test = place
    pytester.makepyfile(late=LATE, test_late=test)
    pytester.makeconftest("import late\nlate.check()" if where == "conftest" else "")
    result = pytester.run(*command)
    result.assert_outcomes(passed=1)


def test_modules_that_are_imported_late_without_a_redirection(pytester: pytest.Pytester) -> None:
    """The control: nothing is refused there."""
    pytester.makepyfile(late=LATE)
    result = pytester.run(sys.executable, "-c", "import late; late.check()")
    result.stderr.fnmatch_lines(["*gaierror*"])
