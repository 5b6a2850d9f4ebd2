"""The plugins of pytest in the development environment that a run within a test can do without."""

from collections.abc import Mapping

# Each with a word that a suite has if it uses the plugin. Together they take three quarters of pytest's start.
UNNEEDED: Mapping[str, str] = {
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


def without_plugins(*more: str, suite: str = "") -> list[str]:
    """Return the options that leave out the unneeded plugins, but for those that the suite uses, and `more` besides."""
    return [f"-pno:{plugin}" for plugin in (*(one for one, word in UNNEEDED.items() if word not in suite), *more)]
