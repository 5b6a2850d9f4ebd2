"""The compute of Azure Machine Learning, and App Service as it was until 2019."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone

from pytest_azcred.credentials.http import Answer
from pytest_azcred.credentials.identity import Identity

from .host import Ask, Host

_DATES = ("%m/%d/%Y %H:%M:%S +00:00", "%m/%d/%Y %I:%M:%S %p +00:00")
"""How App Service wrote the expiry, on Linux and on Windows."""


def exchange(ask: Ask, identity: Identity | None) -> Answer:
    """Ask, and read an expiry that is a date."""
    answer = ask({})
    date = answer.payload.get("expires_on") if isinstance(answer.payload, dict) else None
    for form in _DATES if isinstance(date, str) else ():
        with suppress(ValueError):
            expires_on = datetime.strptime(str(date), form).replace(tzinfo=timezone.utc).timestamp()
            return replace(answer, payload={**answer.payload, "expires_on": int(expires_on)})
    return answer


HOST = Host(
    name="Azure ML",
    endpoint="MSI_ENDPOINT",
    secret=("secret", "MSI_SECRET"),
    headers={},
    parameters={"api-version": "2017-09-01"},
    selectors={"client_id": "clientid", "object_id": "object_id", "resource_id": "msi_res_id"},
    exchange=exchange,
)
