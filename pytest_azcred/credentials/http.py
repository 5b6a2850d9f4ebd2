"""Requests through an azure-core pipeline, which knows retries, proxies, logging and TLS settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from platform import platform, python_version
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import DecodeError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import (
    CustomHookPolicy,
    DistributedTracingPolicy,
    HeadersPolicy,
    HttpLoggingPolicy,
    ProxyPolicy,
    RequestIdPolicy,
    RetryPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest, HttpResponse

from .errors import authentication_failed

HttpPipeline = Pipeline[HttpRequest, HttpResponse]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    host: str
    text: str = field(repr=False)
    payload: Any = field(repr=False)
    """The body as decoded JSON; None if it is something else, such as a proxy's page."""


def build_pipeline(
    *,
    transport: HttpTransport[HttpRequest, HttpResponse] | None = None,
    retry_policy: type[RetryPolicy[HttpRequest, HttpResponse]] = RetryPolicy,
    **keywords: Any,
) -> HttpPipeline:
    """The pipeline of one credential.

    There is no ``NetworkTraceLoggingPolicy`` in it, unlike in azure-identity's: with ``logging_enable=True`` that
    one writes bodies to the log, and here bodies are secrets and tokens.

    :param transport: sends the requests; by default one that uses requests.
    :param retry_policy: the class that decides about retries.
    :param keywords: settings of azure-core's policies and transport, such as ``proxies``, ``retry_total``,
        ``user_agent``, ``connection_timeout`` (seconds) or ``connection_verify``. Unknown ones are ignored.
    """
    if transport is None:
        from azure.core.pipeline.transport import RequestsTransport

        transport = RequestsTransport(**keywords)
    return Pipeline(
        transport,
        policies=[
            RequestIdPolicy(**keywords),
            HeadersPolicy(**keywords),
            UserAgentPolicy(_user_agent(), **keywords),
            ProxyPolicy(**keywords),
            retry_policy(**keywords),
            CustomHookPolicy(**keywords),
            DistributedTracingPolicy(**keywords),
            HttpLoggingPolicy(**keywords),
        ],
    )


def send(pipeline: HttpPipeline, request: HttpRequest, **options: Any) -> Answer:
    """Send a request and read the answer.

    :param options: settings of the pipeline for this request only, such as ``retry_total``.
    :raises ~azure.core.exceptions.ClientAuthenticationError: the answer says that it is JSON and is not, or it was
        cut off.
    :raises ~azure.core.exceptions.AzureError: there was no answer.
    """
    try:
        response = pipeline.run(request, stream=False, **options).http_response
    except DecodeError:
        # Without its cause: that one's text has what was read of the body, which may be part of a token.
        raise authentication_failed(f"the answer of {_host(request)} was cut off.") from None
    host, text = _host(request), _text(response)
    return Answer(response.status_code, response.headers, host, text, _payload(host, response, text))


@cache
def _user_agent() -> str:
    return f"pytest-azcred/{version('pytest-azcred')} Python/{python_version()} ({platform()})"


def _text(response: HttpResponse) -> str:
    try:
        return response.text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # nothing that is asked for here looks like that; the error would hold the body


def _payload(host: str, response: HttpResponse, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        if "json" not in (response.content_type or ""):
            return None
        # Without its cause, for the same reason.
        raise authentication_failed(
            f"{host} answered {response.status_code} with malformed JSON. Is there a proxy in between?"
        ) from None


def _host(request: HttpRequest) -> str:
    return urlsplit(request.url).netloc
