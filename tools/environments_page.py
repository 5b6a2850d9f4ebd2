"""Writes the table of environments into docs/environments.md, from the table that the code has.

python tools/environments_page.py            # `make format` does it, too
"""

import re
from pathlib import Path

from azcred_emulators.environments import ENVIRONMENTS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "environments.md"
_ROWS = re.compile(r"(?:^\| `.*\n)+", re.MULTILINE)


def page() -> str:
    """Return the page with a row for each environment: its name, fixtures, description and provider."""
    rows = (
        f"| `{environment.name}` | {', '.join(f'`{name}`' for name in environment.fixtures)} "
        f"| {environment.description} | {environment.provider or 'none'} |\n"
        for environment in ENVIRONMENTS.values()
    )
    return _ROWS.sub("".join(rows).replace("\\", r"\\"), PAGE.read_text(encoding="utf-8"), count=1)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
