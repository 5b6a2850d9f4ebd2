"""The catalogue of AADSTS codes: each can be raised by its number alone, for scripts."""

import json

import pytest

from azcred_emulators.authority.errors import ERRORS, EntraError
from azcred_emulators.authority.errors.aadsts import SCRIPTED_ONLY

ID = "99999999-9999-4999-8999-999999999999"
# Every code of the protocol notes, section 5.8.
CODES = """16000 50001 500011 50011 50012 50013 500133 50020 50027 50034 50049 50053 50055 50056 50057 50058 50059
50072 50074 50076 50079 50078 50105 50126 50128 501481 50173 50194 50196 53000 53001 53003 530035 530084 54005 65001
65004 650057 70000 70001 70002 70003 70008 70011 70016 70018 70019 70021 700211 700212 700213 70043 700016 700021
700022 700023 700024 700025 700027 700030 700082 700084 7000112 7000114 7000215 7000216 7000218 7000222 700229 7000229
90002 90014 900144 90019 90023 900023 900384 90094 900561 9002313 9002325 9002326 901002 1002012 90033 90025 50000"""


def test_the_catalogue_is_complete() -> None:
    """No code of the notes is missing."""
    assert {int(code) for code in CODES.split()} <= set(ERRORS)


@pytest.mark.parametrize("code", ERRORS)
def test_the_code_alone_makes_a_whole_error(code: int) -> None:
    """A text without gaps, in the JSON shape of Entra ID."""
    body = EntraError(code).body(now=0, trace_id=ID, correlation_id=ID)
    assert body["error_description"] == (
        f"{EntraError(code)} Trace ID: {ID} Correlation ID: {ID} Timestamp: 1970-01-01 00:00:00Z"
    )
    assert str(EntraError(code)).startswith(f"AADSTS{code}: ")
    assert "{" not in str(EntraError(code)).replace("{EmailHidden}", "")
    assert body["error_codes"] == [code]
    assert body["timestamp"] == "1970-01-01 00:00:00Z"
    assert body["error_uri"] == f"https://login.microsoftonline.com/error?code={code}"
    assert json.dumps(body)


def test_what_only_a_script_can_cause() -> None:
    """These and no others; each other code has a cause in `test_causes_accounts` or `test_causes_requests`."""
    historical, trouble, of_joined_devices = {70001, 70002, 70021}, {50000, 90025, 90033, 90055}, {900384}
    assert historical | trouble | of_joined_devices == SCRIPTED_ONLY <= set(ERRORS)


def test_everything_about_an_error_can_be_said_otherwise() -> None:
    """For scripts: OAuth error, status, suberror, the claims to send next, how long to wait."""
    error = EntraError(
        53003, error="interaction_required", status=403, suberror="additional_action", claims={"a": 1}, retry_after=5
    )
    body = error.body(now=0, trace_id=ID, correlation_id=ID)
    assert (error.status, error.retry_after) == (403, 5)
    assert (body["error"], body["suberror"], body["claims"]) == ("interaction_required", "additional_action", '{"a":1}')
