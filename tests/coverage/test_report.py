"""Provider-path coverage at the end of a run, in files, and of several jobs together."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_azcred.cli import main
from pytest_azcred.coverage import Coverage, page

SUITE = """
    import pytest
    import pytest_azcred
    from azure.identity import DefaultAzureCredential

    def ask():
        DefaultAzureCredential().get_token("https://vault.azure.net/.default")

    @pytest.mark.azcred("kubernetes", "app-service", "on-premises-secret")
    def test_marked(azcred):
        ask()
        azcred.journal.clear()  # what a test has forgotten is counted all the same
        azcred.clock.advance(hours=25)
        ask()

    def test_that_asks_for_nothing(fake_functions):
        pass
"""
ROWS = [
    "provider * token *refresh *unavailable*denied*throttled*timed out*malformed*expired*fell back",
    "environment * 1 * 1",
    "workload-identity * 1 * 1",
    "managed-identity * 1 * 1",
    "azure-cli *-",
    "environments: app-service, kubernetes, on-premises-secret",
    "never: nothing, virtual-machine, *functions*",
    "6 of 59 provider paths (10.2 %), 3 of * environments",
]


@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n2",)], ids=["one-process", "xdist"])
def test_the_table(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """It is the same in one process and with workers."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("--azcred-coverage", *options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(ROWS)


def test_jobs_add_up_to_one_run(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    """A job for each environment, combined, has counted what one run of everything counts."""
    pytester.makepyfile(SUITE)
    whole = pytester.path / "whole.json"
    pytester.runpytest_subprocess("--azcred-coverage-json", whole, "-p", "no:randomly")
    for name in ("kubernetes", "app-service", "on-premises-secret"):
        pytester.runpytest_subprocess("--azcred-environment", name, "--azcred-coverage-json", f"{name}.json")
    jobs = [str(path) for path in pytester.path.glob("*-*.json")] + [str(pytester.path / "kubernetes.json")]
    assert main.main(["coverage", "combine", *jobs, "--json", str(pytester.path / "sum.json")]) == 0
    assert "6 of 59 provider paths (10.2 %)" in capsys.readouterr().out
    assert json.loads((pytester.path / "sum.json").read_text()) == json.loads(whole.read_text())


@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n2",)], ids=["one-process", "xdist"])
def test_too_little_fails_the_run(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """With a line that says how little."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("--azcred-coverage-fail-under=60", *options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["azcred: provider-path coverage of 10.2 % is below the required 60 %"])
    assert pytester.runpytest_subprocess("--azcred-coverage-fail-under=5", *options).ret == 0


def test_sessions_without_a_fixture_count(pytester: pytest.Pytester) -> None:
    """`pytest_azcred.environment` in a unittest is seen as well."""
    pytester.makepyfile(
        """
        import unittest
        import pytest_azcred
        from azure.identity import DefaultAzureCredential

        class TestShop(unittest.TestCase):
            def test_token(self):
                with pytest_azcred.environment("azure-arc"):
                    DefaultAzureCredential().get_token("https://vault.azure.net/.default")
        """
    )
    result = pytester.runpytest_subprocess("--azcred-coverage")
    result.stdout.fnmatch_lines(["managed-identity * 1", "environments: azure-arc"])


def test_it_costs_nothing_unless_asked_for(pytester: pytest.Pytester) -> None:
    """No table, and nothing loaded."""
    pytester.makepyfile("import sys\ndef test_modules(): assert 'pytest_azcred.coverage' not in sys.modules\n")
    result = pytester.runpytest_subprocess()
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*provider-path coverage*")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "providers": {"x": 1}, "environments": {}}', "\x00"]
)
def test_what_is_no_coverage_is_refused(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the file's name, in one line, and exit code 2."""
    path = tmp_path / "coverage.json"
    path.write_text(content)
    assert main.main(["coverage", "combine", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"azcred: {path}: ")
    assert error.count("\n") == 1


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is named."""
    assert main.main(["coverage", "combine", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_combining_can_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 if all jobs together have exercised too little."""
    Coverage().write(tmp_path / "empty.json")
    assert main.main(["coverage", "combine", str(tmp_path / "empty.json"), "--fail-under", "1"]) == 1
    assert "coverage of 0.0 % is below the required 1 %" in capsys.readouterr().err


def hostile() -> Coverage:
    """Coverage of a test whose name would be markup."""
    coverage = Coverage()
    coverage.counts["environment", "token"] = 1
    coverage.tests["environment", "token"] = {"test_x.py::test[<script>document.title='owned'</script>&]"}
    return coverage


def test_the_page_is_escaped_and_self_contained() -> None:
    """No name of a test becomes markup, and nothing is loaded from anywhere."""
    html = str(page.page(hostile()))
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert not re.search(r"\b(src|href|url)\s*[=(]", html)


@pytest.mark.slow
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    """Chromium runs nothing that is on it, and shows the table."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("chromium is not installed; on Debian: apt-get install chromium")
    page.write(hostile(), tmp_path / "coverage.html")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    url = (tmp_path / "coverage.html").as_uri()
    shown = subprocess.run([executable, *options, url], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "<title>Provider-path coverage</title>" in shown
    assert '<td class="count good">1</td>' in shown
