"""Runs of pytest that tests start: without the plugins that take most of its start and that few of them need."""

# Each plugin that is left out, and a word of the suites that need it.
_LEFT_OUT = {
    "anyio": "anyio",
    "hypothesispytest": "hypothesis",
    "platformdirs": "platformdirs",
    "pook": "pook",
    "pytest_httpserver": "httpserver",
    "pytest_httpx": "httpx_mock",
    "recording": "vcr",
    "requests_mock": "requests_mock",
    "respx": "respx",
    "schemathesis": "schemathesis",
    "time_machine": "time_machine",
}


def options(suite: str = "") -> str:
    """Return the value of PYTEST_ADDOPTS for a run of this suite."""
    return " ".join(f"-p no:{plugin}" for plugin, word in _LEFT_OUT.items() if word not in suite)
