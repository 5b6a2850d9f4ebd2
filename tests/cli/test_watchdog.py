"""What is deleted for a process that was killed: its own folder and files, and nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

# Starts a watchdog for the folder "own" and for the named paths, and dies at once.
KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_azcred.cli.watchdog import Watchdog

watchdog = Watchdog(Path("own"))
for path in sys.argv[1:]:
    watchdog.guard_file(Path(path))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_named_as_a_file_stays(tmp_path: Path) -> None:
    """With everything in it; a file is deleted, and one that does not exist hinders nothing."""
    for folder in ("own", "mine"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "content").write_text("content")
    (tmp_path / "a file\n").write_text("written by the process")
    command = [sys.executable, "-c", KILLED, "none", "mine", "a file\n"]
    subprocess.run(command, cwd=tmp_path, timeout=60, check=False)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (tmp_path / "own").exists():
        os.sched_yield()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]  # the folder is deleted last
    assert (tmp_path / "mine" / "content").read_text() == "content"
