"""`azcred_isolate` hides this machine's identity from a whole run, and not only from tests that use a fixture."""

import pytest
from support.desktop import listening

SUITE = """
    import os
    import socket
    import subprocess
    import sys

    import pytest
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    def real_identity():
        found = {name for name in os.environ if name.startswith(("AZURE_CLIENT", "IDENTITY_"))}
        try:
            DefaultAzureCredential().get_token("https://vault.azure.net/.default")
        except ClientAuthenticationError:
            return found
        return {"a token"}

    IN_MODULE = real_identity()

    @pytest.fixture(scope="session")
    def session_wide():
        return real_identity()

    def test_nothing_is_found(session_wide):
        assert IN_MODULE == session_wide == real_identity() == set()

    def test_nothing_leaves():
        with pytest.raises(RuntimeError, match="'login.microsoftonline.com:443'.*; let the test use"):
            socket.create_connection(("login.microsoftonline.com", 443))

    def test_children_are_isolated_as_well():
        code = "import socket; socket.create_connection(('www.example.com', 80))"
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "azcred refused a connection to 'www.example.com:80'" in child.stderr
        assert "let the test use the fixture azcred and call azcred.route(" in child.stderr

    def test_the_fixtures_work_on_top(fake_kubernetes):
        DefaultAzureCredential().get_token("https://vault.azure.net/.default")
        assert fake_kubernetes.statuses == [200]

    @pytest.mark.usefixtures("fake_managed_identity")
    def test_and_the_isolation_is_back_afterwards():
        DefaultAzureCredential().get_token("https://vault.azure.net/.default")
"""


@pytest.fixture
def developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer whose own service principal is in the variables."""
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, "11111111-1111-4111-8111-111111111111")


@pytest.mark.usefixtures("developer")
@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n2",)], ids=["one-process", "xdist"])
def test_nothing_of_the_run_finds_an_identity(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """Neither a module while it is collected, nor a fixture of the session, nor a test, nor a child process."""
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nazcred_isolate = true\n")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=5)


@pytest.mark.usefixtures("developer")
def test_the_first_conftest_is_isolated(pytester: pytest.Pytester) -> None:
    """It is loaded after the isolation has begun."""
    pytester.makeconftest("import os\nassert 'AZURE_CLIENT_ID' not in os.environ\n")
    pytester.makepyfile("def test_nothing(): pass\n")
    pytester.runpytest_subprocess("-o", "azcred_isolate=true").assert_outcomes(passed=1)


@pytest.mark.usefixtures("developer")
def test_a_plugin_that_a_conftest_loads(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that comes after that conftest is isolated."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest("pytest_plugins = ['pytest_azcred.plugin']\n")
    pytester.makepyfile("import os\nassert 'AZURE_CLIENT_ID' not in os.environ\ndef test_nothing(): pass\n")
    pytester.runpytest_subprocess("-o", "azcred_isolate=true").assert_outcomes(passed=1)


@pytest.mark.usefixtures("developer")
def test_everything_is_restored(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that runs pytest finds its variables, functions and folders as before."""
    monkeypatch.setenv("TMPDIR", str(pytester.mkdir("temporary")))
    script = pytester.makepyfile(
        script="""
        import glob, os, socket, tempfile
        import pytest

        def state():
            folders = glob.glob(os.path.join(tempfile.gettempdir(), "azcred-*"))
            variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
            return variables, socket.getaddrinfo, socket.socket.connect, folders

        before = state()
        assert pytest.main(["-q", "-o", "azcred_isolate=true", "test_one.py"]) == 0
        assert state() == before
        """
    )
    pytester.makepyfile(test_one="import os\ndef test_one(): assert 'AZURE_CLIENT_ID' not in os.environ\n")
    assert pytester.runpython(script).ret == 0


@pytest.mark.usefixtures("developer")
def test_it_is_off_by_default(pytester: pytest.Pytester) -> None:
    """A test that uses nothing of the plugin is left alone."""
    pytester.makepyfile("import os\ndef test_variables(): assert 'AZURE_CLIENT_ID' in os.environ\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


SOCKETS = """
    import os
    import socket

    BUS = "{bus}"

    def connects():
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(BUS)
            except RuntimeError as error:
                assert "azcred refused a connection to the Unix socket" in str(error)
                return False
        return True

    IN_MODULE = connects()

    def test_without_a_fixture():
        assert IN_MODULE == connects() == {expected}

    def test_with_a_fixture(azcred):
        assert not connects()

    def test_without_one_again():
        assert connects() == {expected}
"""


@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n1",)], ids=["one-process", "xdist"])
@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "control"])
def test_the_session_bus(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], isolated: bool
) -> None:
    """It hears nothing from start to end; without the option it does, but for tests with fixtures.

    pytest-socket is left out: after each test it puts `connect` back as it was when it was loaded.
    """
    with listening(pytester.path / "bus") as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.bus_address)
        pytester.makepyfile(SOCKETS.format(bus=bus.address, expected=not isolated))
        result = pytester.runpytest_subprocess("-p", "no:socket", "-o", f"azcred_isolate={isolated}", *options)
        result.assert_outcomes(passed=3)
        assert (bus.connections == 0) is isolated


@pytest.mark.parametrize("options", [("-p", "no:azcred"), ()], ids=["without-the-plugin", "with-it"])
def test_required_plugins(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """pytest refuses to run where the options would protect nobody."""
    pytester.makeini("[pytest]\nrequired_plugins = pytest-azcred\nazcred_isolate = true\n")
    pytester.makepyfile("def test_nothing(): pass\n")
    result = pytester.runpytest_subprocess(*options)
    if options:
        result.stderr.fnmatch_lines(["ERROR: Missing required plugins: pytest-azcred*"])
    else:
        result.assert_outcomes(passed=1)
