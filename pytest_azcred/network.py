"""A network of this process's own, which has loopback and nothing else: the kernel refuses what leads outside.

On Linux a process and its children can have a network namespace. Root makes one; anybody else does in a user
namespace, where that is allowed. It lasts until the process ends. Sources: unshare(2), user_namespaces(7),
netdevice(7), capset(2).
"""

import errno
import os
import socket
import struct
import sys
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_CLONE_NEWUSER = 0x10000000
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_CAPABILITY_VERSION = 0x20080522  # of the three sets of 64 bits that capset takes
_INTERFACE = "16sh"  # the name and the flags

# Where the system says that it refuses namespaces, what it says then, and the way out.
_SETTINGS = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor refuses it: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "the kernel refuses it: sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "the kernel allows none: sudo sysctl -w user.max_user_namespaces=10000",
    ),
)
_CONTAINER = (
    "the container's profile refuses it: docker run --network=none, which does the same, or "
    "--security-opt seccomp=unconfined"
)


class SealError(Exception):
    """This process cannot have such a network; the text says what to set."""


def seal() -> None:
    """Leave this process and its children loopback alone, for good; if that is all they have, nothing is changed.

    Raises SealError.
    """
    if sys.platform != "linux":
        raise SealError(f"network namespaces exist only on Linux, not on {sys.platform}; use true here")
    if not _is_up_beside_loopback():
        return
    if others := _other_threads():
        raise SealError(
            f"{others} other thread{'s were' if others > 1 else ' was'} running before the first conftest, and "
            "could still get out: let the plugin that starts threads do so later, or start pytest with "
            "`unshare --map-current-user --net`"
        )
    user, group = os.geteuid(), os.getegid()
    is_root = user == 0 and _unshare(_CLONE_NEWNET) == 0
    if not is_root:
        if number := _unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
            raise _refused(number)
        try:
            _write("uid_map", f"{user} {user} 1")  # so that files and processes are the user's as before
            _write("setgroups", "deny")
            _write("gid_map", f"{group} {group} 1")
        except OSError as error:
            raise _refused(error.errno or 0) from None
    try:
        _bring_loopback_up()
    except OSError as error:
        raise _refused(error.errno or 0) from None
    if user:
        _drop_capabilities()  # those in the new namespace would open the user's own files of mode 000


def _other_threads() -> int:
    return len(os.listdir("/proc/self/task")) - 1


def _is_up_beside_loopback() -> bool:
    """Tell whether an interface is up that is not loopback; a new namespace may have others, which are down."""
    names = [name for _, name in socket.if_nameindex()]
    return any(name != "lo" and _flags(name) & _IFF_UP for name in names) or not _flags("lo") & _IFF_UP


def _flags(interface: str) -> int:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack(_INTERFACE + "14x", interface.encode(), 0))
    flags: int = struct.unpack(_INTERFACE, answer[: struct.calcsize(_INTERFACE)])[1]
    return flags


def _bring_loopback_up() -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack(_INTERFACE + "14x", b"lo", _IFF_UP))


def _unshare(flags: int) -> int:
    """Make namespaces, and return 0, or the number of the error."""
    import ctypes

    return ctypes.get_errno() if ctypes.CDLL(None, use_errno=True).unshare(flags) else 0


def _write(name: str, text: str) -> None:
    Path("/proc/self", name).write_text(text)


def _drop_capabilities() -> None:
    import ctypes

    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    ctypes.CDLL(None).capset(header, bytes(24))


def _refused(error: int) -> SealError:
    reasons = [advice for file, value, advice in _SETTINGS if _read(file) == value]
    if not reasons and "Seccomp:\t2" in _read("/proc/self/status"):
        reasons = [_CONTAINER]
    said = reasons[0] if reasons else "ask the administrator of this machine for user namespaces"
    return SealError(f"this system does not allow a separate network ({errno.errorcode.get(error, error)}); {said}")


def _read(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except OSError:
        return ""
