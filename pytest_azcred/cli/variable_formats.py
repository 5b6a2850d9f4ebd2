"""The formats in which `azcred env` prints variables."""

import json
import shlex
from collections.abc import Callable, Mapping

VariableChanges = Mapping[str, str | None]  # a variable that is None is removed


def _shell(variables: VariableChanges) -> str:
    """Write commands for `eval "$(azcred env ...)"`."""
    return "\n".join(
        f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}" for name, value in variables.items()
    )


def _dotenv(variables: VariableChanges) -> str:
    """Write a file that Docker Compose, dotenv libraries and `set -a` read; such a file cannot remove a variable."""
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in variables.items() if value is not None)


def _github(variables: VariableChanges) -> str:
    """Write what is appended to the file GITHUB_ENV. Source: GitHub's "Workflow commands", multiline strings."""
    return "\n".join(f"{name}<<azcred-end\n{value or ''}\nazcred-end" for name, value in variables.items())


def _json(variables: VariableChanges) -> str:
    return json.dumps(variables, indent=2)


FORMATS: Mapping[str, Callable[[VariableChanges], str]] = {
    "shell": _shell,
    "dotenv": _dotenv,
    "github": _github,
    "json": _json,
}
