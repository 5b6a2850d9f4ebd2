"""The fixtures beside other plugins that suites use, each in a run of its own."""

from importlib.util import find_spec

import pytest
from support import inner_runs


def run(pytester: pytest.Pytester, test: str, *options: str, needs: str = "") -> pytest.RunResult:
    """Run a file of tests with warnings as errors; the test is skipped without the plugin that it needs."""
    if needs and find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed; run: pip install {needs.replace('_', '-')}")
    pytester.makepyfile(test)
    pytester.makeini("[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", inner_runs.options(test))
        return pytester.runpytest_subprocess(*options)


def test_asyncio(pytester: pytest.Pytester) -> None:
    """pytest-asyncio: marked tests, asynchronous fixtures, and any event loop's scope."""
    run(
        pytester,
        """
        import pytest
        import pytest_asyncio
        from azure.identity.aio import DefaultAzureCredential

        SCOPE = "https://vault.azure.net/.default"

        @pytest_asyncio.fixture
        async def credential(azcred):
            async with DefaultAzureCredential() as credential:
                yield credential

        @pytest.mark.asyncio
        @pytest.mark.azcred("kubernetes", "app-service")
        async def test_token(azcred, credential):
            await credential.get_token(SCOPE)
            azcred.clock.advance(hours=25)
            await credential.get_token(SCOPE)
            azcred.journal.assert_tokens(times=2)

        @pytest.mark.asyncio(loop_scope="session")
        async def test_in_a_loop_that_lasts(fake_virtual_machine):
            async with DefaultAzureCredential() as credential:
                await credential.get_token(SCOPE)
            assert fake_virtual_machine.statuses == [400, 200]
        """,
        needs="pytest_asyncio",
    ).assert_outcomes(passed=3)


def test_anyio(pytester: pytest.Pytester) -> None:
    """anyio's plugin, with asyncio for the SDK and with trio for an app on httpx."""
    run(
        pytester,
        """
        import httpx
        import pytest
        from azure.identity.aio import DefaultAzureCredential

        pytestmark = pytest.mark.anyio

        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_token(fake_kubernetes):
            async with DefaultAzureCredential() as credential:
                await credential.get_token("https://vault.azure.net/.default")
            assert fake_kubernetes.statuses == [200]

        @pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
        async def test_keys(azcred):
            async with httpx.AsyncClient() as client:
                keys = await client.get("https://login.microsoftonline.com/common/discovery/v2.0/keys")
            assert keys.json()["keys"]
        """,
        needs="anyio",
    ).assert_outcomes(passed=3)


def test_unittest(pytester: pytest.Pytester) -> None:
    """Classes of unittest: by marker, by a fixture of the class, by the context manager, asynchronous ones too."""
    run(
        pytester,
        """
        import unittest

        import pytest
        import pytest_azcred
        from azure.identity import DefaultAzureCredential
        from azure.identity.aio import DefaultAzureCredential as AsyncCredential

        SCOPE = "https://vault.azure.net/.default"

        @pytest.mark.azcred("kubernetes")
        class TestMarked(unittest.TestCase):
            def test_token(self):
                DefaultAzureCredential().get_token(SCOPE)

        class TestFixture(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def place(self, fake_app_service):
                self.place = fake_app_service

            def test_token(self):
                DefaultAzureCredential().get_token(SCOPE)
                self.assertEqual(self.place.statuses, [200])

        class TestContext(unittest.TestCase):
            def test_token(self):
                with pytest_azcred.environment("azure-arc") as azcred:
                    DefaultAzureCredential().get_token(SCOPE)
                    azcred.journal.assert_tokens(host="azure-arc", times=1)

        @pytest.mark.azcred("functions")
        class TestAsync(unittest.IsolatedAsyncioTestCase):
            async def test_token(self):
                async with AsyncCredential() as credential:
                    await credential.get_token(SCOPE)
        """,
        "-W",
        "ignore::ResourceWarning",  # the credentials of these tests are closed by nobody
    ).assert_outcomes(passed=4)


@pytest.mark.parametrize("options", [("--allow-hosts=127.0.0.1",), ("--disable-socket", "--allow-unix-socket")])
def test_socket(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """pytest-socket with loopback allowed; without sockets at all, a test can ask for them by its fixture."""
    fixtures = "socket_enabled, fake_kubernetes" if "--disable-socket" in options else "fake_kubernetes"
    run(
        pytester,
        f"""
        import socket

        import pytest
        from azure.identity import DefaultAzureCredential

        def test_token({fixtures}):
            DefaultAzureCredential().get_token("https://vault.azure.net/.default")
            assert fake_kubernetes.statuses == [200]

        def test_the_other_plugin_still_guards():
            with pytest.raises(RuntimeError, match="socket"):
                socket.create_connection(("127.0.0.2", 80))

        def test_another_token({fixtures}):
            DefaultAzureCredential().get_token("https://vault.azure.net/.default")
            assert fake_kubernetes.statuses == [200]
        """,
        *options,
        "-W",
        "ignore::ResourceWarning",
        "-W",
        "ignore::UserWarning",  # with which pytest-socket refuses
        "-p",
        "no:randomly",
        needs="pytest_socket",
    ).assert_outcomes(passed=3)


def test_rerunfailures(pytester: pytest.Pytester) -> None:
    """A test that is run again starts with an empty journal, the whole directory and today's clock."""
    result = run(
        pytester,
        """
        import time

        import pytest
        from azure.identity import DefaultAzureCredential

        RUNS = []

        @pytest.mark.azcred("on-premises-secret")
        def test_token(azcred):
            assert azcred.journal.requests() == []
            assert abs(azcred.clock.now() - time.time()) < 60
            with DefaultAzureCredential() as credential:
                credential.get_token("https://vault.azure.net/.default")
            azcred.directory.replace(azcred.place.identity, secrets=())
            azcred.clock.advance(days=9)
            RUNS.append(1)
            assert len(RUNS) == 3
        """,
        "--reruns=2",
        needs="pytest_rerunfailures",
    )
    assert result.parseoutcomes() == {"passed": 1, "rerun": 2}


def test_randomly(pytester: pytest.Pytester) -> None:
    """pytest-randomly: any order, whatever each test leaves changed."""
    test = """
        import pytest
        from azure.identity import DefaultAzureCredential

        @pytest.mark.parametrize("turn", range(3))
        @pytest.mark.azcred("kubernetes", "virtual-machine")
        def test_token(azcred, turn):
            with DefaultAzureCredential() as credential:
                credential.get_token("https://vault.azure.net/.default")
            azcred.journal.assert_tokens(times=1)
            azcred.directory.replace(azcred.place.identity, name="somebody else")
            azcred.clock.advance(days=turn)
        """
    for seed in ("1", "2"):
        run(pytester, test, f"--randomly-seed={seed}", needs="pytest_randomly").assert_outcomes(passed=6)


def test_xdist(pytester: pytest.Pytester) -> None:
    """pytest-xdist: each worker has emulators and ports of its own."""
    result = run(
        pytester,
        """
        import os

        import pytest

        @pytest.mark.parametrize("turn", range(6))
        def test_ports(azcred_emulators, turn):
            print("worker", os.environ["PYTEST_XDIST_WORKER"], azcred_emulators.http.url, azcred_emulators.https.url)
        """,
        "-n2",
        "-rP",
        needs="xdist",
    )
    result.assert_outcomes(passed=6)
    lines = {tuple(line.split()[1:]) for line in result.outlines if line.startswith("worker ")}
    workers = {worker for worker, *_ in lines}
    ports = {url for _, *urls in lines for url in urls}
    assert len(lines) == len(workers)
    assert len(ports) == 2 * len(workers)
