"""OpenTelemetry's detectors for Azure, unmodified: what they take the emulated places for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from opentelemetry.resource.detector.azure.app_service import AzureAppServiceResourceDetector
from opentelemetry.resource.detector.azure.functions import AzureFunctionsResourceDetector
from opentelemetry.resource.detector.azure.vm import AzureVMResourceDetector

from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.azcred import Azcred

PLATFORMS = {"app-service": "azure_app_service", "functions": "azure_functions"}


def detect() -> Mapping[str, object]:
    """Return what the detectors of the two platforms say together."""
    return {
        **AzureAppServiceResourceDetector().detect().attributes,
        **AzureFunctionsResourceDetector().detect().attributes,
    }


@pytest.mark.azcred(*PLATFORMS)
def test_a_site_is_taken_for_itself(azcred: Azcred) -> None:
    """Its name, its region, and the id of its resource, put together from four variables."""
    assert azcred.place
    environment = azcred.place.environment
    detected = detect()
    assert detected["cloud.provider"] == "azure"
    assert detected["cloud.platform"] == PLATFORMS[environment.name]
    assert detected["cloud.region"] == "West Europe"
    assert detected["service.name"] == environment.resource_id.rpartition("/")[2]
    assert str(detected["cloud.resource_id"]).lower() == environment.resource_id.lower()
    assert detected["deployment.environment"] == "Production"


@pytest.mark.azcred(*(name for name in ENVIRONMENTS if name not in PLATFORMS))
def test_no_other_place_is_taken_for_a_site(azcred: Azcred) -> None:
    """There is nothing to detect."""
    assert detect() == {}


@pytest.mark.azcred("virtual-machine", "nothing")
def test_a_virtual_machine_is_not_told(azcred: Azcred) -> None:
    """The metadata service has no document of the machine: the detector finds that out, and asks nobody else."""
    assert AzureVMResourceDetector().detect().attributes == {}
    for request in azcred.journal.requests():  # none where the first answer takes longer than the detector waits
        assert (request.emulator, request.path, request.status) == ("imds", "/metadata/instance/compute", 404)
