"""Runs the tests of the examples as their users would: with the built wheel, away from this checkout, and offline.

One virtual environment has the wheel and what all lists of requirements name. Each example is copied into a folder of
its own, where the last command of its README is run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from new_user import offline

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
ENVIRONMENT = ROOT / ".venv-examples"
AT_ONCE = 2  # examples that run at the same time


class Result(NamedTuple):
    """An example, whether its tests passed, and what they printed."""

    name: str
    passed: bool
    output: str


def names() -> list[str]:
    """Return the examples: the folders with a list of requirements."""
    return sorted(path.parent.name for path in EXAMPLES.glob("*/requirements.txt"))


def command(example: Path) -> str:
    """Return the command by which a README runs the tests: the last one of its last block."""
    lines = re.findall(r"^\$ (.+)$", (example / "README.md").read_text(), re.MULTILINE)
    if not lines:
        raise SystemExit(f"the README of {example.name} has no command")
    return str(lines[-1])


def pip(*arguments: str | Path) -> None:
    """Run pip in the examples' environment."""
    python = ENVIRONMENT / "bin" / "python"
    subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", "install", *arguments], check=True)


def install(wheel: Path) -> None:
    """Install the wheel, and once for each state of the lists what they name."""
    lists = [EXAMPLES / name / "requirements.txt" for name in names()]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in lists)).hexdigest()
    stamp = ENVIRONMENT / "requirements.sha256"
    if not stamp.exists() or stamp.read_text() != digest:
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        pip(wheel, *(word for path in lists for word in ("-r", path)))
        stamp.write_text(digest)
    else:
        pip("--force-reinstall", "--no-deps", wheel)


def run(name: str, folder: Path) -> Result:
    """Run the tests of one example in a copy below a folder."""
    here = folder / name
    shutil.copytree(EXAMPLES / name, here, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    modules = ROOT / "node_modules"
    line = command(here)
    if "npm" in line:
        if not shutil.which("npm") or not modules.exists():
            return Result(name, True, "npm or node_modules is not here: left out")
        (here / "node_modules").symlink_to(modules)
    path = os.pathsep.join([str(ENVIRONMENT / "bin"), str(modules / ".bin"), os.environ["PATH"]])
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "VIRTUAL"))}
    result = subprocess.run(
        [*offline(), "sh", "-c", line],
        cwd=here,
        env=environ | {"PATH": path, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Result(name, result.returncode == 0, result.stdout.strip())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the examples, or those that are named, and tell which of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="the folder of an example; without any, all")
    chosen = parser.parse_args(arguments).names or names()
    if unknown := set(chosen) - set(names()):
        parser.error(f"there is no example {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    with tempfile.TemporaryDirectory(prefix="examples-") as temporary:
        folder = Path(temporary)
        build = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "wheel", "--no-deps"]
        subprocess.run([*build, "--wheel-dir", folder, ROOT], check=True)
        [wheel] = folder.glob("pytest_azcred-*.whl")
        install(wheel)
        failed = []
        with ThreadPoolExecutor(AT_ONCE) as executor:
            for result in executor.map(lambda name: run(name, folder), chosen):
                lines = result.output.splitlines() or [""]
                print(f"{result.name}: {lines[-1] if result.passed else result.output}", flush=True)
                failed += [] if result.passed else [result.name]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
