"""`azcred_token_lifetime` makes every token of a suite last as long."""

import pytest

SUITE = """
    import jwt
    import pytest
    from datetime import timedelta
    from azcred_emulators.directory import TokenTimes
    from azure.identity import DefaultAzureCredential

    def lifetime(azcred):
        with DefaultAzureCredential() as credential:
            return credential.get_token("https://vault.azure.net/.default").expires_on - azcred.clock.now()

    @pytest.mark.azcred("virtual-machine", "app-service", "kubernetes", "developer-azure-cli")
    def test_short(azcred):
        assert 880 < lifetime(azcred) <= 901

    def test_one_of_its_own(azcred, fake_virtual_machine):
        times = TokenTimes(lifetime=timedelta(hours=3))
        azcred.directory.replace(fake_virtual_machine.identity, token_times=times)
        assert 10780 < lifetime(azcred) <= 10801
"""


def test_every_token(pytester: pytest.Pytester) -> None:
    """Whoever hands it out, unless the identity has times of its own."""
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nazcred_token_lifetime = 15 min\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("15 parsecs", "a duration is a timedelta, * '90 s' or '24 hours', not '15 parsecs'"),
        ("0 s", "a token must last longer than '0 s'"),
        ("-5 min", "this duration cannot be negative, as '-5 min' is"),
    ],
)
def test_what_is_no_time(pytester: pytest.Pytester, given: str, message: str) -> None:
    """It is refused before any test runs."""
    result = pytester.runpytest_subprocess("-o", f"azcred_token_lifetime={given}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: azcred_token_lifetime: {message}"])
