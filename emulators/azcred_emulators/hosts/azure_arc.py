"""The managed identity endpoint of an on-premises server that is connected through Azure Arc.

A client proves that it may read a file that the agent has written for it. Sources: Microsoft's "Authenticate against
Azure resources with Azure Arc-enabled servers"; azure-identity 1.27, msal 1.39 and msal-node as clients.
"""

import secrets
import shutil
import threading
import uuid
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from werkzeug.wrappers import Response

from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory, ManagedIdentity
from azcred_emulators.emulation.request import Request
from azcred_emulators.hosts.challenges import ChallengeDefect
from azcred_emulators.hosts.endpoint import Machine
from azcred_emulators.hosts.host import Host
from azcred_emulators.hosts.imds import UNKNOWN_RESOURCE
from azcred_emulators.hosts.refusals import HostError, Problem, Refusal
from azcred_emulators.serving.tls import write_private
from azcred_emulators.tokens import Token, Tokens

_FOLDER = "/var/opt/azcmagent"
_TOKENS = f"{_FOLDER}/tokens"  # the one folder that SDKs take a key from
_AGENT = "/opt/azcmagent/bin/himds"
_MAXIMUM_KEY = 4096  # bytes; SDKs refuse larger files
_REALM = "Basic realm="


class AzureArc(Host):
    """The endpoint of the agent, himds.

    The agent's files are below the machine's folder, under their real paths. An agent that does not support
    user-assigned identities ignores what names them, and so answers with the machine's own. Its 429 is documented
    nowhere; it has the shape of the other errors.
    """

    name = "azure-arc"
    path = "/metadata/identity/oauth2/token"
    api_versions: tuple[str, ...] = ("2019-08-15", "2019-11-01", "2020-06-01", "2021-02-01")
    needs_metadata = True
    selectors: tuple[str, ...] = ("client_id", "object_id", "resource_id")
    further_problems: ClassVar[Collection[Problem]] = (Problem.CHALLENGE,)
    preliminaries: ClassVar[Sequence[tuple[str, int]]] = (("challenge", 401),)
    refusals: ClassVar[Mapping[Problem, Refusal]] = {
        Problem.METADATA_HEADER: Refusal(400, "invalid_request", "Required metadata header not specified"),
        Problem.VERSION: Refusal(400, "invalid_request", "The api-version is missing or not supported"),
        Problem.NO_RESOURCE: Refusal(400, "invalid_request", "Required query variable 'resource' is missing"),
        Problem.UNKNOWN_RESOURCE: Refusal(400, "invalid_resource", UNKNOWN_RESOURCE),
        Problem.SEVERAL_IDENTITIES: Refusal(400, "invalid_request", "Identity not found"),
        Problem.NO_IDENTITY: Refusal(400, "invalid_request", "Identity not found"),
        Problem.IDENTITY_NOT_FOUND: Refusal(400, "invalid_request", "Identity not found"),
        Problem.CHALLENGE: Refusal(401, "unauthorized_client", "Missing Basic Authorization header"),
        Problem.THROTTLED: Refusal(429, "too_many_requests", "Too many requests"),
        Problem.PATH: Refusal(404, "not_found", "The requested path does not exist"),
        Problem.METHOD: Refusal(405, "method_not_allowed", "The method is not allowed"),
        Problem.MALFORMED: Refusal(400, "invalid_request", "The request is malformed"),
    }
    supports_user_assigned: bool = True

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock, machine: Machine) -> None:
        super().__init__(directory, tokens, clock, machine)
        self._lock = threading.Lock()
        self._keys: dict[str, Path] = {}

    def variables(self, url: str) -> Mapping[str, str]:
        """Return those of the agent's service."""
        return {"IDENTITY_ENDPOINT": f"{url}{self.path}", "IMDS_ENDPOINT": url}

    def install(self) -> None:
        """Write what SDKs look for where there are no variables, and make the folder of the keys."""
        self._place(_TOKENS).mkdir(parents=True, exist_ok=True)
        agent = self._place(_AGENT)
        agent.parent.mkdir(parents=True, exist_ok=True)
        agent.touch()

    def select(self, parameters: Mapping[str, str]) -> ManagedIdentity:
        """Return the identity that is named as IMDS names it; the agent ignores App Service's `mi_res_id`."""
        understood = ("client_id", "object_id", "msi_res_id") if self.supports_user_assigned else ()
        return super().select({name: parameters[name] for name in understood if name in parameters})

    @property
    def operations(self) -> Collection[str]:
        """What `operation` returns."""
        return {"challenge", "token"}

    def operation(self, request: Request) -> str:
        """Return "challenge" for a request that has yet to be told where its key is."""
        return "token" if "Authorization" in request.headers else "challenge"

    def authorize(self, request: Request) -> None:
        """Raise HostError unless the request holds the content of a key's file. Each key is good for one request."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        with self._lock:
            file = self._keys.pop(key, None) if scheme == "Basic" else None
        if file is None:
            raise HostError(Problem.CHALLENGE)
        file.unlink(missing_ok=True)

    def refusal(self, request: Request, problem: Problem) -> Response:
        """Answer that there is no token, and where the key to one is if that is what the client lacks."""
        return self.challenge(request) if problem is Problem.CHALLENGE else super().refusal(request, problem)

    def challenge(self, request: Request, defect: ChallengeDefect | None = None) -> Response:
        """Answer with a challenge: the path of a new key's file, or something wrong instead."""
        response = super().refusal(request, Problem.CHALLENGE)
        if defect != "no-header":
            response.headers["WWW-Authenticate"] = f"{_REALM}{self._write_key(defect)}"
        return response

    def success(
        self, token: Token, identity: ManagedIdentity, resource: str, parameters: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return IMDS's body; an agent that supports user-assigned identities names the one that it used."""
        expires_in = self.expires_in(token)
        used = {
            "client_id": identity.client_id,
            "object_id": identity.object_id,
            "msi_res_id": identity.resource_id,
        }
        return {
            "access_token": token.value,
            **(used if self.supports_user_assigned else {}),
            "expires_in": expires_in,
            "expires_on": str(token.expires_on),
            "ext_expires_in": expires_in,
            "not_before": str(token.not_before),
            "resource": resource,
            "token_type": "Bearer",
        }

    def error_body(self, code: str, message: str, status: int) -> Mapping[str, object]:
        """Return OAuth's two fields."""
        return {"error": code, "error_description": message}

    def reset(self) -> None:
        """Forget the keys and what the test has changed."""
        super().reset()
        self.supports_user_assigned = True
        with self._lock:
            self._keys.clear()
        shutil.rmtree(self._place(_FOLDER), ignore_errors=True)

    def _write_key(self, defect: ChallengeDefect | None) -> str:
        """Write a key's file and return its path on the machine, or a path with this defect."""
        if defect == "no-realm":
            return ""
        name = f"{uuid.uuid4()}{'.txt' if defect == 'other-suffix' else '.key'}"
        path = f"{_FOLDER if defect == 'other-folder' else _TOKENS}/{name}"
        if defect == "no-file":
            return path
        key = secrets.token_hex(_MAXIMUM_KEY if defect == "too-large" else 32)
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        file = write_private(place, key.encode())
        if defect != "wrong-key":
            with self._lock:
                self._keys[key] = file
        return path

    def _place(self, path: str) -> Path:
        """Return where a file of the machine is."""
        return self.machine.folder / path.lstrip("/")
