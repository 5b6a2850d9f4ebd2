"""A container registry's stand-in: who has exchanged a token sees the repositories and their tags."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, ClassVar
from urllib.parse import parse_qs

import jwt

from azcred_emulators.apis.access import AccessDenied
from azcred_emulators.apis.stand_in import Answer, ReceivedRequest, StandIn, answers
from azcred_emulators.apis.stand_ins.container_registry.data import (
    ACCESS_LIFETIME,
    ATTRIBUTES,
    HOSTS,
    REFRESH_LIFETIME,
)

Claims = Mapping[str, Any]


class ContainerRegistry(StandIn):
    """A registry. `repositories` are lists of tags by the repository's name."""

    hosts: ClassVar[tuple[str, ...]] = HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"repositories": dict}
    forgiving: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._secret = secrets.token_hex(32)
        self._refresh_tokens: dict[str, tuple[float, Claims]] = {}  # until when, and of whom
        self._access_tokens: dict[str, tuple[float, Claims]] = {}

    def read(self, name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return repositories with lists of tags; raises ValueError if one is no such list."""
        for repository, tags in value.items():
            if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
                raise ValueError(f"the tags of the repository {repository!r} are a list of texts, not {tags!r}")
        return {repository: list(tags) for repository, tags in value.items()}

    # The exchange

    @answers("POST", "/oauth2/exchange", anonymous=True)
    def exchange(self, request: ReceivedRequest) -> object:
        """Give a refresh token of the registry for an access token of Entra ID."""
        form = _form(request)
        claims = self.resource.claims(form.get("access_token", ""))
        expires = self.clock.now() + REFRESH_LIFETIME
        content = {"jti": secrets.token_hex(8), "exp": int(expires), "aud": self.host, "sub": claims.get("oid")}
        token = jwt.encode(content, self._secret, "HS256")
        self._refresh_tokens = {**self._refresh_tokens, token: (expires, claims)}
        return {"refresh_token": token}

    @answers("POST", "/oauth2/token", anonymous=True)
    def access_token(self, request: ReceivedRequest) -> object:
        """Give an access token of the registry for a refresh token of it."""
        form = _form(request)
        expires, claims = self._refresh_tokens.get(form.get("refresh_token", ""), (0.0, {}))
        if form.get("grant_type") != "refresh_token" or self.clock.now() >= expires:
            raise AccessDenied("there is no refresh token of this registry, and nobody may read it without")
        token = secrets.token_urlsafe(32)
        until = self.clock.now() + ACCESS_LIFETIME
        self._access_tokens = {**self._access_tokens, token: (until, claims)}
        return {"access_token": token}

    def claims_of(self, token: str) -> Claims | None:
        """Return the claims of whom an access token of the registry is."""
        expires, claims = self._access_tokens.get(token, (0.0, None))
        return claims if self.clock.now() < expires else None

    # What there is

    @answers("GET", "/v2")
    def probe(self, request: ReceivedRequest) -> object:
        """Say that the version 2 of the API of registries is spoken, as docker asks."""
        return Answer(json={}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})

    @answers("GET", "/acr/v1/_catalog")
    def catalog(self, request: ReceivedRequest) -> object:
        """List the repositories."""
        return {"repositories": sorted(self.content["repositories"])}

    @answers("GET", "/acr/v1/<path:name>/_tags")
    def tags(self, request: ReceivedRequest) -> object:
        """List the tags of a repository."""
        name = request.parameters["name"]
        if name not in self.content["repositories"]:
            return self._not_found(name)
        tags = [self._tag(name, tag) for tag in self.content["repositories"][name]]
        return {"registry": self.host, "imageName": name, "tags": tags}

    @answers("GET", "/acr/v1/<path:name>/_tags/<tag>")
    def tag(self, request: ReceivedRequest) -> object:
        """Return one tag."""
        name, tag = request.parameters["name"], request.parameters["tag"]
        if tag not in self.content["repositories"].get(name, ()):
            return self._not_found(f"{name}:{tag}")
        return {"registry": self.host, "imageName": name, "tag": self._tag(name, tag)}

    @answers("GET", "/acr/v1/<path:name>")
    def repository(self, request: ReceivedRequest) -> object:
        """Return what is known of a repository."""
        name = request.parameters["name"]
        if name not in self.content["repositories"]:
            return self._not_found(name)
        times = {"createdTime": self._now, "lastUpdateTime": self._now}
        counts = dict.fromkeys(("manifestCount", "tagCount"), len(self.content["repositories"][name]))
        about = {"registry": self.host, "imageName": name, **times, **counts}
        return {**about, "changeableAttributes": ATTRIBUTES}

    @answers("DELETE", "/acr/v1/<path:name>/_tags/<tag>")
    def delete_tag(self, request: ReceivedRequest) -> object:
        """Delete a tag."""
        name, tag = request.parameters["name"], request.parameters["tag"]
        tags = self.content["repositories"].get(name, [])
        if tag not in tags:
            return self._not_found(f"{name}:{tag}")
        self.put("repositories", name, [each for each in tags if each != tag])
        return Answer(202)

    @property
    def _now(self) -> str:
        return f"{datetime.fromtimestamp(self.clock.now(), timezone.utc):%Y-%m-%dT%H:%M:%S.%fZ}"

    def _tag(self, name: str, tag: str) -> Mapping[str, object]:
        digest = hashlib.sha256(f"{name}:{tag}".encode()).hexdigest()
        times = {"createdTime": self._now, "lastUpdateTime": self._now}
        return {"name": tag, "digest": f"sha256:{digest}", **times, "changeableAttributes": ATTRIBUTES}

    def _not_found(self, name: str) -> Answer:
        message = f"{name} is not known to the registry: fill(repositories={{name: [tags]}}) makes it."
        return Answer(404, json={"errors": [{"code": "NAME_UNKNOWN", "message": message}]})


def _form(request: ReceivedRequest) -> Mapping[str, str]:
    """Return the fields of a form."""
    return {name: values[0] for name, values in parse_qs(request.text).items()}
