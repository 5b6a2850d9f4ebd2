"""What a contributor and a release rely on: targets, forms, hooks, workflows, examples, and the marker `slow`."""

import re
import subprocess
from pathlib import Path
from typing import Any

import check_release
import pytest
from support import slow

import examples

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; run: pip install pyyaml")
ROOT = Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
WORKFLOWS = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    *sorted((ROOT / "examples").glob("*/.github/workflows/*.yml")),
]


def load(path: Path) -> Any:
    """Return what a YAML file holds."""
    return yaml.safe_load(path.read_text())


@pytest.fixture(scope="module")
def targets() -> dict[str, str]:
    """The targets that `make help` lists, each with what it says."""
    command = ["make", "--no-print-directory", "help"]  # make says so where another make has started it
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return dict(line.split(maxsplit=1) for line in printed.splitlines())


@pytest.mark.slow
def test_help_lists_every_target(targets: dict[str, str]) -> None:
    """A target for people has a comment; those that are files have none."""
    [phony] = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets.keys() == set(phony.split())


@pytest.mark.slow
def test_the_page_for_contributors_names_what_is_there(targets: dict[str, str]) -> None:
    """Targets, files and links."""
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", CONTRIBUTING)) <= targets.keys()
    for path in re.findall(r"(?:tests|emulators|pytest_azcred)/[\w/.]*\w\.py", CONTRIBUTING):
        assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\(((?!https?:)[^)]+)\)", CONTRIBUTING):
        path, _, anchor = link.partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, link


@pytest.mark.parametrize("form", ["bug", "fidelity"])
def test_a_report_has_the_version_and_the_journal(form: str) -> None:
    """Without either most reports need a question back."""
    fields = load(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{form}.yml")["body"]
    required = {field["id"] for field in fields if field.get("validations", {}).get("required")}
    assert {"version", "journal"} <= required


def test_hooks_are_local() -> None:
    """A commit downloads nothing: every hook is a program of the development environment."""
    repositories = load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    programs = {Path(hook["entry"].split()[0]) for hook in repositories[0]["hooks"]}
    assert {program.name for program in programs} == {"ruff", "codespell", "mypy", "lint-imports"}
    assert {str(program.parent) for program in programs} == {".venv/bin"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned(workflow: Path) -> None:
    """By the SHA of a commit, with the version beside it; no job has rights that it does not name."""
    uses = re.findall(r"uses: (.+)", workflow.read_text())
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    assert load(workflow)["permissions"] == {}


def test_one_action_has_one_version() -> None:
    """Each SHA stands for the same version in every workflow, and each action is used in one version."""
    pins = {tuple(pin) for path in WORKFLOWS for pin in re.findall(r"uses: (\S+)@(\S+) # (\S+)", path.read_text())}
    assert len({name for name, _, _ in pins}) == len(pins)


def test_only_what_was_tested_is_published() -> None:
    """The jobs that publish come after the tests, check nothing out and build nothing."""
    jobs = load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    writing = {name for name, job in jobs.items() if "write" in job["permissions"].values()}
    assert writing == {"publish", "provenance", "announce"}
    assert jobs["publish"]["needs"] == jobs["provenance"]["needs"] == "test"
    for name in writing:
        assert not [step for step in jobs[name]["steps"] if "checkout" in step.get("uses", "")]
    assert jobs["publish"]["environment"]["name"] == "pypi"


def test_the_notes_of_a_release() -> None:
    """They are the version's section of the changelog, which has a date and a link."""
    changelog = (
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2027-01-31\n\n- New.\n\n## [0.1.0] - 2026-12-24\n\n- First.\n\n"
        f"[0.2.0]: {check_release.REPOSITORY}/releases/tag/v0.2.0\n"
    )
    assert check_release.section(changelog, "0.2.0") == "- New.\n"
    with pytest.raises(ValueError, match=r"no link '\[0\.1\.0\]"):
        check_release.section(changelog, "0.1.0")
    with pytest.raises(ValueError, match=r"no section '## \[0\.3\.0\]"):
        check_release.section(changelog, "0.3.0")


def test_the_tag_is_the_version() -> None:
    """Nothing is built for another tag."""
    with pytest.raises(SystemExit, match=r"the tag is v99\.0\.0, but pyproject\.toml has the version 0\."):
        check_release.main(["--tag", "v99.0.0"])


@pytest.mark.parametrize(
    ("earlier", "later", "may"),
    [("v0.1.0", "0.1.1", False), ("v0.1.0", "0.2.0", True), ("v1.2.0", "1.3.0", False), ("v1.2.0", "2.0.0", True)],
)
def test_what_a_version_may_break(earlier: str, later: str, may: bool) -> None:
    """As Semantic Versioning has it; before 1.0 the second number counts."""
    assert check_release.may_break(earlier, later) is may


@pytest.mark.parametrize("name", examples.names())
def test_an_example_stands_on_its_own(name: str) -> None:
    """It has its requirements, and a README with the command, and is listed."""
    folder = ROOT / "examples" / name
    assert "pytest-azcred" in (folder / "requirements.txt").read_text().split()
    assert re.fullmatch(r"pytest|python manage\.py test|npm test", examples.command(folder))
    assert f"]({name}/README.md)" in (ROOT / "examples" / "README.md").read_text()


def test_every_example_is_run() -> None:
    """A folder without requirements would be passed over."""
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {name for name in folders if not name.startswith(".")} == set(examples.names())


def test_a_slow_test_is_marked(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the fast part a test that starts Python fails; shells and the fake tools do not take long."""
    monkeypatch.setattr(slow, "TESTS", pytester.path)
    pytester.makeini("[pytest]\nmarkers = slow: takes long\n")
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyfile(
        test_programs="""
        import subprocess, sys
        import pytest

        def start():
            subprocess.run([sys.executable, "-c", ""], check=True)

        def test_unmarked(): start()

        @pytest.mark.slow
        def test_marked(): start()

        def test_shell(): subprocess.run("true", shell=True, check=True)

        def test_pytest(pytester): start()
        """
    )
    folder = pytester.mkdir("cli")
    (folder / "test_cli.py").write_text("def test_of_a_slow_folder(): pass\n")
    options = ("-pno:cacheprovider", "-pno:randomly", "-pno:asyncio", "-ppytester", "--import-mode=importlib")
    pytester.runpytest(*options).assert_outcomes(passed=5)
    fast = pytester.runpytest(*options, "-m", slow.FAST_PART)
    fast.assert_outcomes(passed=2, errors=1, deselected=2)  # the slow folder was not even imported
    fast.stdout.fnmatch_lines(["*AssertionError: the test starts python*takes long: mark it with @pytest.mark.slow"])


def test_the_slow_folders_are_there() -> None:
    """One that was renamed would be in the fast part."""
    assert {path.name for path in slow.TESTS.iterdir() if path.is_dir()} >= slow.FOLDERS
