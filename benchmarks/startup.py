"""What the installed plugin costs a run that uses no fixture of it."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import figure, heading, milliseconds


def run(*, short: bool) -> None:
    """Start pytest on one empty test with and without the plugin, alternately."""
    heading("pytest start-up: a run of one empty test, in a process of its own")
    durations: dict[str, list[float]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_empty.py").write_text("def test_empty(): pass\n")
        for _ in range(2 if short else 25):
            for name, options in (("without", []), ("with", ["-p", "pytest_azcred.plugin"])):
                durations[name].append(_seconds(folder, options))
    without, with_plugin = (statistics.median(durations[name]) for name in ("without", "with"))
    figure("without the plugin", milliseconds(without))
    figure("with the plugin", milliseconds(with_plugin), f"{milliseconds(with_plugin - without)} more; at most 10 ms")
    figure("import of azure.identity, for comparison", milliseconds(_import_seconds("azure.identity")))


def _seconds(folder: str, options: list[str]) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_empty.py"]
    started = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env={"PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, check=True, capture_output=True
    )
    return time.perf_counter() - started


def _import_seconds(module: str) -> float:
    code = f"import time; a = time.perf_counter(); import {module}; print(time.perf_counter() - a)"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(result.stdout)
