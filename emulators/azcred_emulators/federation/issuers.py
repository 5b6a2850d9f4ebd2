"""Token issuers outside Entra ID that applications are federated with, such as a Kubernetes cluster.

Each publishes what OpenID Connect Discovery asks of it under its own host name, and Entra ID learns its keys from
there: an issuer whose documents cannot be had is of no use, as with a private cluster.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.clock import Clock
from azcred_emulators.directory.entities import TOKEN_EXCHANGE_AUDIENCE
from azcred_emulators.durations import Duration, in_seconds
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.serving.urls import split_url
from azcred_emulators.tokens.keys import SigningKey, read_jwk

_DISCOVERY = "/.well-known/openid-configuration"
_KEYS = "/openid/v1/jwks"  # where Kubernetes has them


class Issuer:
    """An OpenID Connect issuer with its own key, which signs assertions for workloads.

    Set `published` to False to take its documents offline.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self.published = True
        self._clock = clock
        self.key: SigningKey = SigningKey(url)

    def assertion(
        self,
        subject: str,
        *,
        audience: str = TOKEN_EXCHANGE_AUDIENCE,
        lifetime: Duration = 3600.0,
        issuer: str | None = None,
        claims: Mapping[str, object] | None = None,
    ) -> str:
        """Return a signed token for a subject.

        :param subject: the subject, such as "system:serviceaccount:shop:web".
        :param audience: the audience.
        :param lifetime: how long it lasts: a timedelta, a text such as "1 hour", or a number of seconds; may be
            negative.
        :param issuer: another issuer to name in the token than the one that signs it.
        :param claims: more claims, or other values.
        :return: the token.
        """
        now = int(self._clock.now())
        return self.key.sign(
            {
                "iss": issuer or self.url,
                "sub": subject,
                "aud": [audience],
                "iat": now,
                "nbf": now,
                "exp": now + int(in_seconds(lifetime, negative=True)),
                **(claims or {}),
            }
        )

    def rotate_key(self) -> None:
        """Sign with a new key, and publish it in place of the old one."""
        self.key = SigningKey(self.url)

    def documents(self) -> Mapping[str, Mapping[str, object]]:
        """Return the documents that the issuer publishes, by URL."""
        if not self.published:
            return {}
        root = self.url.rstrip("/")
        return {
            f"{root}{_DISCOVERY}": {
                "issuer": self.url,
                "jwks_uri": f"{root}{_KEYS}",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            f"{root}{_KEYS}": {"keys": [{"alg": "RS256", **self.key.jwk()}]},
        }


class Issuers(Emulator):
    """The issuers that exist in this run, made when they are first named: keys take time to make.

    `announce` is called with the host name of each new one, so that connections to it are routed here.
    """

    name = "issuer"
    rules: Map = Map([Rule("/<path:document>", methods=["GET"], endpoint="document")])

    def __init__(self, clock: Clock, announce: Callable[[str], None] = lambda host: None) -> None:
        self._clock = clock
        self._announce = announce
        self._lock = threading.Lock()
        self._issuers: dict[str, Issuer] = {}

    def get(self, url: str) -> Issuer:
        """Return the issuer with this URL; it is created when it is first named.

        :param url: the URL of the issuer.
        :return: the issuer.
        """
        with self._lock:
            if url not in self._issuers:
                self._issuers[url] = Issuer(url, self._clock)
            issuer = self._issuers[url]
        if host := split_url(url).hostname:
            self._announce(host)
        return issuer

    def document(self, url: str) -> Mapping[str, object] | None:
        """Return what is published at a URL, None if nothing is."""
        for issuer in list(self._issuers.values()):
            if url.startswith(issuer.url.rstrip("/")) and (document := issuer.documents().get(url)):
                return document
        return None

    def keys_of(self, url: str) -> Mapping[str, RSAPublicKey] | None:
        """Return the public keys that an issuer publishes.

        :param url: the URL of the issuer.
        :return: the keys by their ids; None if its documents are not available.
        """
        configuration = self.document(f"{url.rstrip('/')}{_DISCOVERY}")
        published = self.document(str(configuration["jwks_uri"])) if configuration else None
        if configuration is None or published is None or configuration["issuer"] != url:
            return None
        entries = published["keys"]
        keys = {str(entry["kid"]): read_jwk(entry) for entry in entries} if isinstance(entries, list) else {}
        return {key_id: key for key_id, key in keys.items() if key is not None}

    def serves(self, host: str, path: str) -> bool:
        """Serve the host names of the issuers."""
        return any(split_url(url).hostname == host.lower() for url in list(self._issuers))

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer with the document at this address, if there is one."""
        path = f"/{values['document']}"
        request.details["operation"] = _operation(path)
        document = self.document(f"https://{request.host}{path}")
        return Response(status=404) if document is None else json_response(document)

    @property
    def operations(self) -> Collection[str]:
        """The documents that issuers have."""
        return {_operation(_DISCOVERY), _operation("")}

    def describe(self, request: Request, path: str) -> None:
        """Note which of an issuer's documents the request is for."""
        super().describe(request, path)
        request.details["operation"] = _operation(path)

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer that there is nothing else here."""
        return Response(status=404)

    def stateful(self) -> Iterable[object]:
        """Return the issuers; those that are made meanwhile stay, since their keys take time."""
        return tuple(self._issuers.values())

    def reset(self) -> None:
        """Publish every issuer's documents again."""
        for issuer in list(self._issuers.values()):
            issuer.published = True


def _operation(path: str) -> str:
    return "openid-configuration" if path.endswith(_DISCOVERY) else "keys"
