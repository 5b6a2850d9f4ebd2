"""Tokens that a test describes by a few claims, completed to what Entra ID writes in a version.

The claims that mean the same have names of their own in each version; a description may have either.
Sources: Microsoft's "Access token claims reference"; recorded tokens.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from azcred_emulators.directory import Application, Directory, Principal, User
from azcred_emulators.directory.identifiers import AZURE_CLI_CLIENT_ID, SERVICE_PRINCIPAL_CLIENT_ID, TENANT_ID, USER_ID
from azcred_emulators.tokens import claims as make
from azcred_emulators.tokens.access import AppOnlyAccess, ClientAuthentication, Delegation, SignIn
from azcred_emulators.tokens.claims import issuers_of

Version = Literal[1, 2]
VERSIONS = (1, 2)
_BY_VERSION = (("appid", "azp"), ("appidacr", "azpacr"), ("unique_name", "preferred_username"))
_NAMES = ("preferred_username", "unique_name", "upn")  # of a user
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDescription:
    """The claims of a token that matter to a test. With `scp` a client acts for a user, else for itself.

    `aud` is a name of the API, an identifier URI or a client id. Raises ValueError for claims that a token of this
    version cannot have together, and for no audience.
    """

    given: Mapping[str, object]
    version: Version
    directory: Directory

    def __post_init__(self) -> None:
        if self.version not in VERSIONS or isinstance(self.version, bool):
            raise ValueError(f"Entra ID's tokens have version 1 or 2, not {self.version!r}")
        if not isinstance(self.given.get("aud"), str):
            raise ValueError(f"a token is for an API: give its name as aud, not {self.given.get('aud')!r}")
        if self.given.get("ver", self._ver) not in (self._ver, None):
            raise ValueError(f"a token of version {self.version} has not the ver {self.given['ver']!r}: leave it out")
        others = issuers_of(self._tenant_id) - issuers_of(self._tenant_id, self.version)
        if self.given.get("iss") in others:
            raise ValueError(f"a token of version {self.version} has not the iss {self.given['iss']!r}: leave it out")
        if not self.given.get("scp") and self._text(*_NAMES):
            raise ValueError("a token by which a client acts for a user has scp; without it there is no user")
        for names in _BY_VERSION:
            if len({self.given[name] for name in names if self.given.get(name) is not None}) > 1:
                raise ValueError(f"{' and '.join(names)} mean the same: give one of them")

    def claims(self, *, now: int, lifetime: int, uti: str) -> dict[str, object]:
        """Return the claims of the token, a claim that is given as None left out."""
        target = self._target()
        whole = (
            make.delegated(self._delegation(target, now), now=now, lifetime=lifetime, uti=uti)
            if self.given.get("scp")
            else make.app_only(self._app_only(target), now=now, lifetime=lifetime, uti=uti)
        )
        given = {name: value for name, value in self.given.items() if name != "aud"}
        for names in _BY_VERSION:
            for name in names:
                if name in given:
                    given[names[self.version - 1]] = given.pop(name)
        return {name: value for name, value in {**whole, **given}.items() if value is not None}

    @property
    def _ver(self) -> str:
        return f"{self.version}.0"

    @property
    def _tenant_id(self) -> str:
        return str(self.given.get("tid") or TENANT_ID)

    def _text(self, *names: str) -> str:
        return next((str(self.given[name]) for name in names if self.given.get(name)), "")

    def _target(self) -> Application:
        """Return the API, as an application whose tokens have this version."""
        audience = self._text("aud")
        application = self.directory.application_for_resource(audience)
        if application is None:
            client_id = audience.removeprefix("api://")
            if self.version == 2 and not _GUID.fullmatch(client_id):
                raise ValueError(
                    f"a token of version 2 has the client id of the API as aud, and {audience!r} is no application of "
                    "the directory: add one with it in `identifier_uris`, or give the client id"
                )
            application = Application(name=audience, tenant_id=self._tenant_id, client_id=client_id)
        return replace(application, access_token_version=self.version)

    def _client(self) -> Principal:
        """Return the client that is described, by default a developer's tool for a user, else a service principal."""
        default = AZURE_CLI_CLIENT_ID if self.given.get("scp") else SERVICE_PRINCIPAL_CLIENT_ID
        client_id = self._text("azp", "appid") or default
        known = self.directory.principal(client_id)
        return known or Application(name="client", tenant_id=self._tenant_id, client_id=client_id)

    def _app_only(self, target: Application) -> AppOnlyAccess:
        client, secret = self._client(), ClientAuthentication.SECRET
        client = replace(client, object_id=self._text("oid", "sub") or client.object_id, app_role_assignments=())
        return AppOnlyAccess(
            client,
            self._text("aud"),
            target=target,
            tenant_id=self._tenant_id,
            authentication=secret if isinstance(client, Application) else ClientAuthentication.CERTIFICATE,
        )

    def _delegation(self, target: Application, now: int) -> Delegation:
        user, client = self._user(), self._client()
        if not isinstance(client, Application):
            raise ValueError(f"a managed identity acts for no user: give scp or the client {client.name!r}, not both")
        return Delegation(
            user=user,
            client=client,
            sign_in=SignIn(user_id=user.object_id, auth_time=now),
            tenant_id=self._tenant_id,
            resource=self._text("aud"),
            scopes=tuple(self._text("scp").split()),
            target=target,
        )

    def _user(self) -> User:
        """Return the user who is described, by default Contoso's."""
        name, object_id = self._text(*_NAMES), self._text("oid")
        user = self.directory.user(object_id or name or USER_ID)
        if user is None:
            name = name or "user@contoso.com"
            user = User(name=name, tenant_id=self._tenant_id, principal_name=name)
        return replace(user, object_id=object_id or user.object_id, principal_name=name or user.principal_name)
