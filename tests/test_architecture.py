"""The architecture page is true: imports point one way, and whoever follows a recipe needs nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

pytestmark = pytest.mark.slow

PACKAGES = ("azcred_emulators", "pytest_azcred")
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
COPIED = (
    "README.md",
    "SECURITY.md",
    "docs",
    "emulators",
    "examples",
    "pyproject.toml",
    "pytest_azcred",
    "tests",
    "tools",
)
JOB = """
import azure.identity

with azure.identity.DefaultAzureCredential() as credential:
    print(bool(credential.get_token("https://vault.azure.net/.default").token))
"""


def test_no_module_imports_itself_in_a_circle() -> None:
    """Imports in functions and those for annotations count; `lint-imports` checks the directions between folders."""
    graph = grimp.build_graph(*PACKAGES)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules of a circle


def test_the_page_names_each_folder() -> None:
    """A folder that nobody has explained fails, and so does one that is gone."""
    [picture] = re.findall(r"^```text\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    shown = set(re.findall(r"(?<=[ ])([a-z]+)/", picture))
    packages = (ROOT / "pytest_azcred", ROOT / "emulators" / "azcred_emulators")
    assert shown == {path.parent.name for package in packages for path in package.glob("*/__init__.py")}


class Project:
    """A copy of the project, in which recipes are followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        self._environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "emulators")]),
            "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:randomly -p no:xdist",
        }

    def follow(self, recipe: str) -> None:
        """Apply the changes that the page shows under a heading."""
        section = PAGE.read_text().partition(f"\n## Recipe: {recipe}\n")[2].partition("\n## ")[0]
        [change] = re.findall(r"^```diff\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        self._run("git", "apply", "-", input=change)

    def python(self, *arguments: str) -> str:
        """Run Python in the copy; it must succeed."""
        return self._run(sys.executable, *arguments)

    def _run(self, *command: str, **options: str) -> str:
        ran: subprocess.CompletedProcess[str] = subprocess.run(
            command, cwd=self.folder, env=self._environ, capture_output=True, text=True, check=False, **options
        )  # type: ignore[call-overload]  # the options are subprocess.run's own
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the project as it is."""
    return Project(tmp_path)


@pytest.mark.timeout(600)  # runs of pytest and of the command, on a machine that may be busy
def test_a_host_with_its_environment(project: Project) -> None:
    """The tests that go over every host and every environment pass for it, with real clients among them."""
    project.follow("a managed identity host with its environment")
    project.python("tools/environments_page.py")  # as `make format` does
    everywhere = (
        "tests/emulators/environments/test_table.py",
        "tests/emulators/hosts/test_catalogue.py",
        "tests/interop/test_interop_environments.py",
        "tests/test_documentation.py::test_the_table_of_environments_is_that_of_the_code",
    )
    ran = project.python("-m", "pytest", "-q", "-k", "batch or host or table", *everywhere)
    assert " passed" in ran
    (project.folder / "job.py").write_text(JOB)
    words = ("-m", "pytest_azcred", "run", "-e", "batch", "--journal", "journal.jsonl", "--", sys.executable, "job.py")
    assert project.python(*words) == "True\n"
    journal = (project.folder / "journal.jsonl").read_text()
    assert '"host": "batch"' in journal
    assert "batch" in project.python("-m", "pytest_azcred", "matrix", "--format", "json")


@pytest.mark.timeout(600)
def test_a_refusal_and_a_grant(project: Project) -> None:
    """The tests that go over every code and every grant pass for them."""
    project.follow("an AADSTS refusal that a state causes")
    project.follow("a grant")
    ran = project.python(
        *("-m", "pytest", "-q", "-k", "50135 or badge or one_cause"),
        *("tests/emulators/authority/errors/test_account_codes.py", "tests/emulators/authority/grants/test_grants.py"),
    )
    assert " passed" in ran
