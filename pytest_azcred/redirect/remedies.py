"""What helps when a connection is refused, depending on the host and the port.

Only the light part of the standard library is imported here: child processes load this, with the remedies that the
process which started them has written down.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_SERVICES = {"http": 80, "https": 443}


class Remedy(NamedTuple):
    """What helps for some hosts and ports.

    `hosts` are names, and patterns such as `*.example.com`; `ports` are numbers, 0 for a look-up that names none. No
    hosts, or no ports, are all of them. `text` has the fields `{host}`, `{where}` (the host and its port) and
    `{account}` (the first label of the host).
    """

    hosts: Sequence[str]
    ports: Sequence[int]
    text: str

    def fits(self, host: str, port: int) -> bool:
        """Tell whether it helps for a host and port."""
        return (not self.ports or port in self.ports) and (not self.hosts or any(_names(h, host) for h in self.hosts))


def remedy_for(remedies: Iterable[Remedy], host: str, port: object) -> str:
    """Return what the first remedy that fits says, nothing if there is none."""
    number = _number(port)
    shown = ascii(host)[1:-1]
    where = f"[{shown}]" if ":" in shown else shown
    fields = {"host": where, "where": f"{where}:{number}" if number else where, "account": shown.partition(".")[0]}
    return next((remedy.text.format_map(fields) for remedy in remedies if remedy.fits(host, number)), "")


def _names(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _number(port: object) -> int:
    """Return the number of a port in any form that look-ups take, 0 for one that says nothing."""
    text = port.decode("ascii", "replace") if isinstance(port, bytes) else str(port)
    return int(text) if text.isdecimal() else _SERVICES.get(text, 0)
