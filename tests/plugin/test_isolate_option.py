"""`azcred_isolate` hides this machine's identity from a whole run, and not only from tests that use a fixture."""

import errno
import re
import shutil
import sys
from pathlib import Path

import pytest
from support import outside
from support.desktop import listening

from pytest_azcred import network

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


IN_A_NETWORK = """
    import json
    import os
    import socket
    import subprocess

    def test_loopback_alone():
        interfaces = open("/proc/net/dev").read()
        assert "lo:" in interfaces
        assert "azcred0" not in interfaces
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()).close()

    def test_files_are_the_users(tmp_path):
        file = tmp_path / "file"
        file.touch()
        assert file.stat().st_uid == os.getuid() == {user}

    def test_a_fixture(fake_virtual_machine, azcred):
        import azure.identity

        with azure.identity.DefaultAzureCredential() as credential:
            assert credential.get_token("https://vault.azure.net/.default").token
        azcred.journal.assert_tokens(host="imds", times=1)
"""


@pytest.mark.skipif(outside.why_not() is not None, reason=str(outside.why_not()))
@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n1",)], ids=["one-process", "xdist"])
def test_a_network_of_the_runs_own(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """It has loopback and nothing else, and is that of the workers, too."""
    pytester.makepyfile(IN_A_NETWORK.format(user=0))
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "azcred_isolate=network", *options)
    assert outside.reached(command, pytester.path) == set()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-o", "azcred_isolate=sometimes"), "*azcred_isolate is true, false or * not 'sometimes'"),
        (
            ("-o", "azcred_isolate=network", "--azcred-server", "http://127.0.0.1:1"),
            "*azcred_isolate = network: the server of --azcred-server is outside of the run's own network*",
        ),
    ],
)
def test_what_cannot_be(pytester: pytest.Pytester, arguments: tuple[str, ...], sentence: str) -> None:
    """pytest does not start, and says why."""
    pytester.makepyfile("def test_nothing(): pass\n")
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([sentence])


@pytest.mark.skipif(outside.why_not() is not None, reason=str(outside.why_not()))
def test_a_thread_in_the_way(pytester: pytest.Pytester) -> None:
    """It would keep the network that it has: pytest does not start."""
    plugin = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    pytester.makepyfile(early=plugin, test_nothing="def test_nothing(): pass\n", start=STARTED_WITH_A_THREAD)
    assert outside.reached((sys.executable, "start.py"), pytester.path) == set()


STARTED_WITH_A_THREAD = """
    import subprocess
    import sys

    command = [sys.executable, "-m", "pytest", "-p", "early", "-o", "azcred_isolate=network"]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 4
    assert "azcred_isolate = network: 1 other thread was running" in result.stderr, result.stderr
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there are no network namespaces")
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"apparmor_restrict_unprivileged_userns": "1"}, "kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"max_user_namespaces": "0"}, "user.max_user_namespaces=10000"),
        ({"status": "Seccomp:\t2"}, "docker run --network=none"),
        ({}, "ask the administrator of this machine"),
    ],
)
def test_where_the_system_forbids_it(settings: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to set."""
    monkeypatch.setattr(network, "_read", lambda file: settings.get(Path(file).name, ""))
    monkeypatch.setattr(network, "_unshare", lambda flags: errno.EPERM)
    monkeypatch.setattr(network, "_is_up_beside_loopback", lambda: True)
    monkeypatch.setattr(network, "_other_threads", lambda: 0)
    with pytest.raises(network.SealError, match=r"separate network \(EPERM\); .*" + re.escape(sentence)):
        network.seal()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize(
    ("options", "where"), [(("-p", "no:xdist"), "*test_curl"), (("-n1",), "*worker")], ids=["one-process", "xdist"]
)
def test_programs_of_an_isolated_run(pytester: pytest.Pytester, options: tuple[str, ...], where: str) -> None:
    """curl is refused with the sentence, and the summary names the host."""
    pytester.makepyfile(
        """
        import subprocess
        def test_curl():
            said = subprocess.run(["curl", "-s", "http://www.example.com/"], capture_output=True, text=True).stdout
            assert "azcred refused a connection to 'www.example.com:80'" in said
            assert "let the test use the fixture azcred" in said
        """
    )
    result = pytester.runpytest_subprocess("-o", "azcred_isolate=true", *options)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"refused: www.example.com:80, 1 time, {where}"])


def test_no_thread_without_programs(pytester: pytest.Pytester) -> None:
    """A fork would warn of it."""
    pytester.makepyfile("import threading\ndef test_no_thread(): assert threading.active_count() == 1\n")
    pytester.runpytest_subprocess("-o", "azcred_isolate=true", "-p", "no:xdist").assert_outcomes(passed=1)
