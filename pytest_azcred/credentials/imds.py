"""The managed identity of a virtual machine, from the Instance Metadata Service (IMDS)."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse

from .credential import NetworkCredential
from .errors import AnswerCutOff
from .http import Answer, build_pipeline, send
from .identity import Identity, unavailable
from .request import TokenRequest
from .threads import within
from .token_response import refusal, token_of
from .trace import Caller, exchange

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

IMDS = "http://169.254.169.254"

_ADDRESS = ("169.254.169.254", 80)
_PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")

_PARAMETERS = {"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"}

_PIPELINE_SETTINGS = {
    "connection_timeout": 2,
    "retry_backoff_factor": 0.8,
    "retry_backoff_max": 60,
    "retry_on_status_codes": [404, 410, 429, *range(500, 600)],
    "retry_status": 5,
    "retry_total": 5,
}
"""Those of azure-identity 1.27, which waits 0, 1.6, 3.2, 6.4 and 12.8 s between tries."""

_GONE_BACKOFF_FACTOR = 2.5
"""For 410, which IMDS answers for up to 70 s while it is being updated: waits of 0, 5, 10, 20 and 40 s."""


class ImdsRetryPolicy(RetryPolicy[HttpRequest, HttpResponse]):
    """Waits longer while IMDS is being updated.

    The setting ``retry_only_imds`` of a request makes it try again only what looks like IMDS: others wait for their
    turn, and whether IMDS is there at all is not known yet.
    """

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        """The settings for one request."""
        only_imds = options.pop("retry_only_imds", False)
        return {**super().configure_retries(options), "only_imds": only_imds}

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        """Whether to try again after an answer."""
        answer = response.http_response
        if settings["only_imds"] and not could_be_imds(answer.status_code, answer.text()):
            return False
        return super().is_retry(settings, response)

    def increment(self, settings: dict[str, Any], response: Any = None, error: Any = None) -> bool:
        """Whether to try again after an answer or an error."""
        if settings["only_imds"] and isinstance(error, ServiceRequestError):
            return False
        return super().increment(settings, response, error)

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """How long to wait before the next try, in seconds."""
        response = settings["history"][-1].http_response if settings["history"] else None
        if response is not None and response.status_code == 410:
            settings = {**settings, "backoff": _GONE_BACKOFF_FACTOR}
        return super().get_backoff_time(settings)


class ImdsCredential(NetworkCredential):
    """Asks IMDS for tokens, by way of msal.

    :param identity: the user-assigned identity to ask for; None is the system-assigned one.
    :keyword probe: whether to find out first, within a chain, if IMDS is there at all.
    :keyword probe_timeout: how long that may take altogether, in seconds.

    Other keywords are settings of the azure-core pipeline.
    """

    def __init__(
        self, identity: Identity | None, *, probe: bool = True, probe_timeout: float = 1.0, **http: Any
    ) -> None:
        super().__init__(build_pipeline(retry_policy=ImdsRetryPolicy, **{**_PIPELINE_SETTINGS, **http}))
        self._identity = identity
        self._probe_timeout = probe_timeout
        self._known_to_answer = not probe or "AZURE_POD_IDENTITY_AUTHORITY_HOST" in os.environ
        self._worth_waiting = not probe
        self._clients: dict[bool, Any] = {}
        self._is_direct = not (http.get("transport") or http.get("proxies") or any(map(os.environ.get, _PROXIES)))

    def _settled(self, request: TokenRequest) -> TokenRequest:
        # A managed identity lives in one tenant, so the tenant asked for makes no difference.
        return replace(request, scopes=(request.resource,), tenant_id=None, enable_cae=False)

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        in_chain = request.asked_by is not Caller.APP
        if in_chain and not self._known_to_answer:
            self._probe(request.resource)
        client = self._client(retry_only_imds=in_chain and not self._worth_waiting)
        now = int(time.time())
        try:
            result = client.acquire_token_for_client(resource=request.resource)
        except ClientAuthenticationError:
            raise
        except AzureError as error:
            raise unavailable(f"IMDS did not answer: {error.message}") from error
        except Exception as error:  # msal takes the shape of the answer for granted
            raise unavailable(
                f"the answer makes no sense ({type(error).__name__}). Is there a proxy in front of IMDS?"
            ) from error
        token = token_of(result, now, halve=True)
        if token is None:
            raise unavailable(self._refused(result))
        self._worth_waiting = True
        return token

    def _client(self, *, retry_only_imds: bool) -> Any:
        if retry_only_imds not in self._clients:
            self._clients[retry_only_imds] = self._new_client(retry_only_imds=retry_only_imds)
        return self._clients[retry_only_imds]

    def _new_client(self, **options: Any) -> Any:
        import msal

        from .msal_adapter import MsalHttpClient, no_token_cache

        identity = (
            msal.UserAssignedManagedIdentity(**{self._identity.kind: self._identity.value})
            if self._identity
            else msal.SystemAssignedManagedIdentity()
        )
        http_client = MsalHttpClient(self._pipeline, **options)
        return msal.ManagedIdentityClient(identity, http_client=http_client, token_cache=no_token_cache())

    def _probe(self, resource: str) -> None:
        """Make sure that something answers, for otherwise the retries would take long."""
        request = probe_request(resource, self._identity)
        seconds = self._probe_timeout
        try:
            left = seconds - self._connect(seconds)
            self._pipeline.prepare()  # what it imports can take longer than all the rest, and says nothing of IMDS
            options = {"connection_timeout": left, "read_timeout": left, "retry_total": 0}
            answer = within(left, lambda: send(self._pipeline, request, **options))
        except AnswerCutOff:
            pass  # something answers; whether it is IMDS, the request for the token will tell, as in azure-identity
        except ClientAuthenticationError as error:
            raise unavailable(f"what answers at {IMDS} is not IMDS: {error.message}") from error
        except TimeoutError as error:
            raise unavailable(
                f"{IMDS} did not answer within {seconds:g} s. Outside Azure's own machines nothing does."
            ) from error
        except (AzureError, OSError) as error:
            raise unavailable(f"{IMDS} cannot be reached. Outside Azure's own machines it never can.") from error
        else:
            if is_unreachable(answer):
                raise unavailable(f"a proxy answered that {IMDS} is unreachable.")
            if not could_be_imds(answer.status, answer.text):
                raise unavailable(f"what answers at {IMDS} is not IMDS: it answered {answer.status}, not as IMDS does.")
        self._known_to_answer = True

    def _connect(self, seconds: float) -> float:
        """Try the bare connection first, where nothing is in between: on most machines there is none.

        :return: how long that took, in seconds.
        :raises OSError: nothing listens there.
        """
        started = time.monotonic()
        if self._is_direct:
            with exchange(f"connect {_ADDRESS[0]}:{_ADDRESS[1]}") as pending:
                socket.create_connection(_ADDRESS, seconds).close()
                pending.outcome = "connected"
        return time.monotonic() - started

    def _refused(self, result: Any) -> str:
        code = result.get("error") if isinstance(result, dict) else None
        answer = f"IMDS answered ({code}) {refusal(result)}" if code else "IMDS answered without a token."
        if not self._identity:
            return f"{answer.rstrip('.')}. Assign an identity to this machine, or name one of several."
        return f"{answer.rstrip('.')}. Is the identity with {self._identity.kind} {self._identity.value} assigned?"


def probe_request(resource: str, identity: Identity | None) -> HttpRequest:
    """A token request that lacks the header which IMDS insists on, so that it costs IMDS nothing."""
    parameters = {"api-version": "2018-02-01", "resource": resource}
    if identity:
        parameters[_PARAMETERS[identity.kind]] = identity.value
    return HttpRequest("GET", f"{IMDS}/metadata/identity/oauth2/token", params=parameters)


def could_be_imds(status: int, text: str) -> bool:
    """Whether an answer looks like one of IMDS, which are JSON objects with an error or a token.

    Azure says 404 in passing too, but more often it comes from a web server that knows nothing of IMDS.
    """
    if status == 404:
        return False
    try:
        payload = json.loads(text)
    except ValueError:
        return not text and (status in (410, 429) or status >= 500)  # in trouble, perhaps
    return isinstance(payload, dict) and not payload.keys().isdisjoint(("error", "access_token"))


def is_unreachable(answer: Answer) -> bool:
    """Whether Docker Desktop's proxy answered, which does so for any address (azure-identity 1.27)."""
    return answer.status == 403 and "unreachable" in answer.text
