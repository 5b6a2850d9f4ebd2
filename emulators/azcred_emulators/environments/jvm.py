"""What a Java virtual machine goes by instead of variables: properties, and certificates in a file of its own format.

Sources: "Networking Properties" of the JDK; the JKS format as `sun.security.provider.JavaKeyStore` reads it.
"""

import hashlib
import struct
from pathlib import Path

_PASSWORD = "changeit"  # the JDK's own; the file holds nothing secret
_TRUSTED = 2


def options(trust_store: Path | None, proxy: tuple[str, int], home: str | None = None, others: str = "") -> str:
    """Return a value of JAVA_TOOL_OPTIONS, which every virtual machine reads; `others` are what it held before.

    Without `trust_store` it trusts whom it always does.
    `home` is the user's folder, which it takes from the system's list of users, whatever HOME says.
    """
    host, port = proxy
    trust = {
        "javax.net.ssl.trustStore": trust_store,
        "javax.net.ssl.trustStorePassword": _PASSWORD,
        "javax.net.ssl.trustStoreType": "JKS",
    }
    properties = {
        **({"user.home": home} if home else {}),
        **(trust if trust_store else {}),
        "http.proxyHost": host,
        "http.proxyPort": port,
        "https.proxyHost": host,
        "https.proxyPort": port,
        "http.nonProxyHosts": "localhost|127.*|[::1]",
    }
    return " ".join(filter(None, [others, *(f'"-D{name}={value}"' for name, value in properties.items())]))


def trust_store(certificate: bytes, alias: str = "azcred") -> bytes:
    """Return a JKS file in which one certificate, in DER, is trusted."""
    entry = struct.pack(">I", _TRUSTED) + _text(alias) + struct.pack(">Q", 0) + _text("X.509")
    store = struct.pack(">III", 0xFEEDFEED, 2, 1) + entry + struct.pack(">I", len(certificate)) + certificate
    digest = hashlib.sha1(_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + store)  # noqa: S324  # the format's
    return store + digest.digest()


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()
