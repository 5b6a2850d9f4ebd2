"""A host of managed identity as data, and the credential that asks it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.rest import HttpRequest

from pytest_azcred.credentials.credential import NetworkCredential
from pytest_azcred.credentials.errors import authentication_failed
from pytest_azcred.credentials.http import Answer, build_pipeline, send
from pytest_azcred.credentials.identity import Identity, unavailable
from pytest_azcred.credentials.request import TokenRequest
from pytest_azcred.credentials.token_response import token_of

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

Meaning = Literal["unavailable", "failed"]
Ask = Callable[[Mapping[str, str]], Answer]
"""Sends the request for a token, with these headers besides."""


def meaning(answer: Answer) -> Meaning:
    """What it means that an answer has no token: a host says so in JSON, and anything else comes from somebody else."""
    payload = answer.payload
    if not isinstance(payload, Mapping):
        return "failed"
    has_token = payload.get("access_token") and (payload.get("expires_on") or payload.get("expires_in"))
    return "failed" if has_token else "unavailable"  # with one, its expiry cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """How a host is asked, and what its answers mean (azure-identity 1.27).

    :param name: what it is called in messages.
    :param endpoint: the variable with its address.
    :param secret: a header, and the variable with what it must hold.
    :param headers: others that it insists on.
    :param method: that of the request; what a POST asks for is in its form.
    :param parameters: what it is told besides the resource.
    :param selectors: how it calls each kind of a user-assigned identity's names; without any, none can be chosen.
    :param takes_refused_token: whether it wants to know which token a service has refused.
    :param without_token: what an answer without a token means: the host has no identity, or the attempt has failed.
    :param problem: what is wrong with its variables, if anything is.
    :param settings: those of the pipeline that it needs, from the variables and those that the app gives.
    :param exchange: asks it, if once is not enough.
    """

    name: str
    endpoint: str
    secret: tuple[str, str] | None = None
    headers: Mapping[str, str]
    method: Literal["GET", "POST"] = "GET"
    parameters: Mapping[str, str]
    selectors: Mapping[str, str]
    takes_refused_token: bool = False
    without_token: Callable[[Answer], Meaning] = meaning
    problem: Callable[[Mapping[str, str]], str] = lambda environ: ""
    settings: Callable[[Mapping[str, str], Mapping[str, Any]], Mapping[str, Any]] = lambda environ, given: {}
    exchange: Callable[[Ask, Identity | None], Answer] = lambda ask, identity: ask({})


class HostCredential(NetworkCredential):
    """Asks a host of managed identity for tokens.

    :param identity: the user-assigned identity to ask for; None is the host's own choice.
    :param environ: the variables that the host sets.

    Keywords are settings of the azure-core pipeline.
    """

    def __init__(self, host: Host, identity: Identity | None, environ: Mapping[str, str], **http: Any) -> None:
        super().__init__(build_pipeline(**{**host.settings(environ, http), **http}))
        self._host = host
        self._identity = identity
        self._environ = dict(environ)

    def _settled(self, request: TokenRequest) -> TokenRequest:
        # A managed identity lives in one tenant, so the tenant asked for makes no difference.
        return replace(request, scopes=(request.resource,), tenant_id=None, enable_cae=False)

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        host, identity = self._host, self._identity
        if identity and not host.selectors:
            raise authentication_failed(f"the identity on {host.name} is chosen there: leave {identity.kind} out.")
        problem = host.problem(self._environ)
        if problem:
            raise authentication_failed(problem)
        now = int(time.time())
        try:
            answer = host.exchange(lambda headers: self._ask(request, headers), identity)
        except ClientAuthenticationError:
            raise
        except AzureError as error:
            raise authentication_failed(f"{host.name} did not answer: {error.message}") from error
        token = token_of(answer.payload, now, halve=True)
        if token is not None:
            return token
        reason = f"{host.name} answered {answer.status}: {said(answer)}"
        raise unavailable(reason) if host.without_token(answer) == "unavailable" else authentication_failed(reason)

    def _ask(self, request: TokenRequest, headers: Mapping[str, str]) -> Answer:
        host, url = self._host, self._environ[self._host.endpoint]
        parameters = {**host.parameters, "resource": request.resource}
        if self._identity:
            parameters[host.selectors[self._identity.kind]] = self._identity.value
        if request.claims and host.takes_refused_token:
            refused = self._cache.slot(request)
            if time.time() < refused.expires_on:
                parameters["token_sha256_to_refresh"] = hashlib.sha256(refused.info.token.encode()).hexdigest()
        secret = {host.secret[0]: self._environ[host.secret[1]]} if host.secret else {}
        place = {"params" if host.method == "GET" else "data": parameters}
        everything = {**host.headers, **secret, **headers}
        http_request = HttpRequest(host.method, url, headers=everything, **place)  # type: ignore[arg-type]
        return send(self._pipeline, http_request, retry_on_methods=[host.method])


def said(answer: Answer) -> str:
    """Why there is no token, in the host's words; never the answer as it is, for it may be half a token."""
    payload = answer.payload
    if not isinstance(payload, Mapping):
        return "something that is not a JSON object."
    error = payload.get("error")
    if isinstance(error, Mapping):  # Service Fabric, Cloud Shell
        return f"({error.get('code')}) {error.get('message')}"
    return str(payload.get("error_description") or payload.get("message") or error or "neither a token nor a reason.")
