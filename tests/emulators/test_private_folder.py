"""What a killed process leaves is deleted by the next one; what is somebody's is not touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="folders are locked on POSIX only")]

HOLDING = """
import sys
from azcred_emulators.private_folder import PrivateFolder
folder = PrivateFolder()
open(f"{folder.name}/key.pem", "w").close()
print(folder.name, flush=True)
sys.stdin.read()
"""


@contextmanager
def holding(root: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a process that has a private folder below a root; gives it and the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING],
        env={**os.environ, "TMPDIR": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def killed(root: Path) -> Path:
    """Return the folder that a killed process has left."""
    with holding(root) as (process, folder):
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert (folder / "key.pem").exists()
    return folder


def start_and_end(root: Path) -> None:
    """Run a process that makes a private folder and deletes it."""
    with holding(root) as (process, folder):
        process.communicate()
    assert process.returncode == 0
    assert not folder.exists()


def test_the_next_process_deletes_it(tmp_path: Path) -> None:
    """With the keys, and with folders that cannot be written to, such as those of Go."""
    folder = killed(tmp_path)
    (folder / "module" / "cache").mkdir(parents=True)
    (folder / "module" / "cache" / "file").touch()
    (folder / "module" / "cache").chmod(0o500)
    (folder / "module").chmod(0o500)
    start_and_end(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_running_process_keeps_its_own(tmp_path: Path) -> None:
    """However many others start meanwhile."""
    with holding(tmp_path) as (_, folder):
        for _ in range(3):
            start_and_end(tmp_path)
        assert (folder / "key.pem").exists()


def test_many_start_at_once(tmp_path: Path) -> None:
    """Among the remains of others, each has its own, and none deletes another's."""
    for _ in range(3):
        killed(tmp_path)
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([sys.executable, "-c", HOLDING], env=environ, stdin=pipe, stdout=pipe, text=True)
        for _ in range(6)
    ]
    folders = [Path(process.stdout.readline().strip()) for process in processes if process.stdout]
    assert all((folder / "key.pem").exists() for folder in folders)
    assert {path for path in tmp_path.iterdir() if path.name.startswith("azcred-")} == set(folders)
    for process in processes:
        process.communicate()
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_has_the_lock_keeps_the_folder(tmp_path: Path) -> None:
    """A forked process may still use what its parent has made."""
    fork = "import os\nif os.fork(): os.kill(os.getpid(), 9)\nsys.stdin.read()\nos._exit(0)"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING.replace("sys.stdin.read()", fork)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        process.wait(30)
        start_and_end(tmp_path)
        assert (folder / "key.pem").exists()
        process.communicate()  # waits for the child, which has the same output
    start_and_end(tmp_path)
    assert not folder.exists()


def not_private(folder: Path) -> None:
    """Let others read it."""
    folder.chmod(0o755)


def no_marker(folder: Path) -> None:
    """Take the file away by which it is ours."""
    (folder / ".azcred-process").unlink()


def marker_is_a_link(folder: Path) -> None:
    """Let the file be a link to another."""
    (folder / ".azcred-process").rename(folder / "elsewhere")
    (folder / ".azcred-process").symlink_to(folder / "elsewhere")


def marker_is_a_pipe(folder: Path) -> None:
    """Let the file be none."""
    (folder / ".azcred-process").unlink()
    os.mkfifo(folder / ".azcred-process", 0o600)


def somebody_elses(folder: Path) -> None:
    """Give it to another user."""
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    os.chown(folder, 65534, 65534)


def another_name(folder: Path) -> None:
    """Call it otherwise."""
    folder.rename(folder.with_name("mine"))


def a_root_for_everybody(folder: Path) -> None:
    """Let others put something else in its place."""
    folder.parent.chmod(0o777)


@pytest.mark.parametrize(
    "change",
    [not_private, no_marker, marker_is_a_link, marker_is_a_pipe, somebody_elses, another_name, a_root_for_everybody],
)
def test_what_is_not_plainly_ours_stays(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """The name alone makes no folder ours."""
    folder = killed(tmp_path)
    change(folder)
    start_and_end(tmp_path)
    (left,) = tmp_path.iterdir()
    assert (left / "key.pem").exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither one in the place of a folder, nor one in it."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for path in (root, outside):
        path.mkdir()
    (outside / "file").touch()
    folder = killed(root)
    (folder / "link").symlink_to(outside)
    moved = killed(root)
    moved.rename(tmp_path / "moved")
    moved.symlink_to(tmp_path / "moved")
    start_and_end(root)
    assert not folder.exists()
    assert (outside / "file").exists()
    assert (moved / "key.pem").exists()


SUITE = """
import os
import signal

def test_it(azcred, tmp_path):
    azcred.environment("on-premises-certificate")
    azcred.certificate("example.com")
    if "AZCRED_TEST_KILLED" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_of_pytest(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run deletes both folders of one that is isolated, and the private keys and certificates in them."""
    root = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(root))
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nazcred_isolate = true\n")
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("AZCRED_TEST_KILLED", "1")
        assert pytester.runpytest_subprocess().ret == -signal.SIGKILL
    left = [path for path in root.iterdir() if path.name.startswith("azcred-")]
    assert len(left) == 2
    assert len([file for folder in left for file in folder.rglob("*") if file.suffix in (".key", ".pem")]) == 3
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    assert [path for path in root.iterdir() if path.name.startswith("azcred-")] == []
