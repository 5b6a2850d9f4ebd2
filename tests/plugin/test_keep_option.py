"""`azcred_keep` names the variables that a suite sets for itself; they are kept, whatever hides the others."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.azcred_run import AZCRED

pytestmark = pytest.mark.slow

TENANT = "99999999-9999-4999-8999-999999999999"
SUITE = f"""
    import os
    import subprocess
    import sys

    import pytest

    KEPT = os.environ.get("AZURE_TENANT_ID")

    def both():
        return os.environ.get("AZURE_TENANT_ID"), os.environ.get("AZURE_CLIENT_SECRET")

    def test_without_a_fixture():
        assert KEPT == {TENANT!r}
        assert both()[1] is None or not {{isolated}}

    def test_with_a_fixture(azcred):
        assert both() == ({TENANT!r}, None)

    def test_in_a_child(azcred):
        program = "import os; print(os.environ['AZURE_TENANT_ID'])"
        child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert child.stdout == {TENANT!r} + "\\n"

    def test_a_place_has_its_own(fake_workload_identity):
        assert both()[0] != {TENANT!r}

    def test_and_the_kept_one_is_back(azcred):
        assert both()[0] == {TENANT!r}
"""


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dummy that the suite's CI sets, and a secret."""
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "the developer's")


@pytest.mark.parametrize(
    ("isolated", "options"), [(True, ("-n1",)), (False, ("-p", "no:xdist"))], ids=["isolated", "fixtures"]
)
def test_it_is_kept(pytester: pytest.Pytester, isolated: bool, options: tuple[str, ...]) -> None:
    """In the whole run, in a test, and in a child; a place that sets the same variable has the last word."""
    pytester.makepyfile(SUITE.replace("{isolated}", str(isolated)))
    pytester.makeini(f"[pytest]\nazcred_isolate = {isolated}\nazcred_keep = AZURE_TENANT_ID\n")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=5)


@pytest.mark.parametrize("isolated", ["true", "false"])
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("AZURE_CLIENT_SECRET", "azcred_keep: AZURE_CLIENT_SECRET cannot be kept, because it holds a secret"),
        ("AZURE_TENNANT_ID", "azcred_keep: AZURE_TENNANT_ID need not be kept; did you mean AZURE_TENANT_ID?"),
        ("HOME", "azcred_keep: HOME cannot be kept, because it leads to files of whoever runs this"),
    ],
)
def test_what_cannot_be_kept_is_refused(pytester: pytest.Pytester, isolated: str, name: str, sentence: str) -> None:
    """Before any test runs, in a sentence."""
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_subprocess("-o", f"azcred_isolate={isolated}", "-o", f"azcred_keep={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {sentence}*"])
    assert "Traceback" not in result.stderr.str()


def test_without_the_option_nothing_is_kept(pytester: pytest.Pytester) -> None:
    """The control of the tests above."""
    pytester.makepyfile("import os\ndef test_it(azcred): assert 'AZURE_TENANT_ID' not in os.environ\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Have `azcred run` print two variables."""
    program = "import os; print(os.environ.get('AZURE_TENANT_ID'), os.environ.get('AZURE_CLIENT_SECRET'))"
    command = [*AZCRED, "run", "--quiet", *options, "--", sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)


def test_azcred_run() -> None:
    """Its option is the same."""
    assert run("--keep", "AZURE_TENANT_ID").stdout == f"{TENANT} None\n"
    assert run().stdout == "None None\n"


def test_azcred_run_refuses_the_same() -> None:
    """With the exit code of a wrong call, and without running the command."""
    ran = run("--keep", "AZURE_CLIENT_SECRET")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("azcred: AZURE_CLIENT_SECRET cannot be kept, because it holds a secret")
