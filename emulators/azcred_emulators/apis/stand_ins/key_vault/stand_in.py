"""Key Vault's stand-in: objects with versions, which are set, read, listed, deleted and recovered."""

import base64
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from cryptography.hazmat.primitives import hashes, serialization

from azcred_emulators.apis.stand_in import Answer, ReceivedRequest, StandIn, answers
from azcred_emulators.apis.stand_ins.key_vault import material
from azcred_emulators.apis.stand_ins.key_vault.data import (
    ATTRIBUTES,
    HOSTS,
    KINDS,
    PKCS12,
    RECOVERY_DAYS,
    VALIDITY_DAYS,
)

_DAY = 86400
Bundle = Mapping[str, Any]


class KeyVault(StandIn):
    """A vault. `secrets` are values, `keys` types such as "RSA", `certificates` subjects such as "CN=shop".

    What is read of a key is its public part as a JWK, and of a certificate its PEM.
    """

    hosts: ClassVar[tuple[str, ...]] = HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"secrets": dict, "keys": dict, "certificates": dict}
    forgiving: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.versions: dict[tuple[str, str], tuple[Bundle, ...]] = {}  # by kind and name, the newest last
        self.deleted: dict[tuple[str, str], tuple[Bundle, ...]] = {}
        self.pending: dict[str, Bundle] = {}  # operations on certificates

    def fill(self, **content: Any) -> None:
        """Set secrets, make keys and certificates; raises ValueError for what a vault cannot hold."""
        before = self.content
        super().fill(**content)
        self.content = before
        for name, value in content.get("secrets", {}).items():
            self._set_secret(name, {"value": value})
        for name, value in content.get("keys", {}).items():
            self._make_key(name, value if isinstance(value, Mapping) else {"kty": value})
        for name, value in content.get("certificates", {}).items():
            self._make_certificate(name, {"policy": {"x509_props": {"subject": value}}})

    # Secrets

    @answers("PUT", "/secrets/<name>")
    def set_secret(self, request: ReceivedRequest) -> object:
        """Set a secret, in a new version."""
        return self._set_secret(request.parameters["name"], request.json)

    def _set_secret(self, name: str, given: Bundle) -> Bundle:
        if not isinstance(given.get("value"), str):
            raise ValueError(f"the value of the secret {name!r} is text, not {given.get('value')!r}")
        kept = {key: given[key] for key in ("value", "contentType") if given.get(key) is not None}
        return self._store("secrets", name, kept, given, shown=given["value"])

    # Keys

    @answers("POST", "/keys/<name>/create")
    def create_key(self, request: ReceivedRequest) -> object:
        """Make a key, in a new version."""
        try:
            return self._make_key(request.parameters["name"], request.json)
        except ValueError as error:
            return self.error(400, "BadParameter", str(error))

    def _make_key(self, name: str, given: Bundle) -> Bundle:
        kind = str(given.get("kty"))
        key = material.make_key(kind, given.get("key_size"), given.get("crv"))
        return self._store_key(name, kind, material.public_part(key), given)

    def _store_key(self, name: str, kind: str, public: Bundle, given: Bundle) -> Bundle:
        operations = given.get("key_ops") or ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
        key = {"kty": kind, "key_ops": operations, **public}
        return self._store("keys", name, {"key": key}, given, shown=key)

    # Certificates

    @answers("POST", "/certificates/<name>/create")
    def create_certificate(self, request: ReceivedRequest) -> object:
        """Make a certificate that signs itself. The operation is completed when the client asks for it."""
        try:
            self._make_certificate(request.parameters["name"], request.json)
        except ValueError as error:
            return self.error(400, "BadParameter", str(error))
        return Answer(202, json={**self.pending[request.parameters["name"]], "status": "inProgress"})

    @answers("GET", "/certificates/<name>/pending")
    def certificate_operation(self, request: ReceivedRequest) -> object:
        """Return the operation that has made a certificate."""
        name = request.parameters["name"]
        return self.pending.get(name) or self.error(404, "PendingCertificateNotFound", f"There is none for {name}.")

    @answers("POST", "/certificates/<name>/import")
    def import_certificate(self, request: ReceivedRequest) -> object:
        """Keep a certificate that has been made elsewhere."""
        given = request.json
        try:
            certificate, key = material.from_secret(given["value"])
        except (KeyError, ValueError) as error:
            return self.error(400, "BadParameter", f"The certificate cannot be read: {error}")
        return self._keep_certificate(request.parameters["name"], certificate, key, given)

    @answers("GET", "/certificates/<name>/policy")
    def certificate_policy(self, request: ReceivedRequest) -> object:
        """Return the policy of a certificate's newest version."""
        versions = self.versions.get(("certificates", request.parameters["name"]))
        return versions[-1]["policy"] if versions else self._not_found("certificates", request.parameters["name"])

    def _make_certificate(self, name: str, given: Bundle) -> Bundle:
        policy = given.get("policy", {})
        subject = policy.get("x509_props", {}).get("subject") or f"CN={name}"
        properties = policy.get("key_props") or {}
        key = material.make_key(properties.get("kty") or "RSA", properties.get("key_size"), properties.get("crv"))
        months = policy.get("x509_props", {}).get("validity_months")
        days = months * 30 if months else VALIDITY_DAYS
        certificate = material.make_certificate(str(subject), key, self.clock.now(), days=days)
        return self._keep_certificate(name, certificate, key, given)

    def _keep_certificate(self, name: str, certificate: Any, key: material.PrivateKey, given: Bundle) -> Bundle:
        policy = dict(given.get("policy") or {})
        content_type = (policy.get("secret_props") or {}).get("contentType") or PKCS12
        secret = material.as_secret(certificate, key, content_type)
        kind = "RSA" if "n" in material.public_part(key) else "EC"
        kid = self._store_key(name, kind, material.public_part(key), given)["key"]["kid"]
        sid = self._store("secrets", name, {"value": secret, "contentType": content_type}, given, shown=secret)["id"]
        der = certificate.public_bytes(serialization.Encoding.DER)
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        thumbprint = material.base64url(certificate.fingerprint(hashes.SHA1()))  # noqa: S303  # the API's x5t
        times = {
            "nbf": int(certificate.not_valid_before_utc.timestamp()),
            "exp": int(certificate.not_valid_after_utc.timestamp()),
        }
        kept = {
            "kid": kid,
            "sid": sid,
            "x5t": thumbprint,
            "cer": base64.b64encode(der).decode(),
            "policy": {
                "id": f"{self.url}/certificates/{name}/policy",
                "key_props": {"kty": kind, "exportable": True, "reuse_key": False},
                "secret_props": {"contentType": content_type},
                "issuer": {"name": "Self"},
                **policy,
            },
        }
        attributes = {**times, **(given.get("attributes") or {})}
        bundle = self._store("certificates", name, kept, {**given, "attributes": attributes}, shown=pem)
        operation = {
            "id": f"{self.url}/certificates/{name}/pending",
            "issuer": {"name": "Self"},
            "status": "completed",
            "target": f"{self.url}/certificates/{name}",
            "request_id": uuid.uuid4().hex,
        }
        self.pending = {**self.pending, name: operation}
        return bundle

    # What all kinds have in common

    @answers("GET", "/<kind>/<name>")
    def read_newest(self, request: ReceivedRequest) -> object:
        """Return the newest version of an object."""
        return self._find(request) or self._not_found(request.parameters["kind"], request.parameters["name"])

    @answers("GET", "/<kind>/<name>/<version>")
    def read_version(self, request: ReceivedRequest) -> object:
        """Return one version of an object."""
        return self._find(request) or self._not_found(request.parameters["kind"], request.parameters["name"])

    @answers("PATCH", "/<kind>/<name>")
    @answers("PATCH", "/<kind>/<name>/<version>")
    def update(self, request: ReceivedRequest) -> object:
        """Change the attributes and tags of a version."""
        kind, name, found = request.parameters["kind"], request.parameters["name"], self._find(request)
        if found is None:
            return self._not_found(kind, name)
        changes = {key: request.json[key] for key in ("tags", "contentType") if request.json.get(key) is not None}
        attributes = {**found["attributes"], **(request.json.get("attributes") or {}), "updated": self._now}
        changed = {**found, **changes, "attributes": attributes}
        versions = tuple(changed if each is found else each for each in self.versions[kind, name])
        self.versions = {**self.versions, (kind, name): versions}
        return changed

    @answers("GET", "/<kind>")
    def list_objects(self, request: ReceivedRequest) -> object:
        """List the objects of a kind, without their values."""
        kind = request.parameters["kind"]
        if kind not in KINDS:
            return self._list_deleted(kind)
        newest = [versions[-1] for (each, _), versions in self.versions.items() if each == kind]
        return {"value": [self._summary(kind, bundle, versioned=False) for bundle in newest], "nextLink": None}

    @answers("GET", "/<kind>/<name>/versions")
    def list_versions(self, request: ReceivedRequest) -> object:
        """List the versions of an object."""
        kind, name = request.parameters["kind"], request.parameters["name"]
        versions = self.versions.get((kind, name), ())
        return {"value": [self._summary(kind, bundle, versioned=True) for bundle in versions], "nextLink": None}

    @answers("DELETE", "/<kind>/<name>")
    def delete(self, request: ReceivedRequest) -> object:
        """Delete an object, which can be recovered; of one that is deleted, purge it."""
        kind, name = request.parameters["kind"], request.parameters["name"]
        if kind.removeprefix("deleted") in KINDS and kind not in KINDS:
            self.deleted = _without(self.deleted, (kind.removeprefix("deleted"), name))
            return Answer(204)
        if (kind, name) not in self.versions:
            return self._not_found(kind, name)
        self.deleted = {**self.deleted, (kind, name): self.versions[kind, name]}
        self.versions = _without(self.versions, (kind, name))
        self.remove(kind, name)
        return self._deleted(kind, name)

    @answers("POST", "/<kind>/<name>/recover")
    def recover(self, request: ReceivedRequest) -> object:
        """Bring a deleted object back."""
        kind, name = request.parameters["kind"].removeprefix("deleted"), request.parameters["name"]
        versions = self.deleted.get((kind, name))
        if versions is None:
            return self._not_found(kind, name)
        self.deleted = _without(self.deleted, (kind, name))
        self.versions = {**self.versions, (kind, name): versions}
        newest = versions[-1]
        self.put(kind, name, newest.get("value") or newest.get("key") or newest.get("cer"))
        return newest

    @property
    def _now(self) -> int:
        return int(self.clock.now())

    def _store(self, kind: str, name: str, kept: Bundle, given: Bundle, *, shown: object) -> Bundle:
        """Keep a new version of an object; returns its bundle."""
        attributes = {**ATTRIBUTES, "created": self._now, "updated": self._now, **(given.get("attributes") or {})}
        bundle = {**kept, "attributes": attributes, "tags": given.get("tags") or {}}
        identifier = f"{self.url}/{kind}/{name}/{uuid.uuid4().hex}"
        within, id_name = KINDS[kind].within, KINDS[kind].id_name
        bundle = (
            {**bundle, within: {**bundle[within], id_name: identifier}} if within else {**bundle, id_name: identifier}
        )
        self.versions = {**self.versions, (kind, name): (*self.versions.get((kind, name), ()), bundle)}
        self.put(kind, name, shown)
        return bundle

    def _find(self, request: ReceivedRequest) -> Bundle | None:
        kind, name = request.parameters["kind"], request.parameters["name"]
        if kind.removeprefix("deleted") in KINDS and kind not in KINDS:
            kind = kind.removeprefix("deleted")
            return self._deleted(kind, name) if (kind, name) in self.deleted else None
        versions = self.versions.get((kind, name), ())
        version = request.parameters.get("version")
        fitting = [each for each in versions if version is None or _id(kind, each).endswith(f"/{version}")]
        return fitting[-1] if fitting else None

    def _summary(self, kind: str, bundle: Bundle, *, versioned: bool) -> Bundle:
        identifier = _id(kind, bundle)
        names = ("attributes", "tags", "contentType", "x5t")
        shown = {name: bundle[name] for name in names if name in bundle}
        return {KINDS[kind].id_name: identifier if versioned else identifier.rpartition("/")[0], **shown}

    def _deleted(self, kind: str, name: str) -> Bundle:
        times = {"deletedDate": self._now, "scheduledPurgeDate": self._now + RECOVERY_DAYS * _DAY}
        return {**self.deleted[kind, name][-1], "recoveryId": f"{self.url}/deleted{kind}/{name}", **times}

    def _list_deleted(self, kind: str) -> object:
        plain = kind.removeprefix("deleted")
        deleted = [self._deleted(each, name) for each, name in self.deleted if each == plain]
        return {"value": deleted, "nextLink": None}

    def _not_found(self, kind: str, name: str) -> Answer:
        plain = kind.removeprefix("deleted")
        word = KINDS[plain].word if plain in KINDS else "Resource"
        message = (
            f"A {word.lower()} with (name/id) {name} was not found in this key vault: fill({plain}={{...}}) sets one."
        )
        return self.error(404, f"{word}NotFound", message)


def _id(kind: str, bundle: Bundle) -> str:
    within, id_name = KINDS[kind].within, KINDS[kind].id_name
    return str(bundle[within][id_name] if within else bundle[id_name])


def _without(mapping: Mapping[Any, Any], key: object) -> dict[Any, Any]:
    return {each: value for each, value in mapping.items() if each != key}
