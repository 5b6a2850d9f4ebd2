"""The plugin as pytest shows it to a user."""

import pytest

TEST = """
    from azure.identity import DefaultAzureCredential
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_token(fake_managed_identity, number):
        DefaultAzureCredential().get_token("https://vault.azure.net/.default")
        assert fake_managed_identity.statuses == [400, 200]
"""


def test_the_fixtures_document_themselves(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` tells which place each one is."""
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines_random(
        [
            "azcred -- *",
            "azcred_class [[]class scope[]] -- *",
            "azcred_module [[]module scope[]] -- *",
            "azcred_session [[]session scope[]] -- *",
            "azcred_emulators [[]session scope[]] -- *",
            "fake_managed_identity -- *",
            "*: a virtual machine with a system-assigned managed identity, served by IMDS.",
            "fake_service_principal -- *",
            "fake_workload_identity -- *",
            "azurite -- *",
            "fake_browser -- *",
            "fake_device_login -- *",
        ]
    )


def test_the_options_are_in_the_help(pytester: pytest.Pytester) -> None:
    """`pytest --help` names the options of the command line and those of the configuration file."""
    result = pytester.runpytest_subprocess("--help")
    result.stdout.fnmatch_lines(
        [
            "Azure credentials (pytest-azcred):",
            "*--azcred-environment=NAME*",
            "*azcred_environment (string):*",
            "*azcred_isolate (*):*",
            "*azcred_routes (linelist):*",
            "*azcred_token_lifetime (string):*",
            "*azcred_azurite_accounts (args):*",
        ]
    )


def test_the_marker_is_registered(pytester: pytest.Pytester) -> None:
    """`pytest --markers` shows how it is written."""
    pytester.runpytest_subprocess("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.azcred([*]environments, strict=...): *"]
    )


@pytest.mark.parametrize("options", [("-n2",), ("-p", "no:xdist"), ("-p", "no:randomly")])
def test_suites_run_as_they_are_run(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """In parallel, in one process, in any order; warnings are errors."""
    pytester.makepyfile(TEST)
    pytester.makeini("[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n")
    pytester.runpytest_subprocess("-q", *options).assert_outcomes(passed=4)


def test_a_failed_test_shows_what_was_asked(pytester: pytest.Pytester) -> None:
    """The journal stands beside the traceback, without the secret."""
    pytester.makepyfile(
        """
        import os
        from azure.identity import DefaultAzureCredential

        def test_token(fake_service_principal):
            os.environ["AZURE_CLIENT_SECRET"] = "hunter2" + "~typo"
            DefaultAzureCredential().get_token("https://vault.azure.net/.default")
        """
    )
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- azcred -*",
            "The emulators got these requests:",
            "  #  time      provider     request                                  outcome",
            "  1  +0.000 s  -            authority openid-configuration           200 in * ms",
            "  2  +* s  environment  authority token https://vault.azure.net  401 in * ms: AADSTS7000215",
        ]
    )
    result.stdout.no_fnmatch_line("*hunter2~typo*")


def test_an_interrupted_test_leaves_the_process_clean(pytester: pytest.Pytester) -> None:
    """Control-C in the middle of a test still restores and stops everything."""
    pytester.makepyfile(
        """
        def test_interrupted(fake_managed_identity):
            raise KeyboardInterrupt
        """
    )
    pytester.makeconftest(
        """
        import os, socket, threading

        def state():
            environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
            return environ, socket.getaddrinfo, socket.socket.connect

        BEFORE = state()

        def pytest_unconfigure(config):
            assert state() == BEFORE
            assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
            print("all clean")
        """
    )
    # pytest-rerunfailures has a thread of its own.
    result = pytester.runpytest_subprocess("-s", "-p", "no:rerunfailures")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*all clean*"])


def test_what_a_test_replaces_on_top_of_the_fixtures_is_put_back_too(pytester: pytest.Pytester) -> None:
    """Whatever is torn down last: pytest's own `monkeypatch`, or a fixture of mocks that was there first."""
    pytester.makepyfile(
        """
        import os, socket, time, webbrowser
        from unittest import mock

        import pytest

        OWNERS = (os, socket, socket.socket, time, webbrowser)

        def state():
            return {(one.__name__, name): value for one in OWNERS for name, value in vars(one).items()}

        BEFORE = state()

        @pytest.fixture
        def mocks():
            with mock.patch.object(webbrowser, "open_new"):
                with mock.patch.object(socket, "getaddrinfo"):
                    yield mock
                    mock.patch.stopall()

        @pytest.fixture(autouse=True)
        def nothing_was_left():
            assert dict(state().items() ^ BEFORE.items()) == {}

        def spy(real):
            return lambda *args, **kwargs: real(*args, **kwargs)

        def replace(azcred, setattr):
            azcred.clock.skip_waits()
            for owner, name in [
                (webbrowser, "open"), (socket, "getaddrinfo"), (socket.socket, "connect"), (time, "sleep"), (os, "stat")
            ]:
                setattr(owner, name, spy(getattr(owner, name)))

        def test_monkeypatch(fake_browser, azcred, monkeypatch):
            replace(azcred, monkeypatch.setattr)

        def test_monkeypatch_first(monkeypatch, fake_browser, azcred):
            replace(azcred, monkeypatch.setattr)

        def test_mocks_first(mocks, fake_browser, azcred):
            replace(azcred, lambda *what: mocks.patch.object(*what).start())

        def test_last():
            pass
        """
    )
    # pytest-socket puts a method of its base class into socket.socket after every test.
    pytester.runpytest_subprocess("-q", "-p", "no:socket", "-p", "no:randomly").assert_outcomes(passed=4)


def test_faults_that_nothing_met_are_reported(pytester: pytest.Pytester) -> None:
    """As an error of the test that added them, unless it has failed already."""
    pytester.makepyfile(
        """
        import pytest
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import ManagedIdentityCredential
        from azcred_emulators.faults import IdentityNotFound, Status

        def test_unspent(fake_managed_identity, azcred):
            fake_managed_identity.faults.add(IdentityNotFound(), Status(429, retry_after=1))
            fake_managed_identity.faults.add(Status(500), optional=True)
            azcred.authority.faults.add(Status(503), times=2)
            with pytest.raises(ClientAuthenticationError):
                ManagedIdentityCredential().get_token("https://vault.azure.net/.default")

        def test_failed(fake_managed_identity):
            fake_managed_identity.faults.add(Status(500))
            assert False

        def test_spent_before(fake_managed_identity):
            ManagedIdentityCredential().get_token("https://vault.azure.net/.default")
            assert fake_managed_identity.statuses == [200]
        """
    )
    result = pytester.runpytest_subprocess("-q", "-p", "no:randomly")
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "azcred: 1 of 3 faults for 'imds' was never reached: Status(429, retry_after=1).",
            "The app made 1 request to 'imds':",
            "  1  +0.000 s  managed-identity  imds token https://vault.azure.net  400 (fault IdentityNotFound) in * ms",
            "azcred: 2 of 2 faults for 'authority' were never reached: Status(503), Status(503).",
            "The app made 0 requests to 'authority'.",
        ]
    )
