"""Writes the table of docs/audiences.md, from the table of services that the code has.

python tools/audiences_page.py            # `make format` does it, too
"""

import re
from collections.abc import Iterable
from pathlib import Path

from azcred_emulators.audiences import SERVICES, Service

PAGE = Path(__file__).resolve().parents[1] / "docs" / "audiences.md"
_ROWS = re.compile(r"(?:^\| [^|]* \| `.*\n)+", re.MULTILINE)


def page() -> str:
    """Return the page with a row for each service in each cloud where its audiences differ."""
    return _ROWS.sub(lambda _: "".join(map(_row, SERVICES)), PAGE.read_text(encoding="utf-8"), count=1)


def _row(service: Service) -> str:
    """Return a service's name, hosts and audiences; those of the host itself are in angle brackets."""
    audiences = (audience.replace("{", "<").replace("}", ">") for audience in service.audiences)
    return f"| {service.name} | {_codes(service.hosts)} | {_codes(audiences)} |\n"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
