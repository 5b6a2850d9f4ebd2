"""OpenTelemetry's detectors for JavaScript: what they take the places of `azcred run` for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = "@opentelemetry/resource-detector-azure"
ROOT = Path(__file__).parents[2]
DETECT = """
const azure = require("@opentelemetry/resource-detector-azure");
const detectors = [azure.azureAppServiceDetector, azure.azureFunctionsDetector, azure.azureContainerAppsDetector];
console.log(JSON.stringify(Object.assign({}, ...detectors.map((detector) => detector.detect().attributes))));
"""


@pytest.mark.parametrize(
    ("environment", "detected"),
    [
        ("app-service", {"cloud.platform": "azure.app_service", "service.name": "emulated-app"}),
        ("functions", {"cloud.platform": "azure.functions", "service.name": "emulated-functions"}),
        ("container-apps", {"cloud.platform": "azure.container_apps", "azure.container_app.name": "emulated-app"}),
        ("kubernetes", {}),
    ],
)
def test_a_platform_is_taken_for_itself(environment: str, detected: dict[str, str]) -> None:
    """By variables alone, in another language than ours."""
    command = [sys.executable, "-m", "pytest_azcred", "run", "--quiet", "-e", environment, "--", "node", "-e", DETECT]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100)
    attributes = json.loads(ran.stdout)
    assert {name: attributes.get(name) for name in detected} == detected
    assert bool(attributes) == bool(detected)
