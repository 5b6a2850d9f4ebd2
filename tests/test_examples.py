"""The example of a workflow, with its steps run as GitHub would run them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parent.parent / "examples"
WORKFLOW = EXAMPLES / "github-actions" / ".github" / "workflows" / "test.yml"


class Step(NamedTuple):
    """What a step runs, and the variables that it sets."""

    command: str
    variables: dict[str, str]


def steps(job: dict[str, Any], **values: str) -> list[Step]:
    """Return the steps of a job, but for installing, with the expressions in variables replaced by these values."""

    def replaced(text: str) -> str:
        return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda found: values[found[1]], text)

    runs = [step for step in job["steps"] if "run" in step and not step["run"].startswith("pip install")]
    return [Step(step["run"], {name: replaced(value) for name, value in step.get("env", {}).items()}) for step in runs]


def test_the_workflow(tmp_path: Path) -> None:
    """The first job prints the matrix, a job in each environment passes, and the last one adds up what they covered."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; run: pip install pyyaml")
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    shutil.copy(EXAMPLES / "github-actions" / "test_everywhere.py", tmp_path)
    output = tmp_path / "output"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {**os.environ, "PATH": path, "GITHUB_OUTPUT": str(output)}

    def run(step: Step) -> str:
        result = subprocess.run(
            ["bash", "-e", "-c", step.command],
            cwd=tmp_path,
            env=environ | step.variables,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    [print_matrix] = steps(jobs["environments"])
    run(print_matrix)
    name, _, value = output.read_text().strip().partition("=")
    assert jobs["environments"]["outputs"] == {"matrix": f"${{{{ steps.matrix.outputs.{name} }}}}"}
    assert jobs["test"]["strategy"]["matrix"] == "${{ fromJSON(needs.environments.outputs.matrix) }}"
    environments = json.loads(value)["environment"]
    assert environments == ["kubernetes", "app-service", "on-premises-secret", "on-premises-certificate"]
    for environment in environments:
        [test] = steps(jobs["test"], environment=environment)
        assert "2 passed, 3 deselected" in run(test)
    [combine] = steps(jobs["coverage"])
    assert "4 of " in run(combine).splitlines()[-1]
    assert (tmp_path / "coverage.html").is_file()
