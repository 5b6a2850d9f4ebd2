"""`azcred matrix`: the environments as the job matrix of a CI service, from the table that the fixtures come from."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from azcred_emulators.environments import ENVIRONMENTS, Environment, find, select
from pytest_azcred.cli.commands import CommandError, Commands


def _github(environments: Sequence[Environment]) -> str:
    """Write the value of `strategy.matrix`, in one line as a step's output must be; `fromJSON` reads it."""
    return json.dumps({"environment": [environment.name for environment in environments]})


def _gitlab(environments: Sequence[Environment]) -> str:
    """Write a job to extend. Source: GitLab's "CI/CD YAML syntax reference", `parallel:matrix`."""
    names = "\n".join(f"          - {environment.name}" for environment in environments)
    return f".azcred:\n  parallel:\n    matrix:\n      - AZCRED_ENVIRONMENT:\n{names}"


def _azure_pipelines(environments: Sequence[Environment]) -> str:
    """Write the value of `strategy.matrix` for a runtime expression.

    Names of legs hold letters, digits and underscores only. Source: "jobs.job.strategy definition", Azure Pipelines.
    """
    legs = {environment.name.replace("-", "_"): {"environment": environment.name} for environment in environments}
    return json.dumps(legs)


def _json(environments: Sequence[Environment]) -> str:
    """Write the table's row of each environment, for programs."""
    fields = ("name", "description", "provider", "host")
    rows = [
        {**{field: getattr(environment, field) for field in fields}, "fixtures": list(environment.fixtures)}
        for environment in environments
    ]
    return json.dumps(rows, indent=2)


FORMATS: Mapping[str, Callable[[Sequence[Environment]], str]] = {
    "github": _github,
    "gitlab": _gitlab,
    "azure-pipelines": _azure_pipelines,
    "json": _json,
}


def matrix(format: str = "github", only: Sequence[str] = ("*",), exclude: Sequence[str] = ()) -> str:
    """Return the environments as a CI service's matrix.

    `format` is one of FORMATS. `only` and `exclude` are names or patterns, such as "developer-*"; "*" alone stands for
    the environments in which DefaultAzureCredential finds an identity. Raises LookupError for an unknown name, with
    the nearest one, for a pattern that no name is like, and if no environment is left.
    """
    excluded = _matching(exclude)
    selection = [environment for environment in _matching(only) if environment not in excluded]
    if not selection:
        raise LookupError("no environment is left: --exclude names all that --only does")
    return FORMATS[format](selection)


def _matching(patterns: Sequence[str]) -> Sequence[Environment]:
    selection: dict[str, Environment] = {}
    for pattern in patterns:
        if pattern == "*":
            environments = select("*")
        elif "*" in pattern:
            environments = [environment for name, environment in ENVIRONMENTS.items() if fnmatchcase(name, pattern)]
        else:
            environments = [find(pattern)]
        if not environments:
            raise LookupError(f"no environment is like {pattern!r}; there are {', '.join(ENVIRONMENTS)}.")
        selection |= {environment.name: environment for environment in environments}
    return list(selection.values())


def add_command(commands: Commands) -> None:
    """Declare `azcred matrix`."""
    command = commands.add_parser(
        "matrix",
        help="print the environments as the job matrix of a CI service",
        description="Print the environments as the matrix of a CI service, whose jobs then run "
        "`pytest --azcred-environment NAME`. By default they are those in which DefaultAzureCredential finds an "
        "identity.",
    )
    command.add_argument(
        "--format", choices=FORMATS, default="github", help="whose matrix, or json for programs (default: %(default)s)"
    )
    command.add_argument(
        "--only", nargs="+", default=["*"], metavar="NAME", help='these environments; patterns: "developer-*"'
    )
    command.add_argument("--exclude", nargs="+", default=[], metavar="NAME", help="leave these out; takes patterns")
    command.set_defaults(call=_print)


def _print(options: argparse.Namespace) -> int:
    try:
        print(matrix(options.format, options.only, options.exclude))
    except LookupError as error:
        raise CommandError(error.args[0]) from None
    return 0
