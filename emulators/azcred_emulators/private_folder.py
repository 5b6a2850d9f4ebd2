"""Folders that only this user may read, and that do not outlive a killed process for long.

A process that is killed deletes nothing. So it holds a lock on a file in each of its folders, which the system takes
off at its end, however it ends; the next process that makes such a folder deletes those whose file nobody has locked.
That needs no process id, which another process may have by then. Outside POSIX nothing is locked, nor deleted later.
"""

import os
import shutil
import stat
import tempfile
import weakref
from contextlib import suppress
from functools import cache

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

_PREFIX = "azcred-"
_LOCKED = ".azcred-process"  # the file that its process has locked; a folder without one is not ours to delete


class PrivateFolder(tempfile.TemporaryDirectory[str]):
    """A new folder, mode 0700, as `tempfile.TemporaryDirectory` makes it; what killed processes left is deleted."""

    def __init__(self) -> None:
        _delete_abandoned(tempfile.gettempdir())
        super().__init__(prefix=_PREFIX)
        lock = _lock(self.name)
        self._unlock = weakref.finalize(self, os.close, lock) if lock is not None else None

    def cleanup(self) -> None:
        """Delete the folder with everything in it."""
        super().cleanup()
        if self._unlock:
            self._unlock()


def _lock(folder: str) -> int | None:
    """Put the locked file into a folder; returns it, None on a file system without locks.

    It gets its name when it is locked: nobody finds it without.
    """
    if fcntl is None:
        return None
    path = os.path.join(folder, _LOCKED)
    unnamed = f"{path}.unlocked"
    lock = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(unnamed, path)
    except OSError:
        os.close(lock)
        os.unlink(unnamed)
        return None
    return lock


@cache
def _delete_abandoned(root: str) -> None:
    """Delete the folders of killed processes, once in a process."""
    if fcntl is None:
        return
    with suppress(OSError), os.scandir(root) as entries:
        mode = os.stat(root).st_mode
        if mode & 0o022 and not mode & stat.S_ISVTX:
            return  # others could put something else in a folder's place
        for name in [entry.name for entry in entries if entry.name.startswith(_PREFIX)]:
            with suppress(OSError):
                _delete_if_abandoned(os.path.join(root, name))


def _delete_if_abandoned(path: str) -> None:
    """Delete a folder of this user's if its process has ended; raises OSError if it is none, or its process runs."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not _is_private(os.fstat(folder)):
            return
        lock = os.open(_LOCKED, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        try:
            found = os.fstat(lock)
            if not stat.S_ISREG(found.st_mode) or not _is_private(found):
                return
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_nlink and os.path.samestat(os.fstat(folder), os.lstat(path)):  # else another was first
                _delete(path)
        finally:
            os.close(lock)
    finally:
        os.close(folder)


def _is_private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _delete(path: str) -> None:
    """Delete a folder, also if it holds some that cannot be written to, such as Go's cache of modules."""
    shutil.rmtree(path, ignore_errors=True)
    for parent, names, _ in os.walk(path):
        for name in names:
            if not os.path.islink(folder := os.path.join(parent, name)):
                os.chmod(folder, 0o700)
    shutil.rmtree(path, ignore_errors=True)
