"""`--azcred-environment` runs a suite as if there."""

import pytest

SUITE = """
    import unittest

    import jwt
    import pytest
    from azure.identity import DefaultAzureCredential

    def ask():
        DefaultAzureCredential().get_token("https://vault.azure.net/.default")

    @pytest.mark.azcred("kubernetes", "app-service")
    def test_marked(azcred):
        ask()

    @pytest.mark.azcred("on-premises-secret")
    def test_marked_for_another(azcred):
        ask()

    def test_fixture(fake_kubernetes):
        ask()
        assert fake_kubernetes.statuses == [200]

    def test_fixture_of_another(fake_app_service):
        ask()
        assert fake_app_service.statuses == [200]

    def test_anywhere(azcred):
        ask()
        provider = {"kubernetes": "workload-identity", "app-service": "managed-identity"}[azcred.place.environment.name]
        azcred.journal.assert_tokens(provider=provider, times=1)

    def test_without_fixture():
        ask()

    def test_that_says_where_it_is(azcred):
        azcred.environment("virtual-machine")
        ask()
        azcred.journal.assert_tokens(host="imds", times=1)
        azcred.journal.assert_tokens(times=1)

    @pytest.mark.azcred("kubernetes", "app-service")
    class TestUnittest(unittest.TestCase):
        def test_method(self):
            ask()
"""
EVERYWHERE = {"test_anywhere", "test_without_fixture", "test_that_says_where_it_is", "TestUnittest::test_method"}
PLACES = {
    "kubernetes": {"test_marked[kubernetes]", "test_fixture"},
    "app-service": {"test_marked[app-service]", "test_fixture_of_another"},
}


def passed(result: pytest.RunResult) -> set[str]:
    """Return the tests that `-rA` reports as passed."""
    return {line.partition("::")[2] for line in result.outlines if line.startswith("PASSED ")}


@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n2",)], ids=["one-process", "xdist"])
@pytest.mark.parametrize("environment", PLACES)
def test_the_suite_runs_there(pytester: pytest.Pytester, environment: str, options: tuple[str, ...]) -> None:
    """Tests that name other places are left out; all others run, those that name none included."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-rA", f"--azcred-environment={environment}", *options)
    assert passed(result) == EVERYWHERE | PLACES[environment]
    assert result.ret == 0
    if "-n2" not in options:
        result.assert_outcomes(passed=6, deselected=3)


def test_one_run_and_a_run_in_each_place_are_the_same_tests(pytester: pytest.Pytester) -> None:
    """The marked tests of a run without the option are those of all runs with it."""
    pytester.makepyfile(
        """
        import pytest
        from azure.identity import DefaultAzureCredential

        @pytest.mark.azcred("*")
        def test_token(azcred):
            DefaultAzureCredential().get_token("https://vault.azure.net/.default")
            provider = azcred.place.environment.provider
            azcred.journal.assert_tokens(provider=provider, times=1)
        """
    )
    together = passed(pytester.runpytest_subprocess("-rA"))
    names = ["kubernetes", "virtual-machine", "on-premises-certificate"]
    apart = [passed(pytester.runpytest_subprocess("-rA", "--azcred-environment", name)) for name in names]
    assert apart == [{f"test_token[{name}]"} for name in names]
    assert set().union(*apart) < together


def test_the_configuration_file_names_it(pytester: pytest.Pytester) -> None:
    """As `azcred_environment`; the command line has the last word, also for none."""
    pytester.makepyfile(
        """
        def test_place(azcred):
            print("in", azcred.place and azcred.place.environment.name)
        """
    )
    pytester.makeini("[pytest]\nazcred_environment = functions\n")
    pytester.runpytest_subprocess("-s").stdout.fnmatch_lines(["*in functions*"])
    pytester.runpytest_subprocess("-s", "--azcred-environment=azure-arc").stdout.fnmatch_lines(["*in azure-arc*"])
    pytester.runpytest_subprocess("-s", "--azcred-environment=").stdout.fnmatch_lines(["*in None*"])


def test_a_second_name(pytester: pytest.Pytester) -> None:
    """The names of the fixtures work as well, and what is shown is the environment's own."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-rA", "--azcred-environment=workload-identity")
    assert passed(result) == EVERYWHERE | PLACES["kubernetes"]
    result.assert_outcomes(passed=6, deselected=3)


def test_a_usual_word_is_answered_with_what_it_may_mean(pytester: pytest.Pytester) -> None:
    """In the configuration file as on the command line."""
    pytester.makeini("[pytest]\nazcred_environment = vm\n")
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*there is no environment 'vm'; did you mean 'virtual-machine' or 'scale-set'[?]"])


def test_an_unknown_name_is_answered_with_the_nearest(pytester: pytest.Pytester) -> None:
    """Before any test runs, in one line."""
    result = pytester.runpytest_subprocess("--azcred-environment=kubernets")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --azcred-environment: there is no environment 'kubernets'; did you mean 'kubernetes'?"]
    )


def test_a_method_of_unittest_has_one_place(pytester: pytest.Pytester) -> None:
    """Without the option, one that is marked with several is an error that says what to do."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-k", "test_method")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*of kubernetes, app-service, name one, *--azcred-environment*"])
