"""What the Azure CLI prints, without what varies from call to call."""

from __future__ import annotations

import re

_VARIABLE = (
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "<JWT>"),
    (r"\b[12]\d{9}\b", "<EPOCH>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", "<LOCALTIME>"),
    (r"(Trace|Correlation) ID: [0-9a-f-]{36}", r"\1 ID: <GUID>"),
    (r"Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "Timestamp: <UTC>"),
    (r"(?ms)^Traceback .*?(?=^To check)", "<TRACEBACK>\n"),
)


def normalized(text: str) -> str:
    """Put placeholders in the place of tokens, times and the ids of requests, and of tracebacks."""
    for pattern, placeholder in _VARIABLE:
        text = re.sub(pattern, placeholder, text)
    return text
