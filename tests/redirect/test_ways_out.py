"""The table of docs/isolation.md: each way out of a process, tried at each level of isolation.

Whatever reaches the outside without isolation is refused, led to the emulators, or named in the table as not held.
"""

import json
import sys
from pathlib import Path

import pytest
from support import outside, ways_out
from support.ways_out import FIRST_PORT, WAYS

SUITE = """
from pathlib import Path
from support import ways_out

def test_ways(request):
    if {fixture!r}:
        request.getfixturevalue({fixture!r})
    ways_out.try_all(Path("got.json"))
"""
# Other plugins take most of a start.
PYTEST = ("env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", sys.executable, "-m", "pytest", "-q", "-p", "pytest_azcred.plugin")
PROGRAM = (sys.executable, ways_out.__file__, "got.json")
# The columns of the table, each with the fixture that the test uses, and the command that runs it.
LEVELS = {
    "`azcred`": ("fake_virtual_machine", PYTEST),
    "`azcred_isolate = true`": ("", (*PYTEST, "-o", "azcred_isolate=true")),
    "`= network`": ("", (*PYTEST, "-o", "azcred_isolate=network")),
    "`azcred run`": (
        "",
        (sys.executable, "-m", "pytest_azcred", "run", "--environment", "virtual-machine", "--", *PROGRAM),
    ),
}
OUT = "gets out"

pytestmark = pytest.mark.skipif(outside.why_not() is not None, reason=str(outside.why_not()))


def outcomes(folder: Path, fixture: str, command: tuple[str, ...]) -> dict[str, str]:
    """Return what comes of each way."""
    (folder / "test_ways.py").write_text(SUITE.format(fixture=fixture))
    reached = outside.reached(command, folder)
    got = json.loads((folder / "got.json").read_text())

    def outcome(number: int, way: str) -> str:
        if FIRST_PORT + number in reached:
            return OUT
        return "emulators" if "access_token" in got[way] else "refused"

    return {way: outcome(number, way) for number, way in enumerate(WAYS)}


def documented() -> dict[str, dict[str, str]]:
    """Return the columns of the table."""
    page = (Path(__file__).parents[2] / "docs/isolation.md").read_text()
    lines = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    start = next(index for index, cells in enumerate(lines) if cells[0] == "way out")
    rows = lines[start + 1 :]
    return {level: {row[0]: row[column] for row in rows} for column, level in enumerate(lines[start][1:], 1)}


def test_the_table_has_every_way() -> None:
    """And every level."""
    table = documented()
    assert list(table) == list(LEVELS)
    assert all(list(column) == list(WAYS) for column in table.values())


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_a_level(level: str, tmp_path: Path) -> None:
    """What the table says of it comes of each way."""
    assert outcomes(tmp_path, *LEVELS[level]) == documented()[level]


@pytest.mark.slow
def test_without_isolation(tmp_path: Path) -> None:
    """All of them are ways out."""
    assert outcomes(tmp_path, "", PROGRAM) == dict.fromkeys(WAYS, OUT)
