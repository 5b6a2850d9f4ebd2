"""The table of lines that are not reached, and how it is read."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import azure.identity
import pytest
from sdk_coverage import TABLE, read_table


def test_the_table_is_about_the_installed_release() -> None:
    """Its modules are there, and as long as it says."""
    text = TABLE.read_text()
    if f"azure-identity {version('azure-identity')}" not in text:
        pytest.skip("the table is of another release of azure-identity")
    package = Path(azure.identity.__file__).parent
    table = read_table(text)
    assert len(table) > 30
    for module, lines in table.items():
        assert max(lines) <= len((package / module).read_text().splitlines()), module


def test_lines_and_ranges_are_read() -> None:
    """Rows of the same module add up; what is no row is passed over."""
    text = "| module | lines | reason |\n|---|---|---|\n| `a.py` | 1, 3-5 | why |\n| `a.py` | 9 | why else |\n"
    assert read_table(text) == {"a.py": {1, 3, 4, 5, 9}}
