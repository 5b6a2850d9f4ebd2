"""Where jobs of Azure Pipelines and GitHub Actions get the token that they exchange for one of Entra ID.

Sources: Azure DevOps' REST API "Oidctoken - Create", version 7.1; GitHub's "OpenID Connect reference"; azure-identity
1.27 and azure/login 2 as clients.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.directory.entities import TOKEN_EXCHANGE_AUDIENCE
from azcred_emulators.directory.identifiers import (
    DEVOPS_ORGANIZATION,
    DEVOPS_PROJECT,
    GITHUB_BRANCH,
    GITHUB_ISSUER,
    GITHUB_REF,
    GITHUB_REPOSITORY,
    PIPELINES_ISSUER,
    SERVICE_CONNECTION,
    SERVICE_CONNECTION_ID,
)
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.federation.issuers import Issuers

_OPERATION = "oidc-token"
_OWNER = GITHUB_REPOSITORY.partition("/")[0]


class Pipeline(Emulator):
    """The token endpoint of a pipeline's jobs, each of which has a key to it.

    `subject` is whose tokens it makes; a test may set another.
    """

    subject: str

    def __init__(self, issuers: Issuers, *, key: str) -> None:
        self._issuers = issuers
        self._key = key

    @abstractmethod
    def variables(self, url: str) -> Mapping[str, str]:
        """Return the variables of a job, where the endpoint runs at this URL."""

    @abstractmethod
    def assertion(self, audience: str = TOKEN_EXCHANGE_AUDIENCE) -> str:
        """Return a token of the pipeline's issuer for the subject."""

    @abstractmethod
    def reply(self, request: Request) -> Response:
        """Answer a request with the right key."""

    @property
    def operations(self) -> Collection[str]:
        """What requests are for, whatever the rules call it."""
        return {_OPERATION}

    def describe(self, request: Request, path: str) -> None:
        """Note what a request is for."""
        super().describe(request, path)
        request.details["operation"] = _OPERATION

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a request for a token."""
        request.details.update(operation=_OPERATION, identity=self.subject)
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key != self._key:
            return self.error_response(request, 401, "The access token of the job is missing or wrong.")
        return self.reply(request)

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer a request to another path, or with another method."""
        return self.error_response(request, error.code or 400, error.name)

    def error_response(self, request: Request, status: int, message: str) -> Response:
        """Answer that there is no token."""
        request.details["error"] = message
        return json_response({"message": message}, status=status)

    def reset(self) -> None:
        """Make tokens of the subject at the start."""
        self.subject = type(self).subject


class AzurePipelines(Pipeline):
    """The endpoint of a job with a service connection, `connection` its id."""

    name = "azure-pipelines"
    subject = SERVICE_CONNECTION
    rules: Map = Map(
        [
            Rule(
                f"/{DEVOPS_ORGANIZATION}/{DEVOPS_PROJECT}/_apis/distributedtask/hubs/build/plans/1/jobs/1/oidctoken",
                methods=["POST"],
                endpoint="token",
            )
        ]
    )
    connection = SERVICE_CONNECTION_ID

    def variables(self, url: str) -> Mapping[str, str]:
        """Return those that a job sets for its tasks."""
        [rule] = self.rules.iter_rules()
        return {
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": self.connection,
            "SYSTEM_ACCESSTOKEN": self._key,
            "SYSTEM_OIDCREQUESTURI": f"{url}{rule.rule}",
        }

    def reply(self, request: Request) -> Response:
        """Answer for the service connection."""
        if request.args.get("api-version", "").split("-")[0] != "7.1":
            return self.error_response(request, 400, "No api-version 7.1 was supplied for the request.")
        if request.args.get("serviceConnectionId", "").lower() != self.connection:
            return self.error_response(request, 404, "The job has no such service connection.")
        return json_response({"oidcToken": self.assertion()})

    def assertion(self, audience: str = TOKEN_EXCHANGE_AUDIENCE) -> str:
        """Return the service connection's, which lasts ten minutes."""
        return self._issuers.get(PIPELINES_ISSUER).assertion(self.subject, audience=audience, lifetime=600)


class GitHubActions(Pipeline):
    """The endpoint of a job that has the permission `id-token: write`."""

    name = "github-actions"
    subject = GITHUB_BRANCH
    rules: Map = Map([Rule("/idtoken", methods=["GET"], endpoint="token")])

    def variables(self, url: str) -> Mapping[str, str]:
        """Return those of a job that may ask for a token."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self._key,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/idtoken?api-version=2.0",
        }

    def reply(self, request: Request) -> Response:
        """Answer for the branch, to the audience that is asked for."""
        token = self.assertion(request.args.get("audience") or f"https://github.com/{_OWNER}")
        return json_response({"count": len(token), "value": token})

    def assertion(self, audience: str = TOKEN_EXCHANGE_AUDIENCE) -> str:
        """Return the branch's, which lasts five minutes."""
        claims = {
            "aud": audience,
            "ref": GITHUB_REF,
            "repository": GITHUB_REPOSITORY,
            "repository_owner": _OWNER,
            "event_name": "push",
        }
        return self._issuers.get(GITHUB_ISSUER).assertion(self.subject, lifetime=300, claims=claims)
