"""Which variables a suite may keep, and why not the others."""

from __future__ import annotations

import pytest

from azcred_emulators.environments.identity_variables import FOLDERS, PROXIES, SECRETS, SETTINGS, check_kept


def test_settings_can_be_kept() -> None:
    """They describe an identity, and give nobody a token."""
    assert check_kept(SETTINGS) == SETTINGS


@pytest.mark.parametrize("name", [*SECRETS, *FOLDERS, *PROXIES, *map(str.lower, PROXIES), "XDG_RUNTIME_DIR", "PATH"])
def test_what_may_lead_to_an_identity_cannot(name: str) -> None:
    """The refusal names the variable and the reason."""
    with pytest.raises(ValueError, match=f"{name} cannot be kept.* (holds|leads to|would take) "):
        check_kept(["AZURE_TENANT_ID", name])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("AZURE_TENNANT_ID", "AZURE_TENNANT_ID need not be kept; did you mean AZURE_TENANT_ID?"),
        ("azure_client_id", "azure_client_id need not be kept; did you mean AZURE_CLIENT_ID?"),
        ("DATABASE_URL", "DATABASE_URL need not be kept: it is not hidden anyway, so leave it out"),
        ("", "'' need not be kept"),
    ],
)
def test_what_nothing_hides(name: str, hint: str) -> None:
    """A misspelling has the nearest name in its answer."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the message is compared below
        check_kept([name])
    assert str(caught.value).startswith(hint)


def test_a_misspelt_secret() -> None:
    """It is not taken for a setting that it is like."""
    with pytest.raises(ValueError, match="AZURE_CLIENT_SECRT need not be kept"):
        check_kept(["AZURE_CLIENT_SECRT"])
