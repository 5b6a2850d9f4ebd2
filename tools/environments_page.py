"""Writes the tables of docs/environments.md, from the table of environments that the code has.

python tools/environments_page.py            # `make format` does it, too
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from azcred_emulators import Emulators
from azcred_emulators.environments import ENVIRONMENTS, Environment

PAGE = Path(__file__).resolve().parents[1] / "docs" / "environments.md"
_ROWS = re.compile(r"(?:^\| `.*\n)+", re.MULTILINE)


def page() -> str:
    """Return the page with the rows of its tables: the environments, and the variables that they set."""
    with Emulators() as emulators:
        tables = iter(("".join(map(_environment, ENVIRONMENTS.values())), "".join(_variables(emulators))))
    return _ROWS.sub(lambda _: next(tables), PAGE.read_text(encoding="utf-8"), count=2)


def _environment(environment: Environment) -> str:
    """Return an environment's name, fixtures, description and provider."""
    fixtures = ", ".join(f"`{name}`" for name in environment.fixtures)
    return f"| `{environment.name}` | {fixtures} | {environment.description} | {environment.provider or 'none'} |\n"


def _variables(emulators: Emulators) -> Iterator[str]:
    """Yield for each environment the names that lead to its identity, and the variables of its platform.

    Environments with the same variables share a row.
    """
    rows: dict[tuple[str, str], list[str]] = {}
    for environment in ENVIRONMENTS.values():
        identity = environment.variables(emulators, emulators.folder / environment.name)
        row = ", ".join(f"`{name}`" for name in sorted(identity)), _assignments(environment.platform_variables)
        rows.setdefault(row, []).append(f"`{environment.name}`")
    for (names, platform), environments in rows.items():
        if names or platform:
            yield f"| {', '.join(environments)} | {names} | {platform} |\n"


def _assignments(variables: Mapping[str, str | None]) -> str:
    """Return variables with their values; of one that is removed, that it is."""
    return ", ".join(
        f"no `{name}`" if value is None else f"`{name}={value}`" for name, value in sorted(variables.items())
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
