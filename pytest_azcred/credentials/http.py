"""Requests through an azure-core pipeline, which knows retries, proxies, logging and TLS settings.

Importing azure-core takes 50 ms and requests 60 ms more, so both wait for the first request.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .trace import exchange

if TYPE_CHECKING:
    from azure.core.pipeline import Pipeline, PipelineResponse
    from azure.core.pipeline.policies import RetryPolicy
    from azure.core.pipeline.transport import HttpTransport
    from azure.core.rest import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    host: str
    text: str = field(repr=False)
    payload: Any = field(repr=False)
    """The body as decoded JSON; None if it is something else, such as a proxy's page."""


class HttpPipeline:
    """The pipeline of one credential, which is put together for its first request.

    There is no ``NetworkTraceLoggingPolicy`` in it, unlike in azure-identity's: with ``logging_enable=True`` that
    one writes bodies to the log, and here bodies are secrets and tokens.

    :param transport: sends the requests; by default one that uses requests.
    :param retry_policy: the class that decides about retries; by default azure-core's.
    :param keywords: settings of azure-core's policies and transport, such as ``proxies``, ``retry_total``,
        ``user_agent``, ``connection_timeout`` (seconds) or ``connection_verify``. Unknown ones are ignored.
    """

    def __init__(
        self,
        *,
        transport: HttpTransport[HttpRequest, HttpResponse] | None = None,
        retry_policy: type[RetryPolicy[HttpRequest, HttpResponse]] | None = None,
        **keywords: Any,
    ) -> None:
        self._transport = transport
        self._retry_policy = retry_policy
        self._keywords = keywords
        self._lock = threading.Lock()
        self._pipeline: Pipeline[HttpRequest, HttpResponse] | None = None

    def run(self, request: HttpRequest, **options: Any) -> PipelineResponse[HttpRequest, HttpResponse]:
        """Send a request; see azure-core's ``Pipeline.run``."""
        return self.prepare().run(request, **options)

    def prepare(self) -> Pipeline[HttpRequest, HttpResponse]:
        """Import and put together what a request takes, if that has not been done yet."""
        if self._pipeline is None:
            with self._lock:
                self._pipeline = self._pipeline or self._build()
        return self._pipeline

    def _build(self) -> Pipeline[HttpRequest, HttpResponse]:
        from azure.core.pipeline import Pipeline, policies

        transport, keywords = self._transport, self._keywords
        if transport is None:
            from azure.core.pipeline.transport import RequestsTransport

            transport = RequestsTransport(**keywords)
        return Pipeline(
            transport,
            policies=[
                policies.RequestIdPolicy(**keywords),
                policies.HeadersPolicy(**keywords),
                policies.UserAgentPolicy(_user_agent(), **keywords),
                policies.ProxyPolicy(**keywords),
                (self._retry_policy or policies.RetryPolicy)(**keywords),
                policies.CustomHookPolicy(**keywords),
                policies.DistributedTracingPolicy(**keywords),
                policies.HttpLoggingPolicy(**keywords),
            ],
        )

    def __enter__(self) -> HttpPipeline:
        if self._transport is not None:
            self._transport.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._pipeline is not None:
            self._pipeline.__exit__()
        elif self._transport is not None:
            self._transport.close()


def build_pipeline(**keywords: Any) -> HttpPipeline:
    """The pipeline of one credential, from the keywords that it was given; see :class:`HttpPipeline`."""
    return HttpPipeline(**keywords)


def send(pipeline: HttpPipeline, request: HttpRequest, **options: Any) -> Answer:
    """Send a request and read the answer.

    :param options: settings of the pipeline for this request only, such as ``retry_total``.
    :raises ~azure.core.exceptions.ClientAuthenticationError: the answer says that it is JSON and is not, or it was
        cut off (:class:`AnswerCutOff`).
    :raises ~azure.core.exceptions.AzureError: there was no answer.
    """
    from azure.core.exceptions import HttpResponseError

    from .errors import AnswerCutOff

    url = urlsplit(request.url)
    host = url.netloc
    try:
        with exchange(f"{request.method} {host}{url.path}") as pending:
            response = pipeline.run(request, stream=False, **options).http_response
            pending.outcome = str(response.status_code)
    except HttpResponseError:
        # Without its cause: that one's text has what was read of the body, which may be part of a token.
        raise AnswerCutOff(message=f"Authentication failed: the answer of {host} was cut off.") from None
    text = _text(response)
    return Answer(response.status_code, response.headers, host, text, _payload(host, response, text))


@cache
def _user_agent() -> str:
    from importlib.metadata import version
    from platform import platform, python_version

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
        from .errors import authentication_failed

        # Without its cause, for the same reason.
        raise authentication_failed(
            f"{host} answered {response.status_code} with malformed JSON. Is there a proxy in between?"
        ) from None
