"""The distribution: what the wheel puts into a clean environment, and which way the imports point."""

import importlib
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, **options: object) -> str:
    """Run a command that must succeed and return what it printed."""
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **{"timeout": 110, **options}
    )  # type: ignore[call-overload]  # the options are subprocess.run's own
    assert result.returncode == 0, result.stdout + result.stderr
    return str(result.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    [wheel] = folder.glob("pytest_azcred-*.whl")
    return wheel


def test_the_wheel_holds_two_packages_and_nothing_else(wheel: Path) -> None:
    """No tests, no benchmarks, and no top-level package called `emulators`."""
    names = zipfile.ZipFile(wheel).namelist()
    top_level = {name.partition("/")[0] for name in names}
    assert {name for name in top_level if not name.endswith(".dist-info")} == {"azcred_emulators", "pytest_azcred"}
    assert "pytest_azcred/py.typed" in names
    assert "azcred_emulators/py.typed" in names
    assert "pytest_azcred/redirect/child/sitecustomize.py" in names
    sources = {
        path.relative_to(root).as_posix()
        for root in (ROOT, ROOT / "emulators")
        for package in ("pytest_azcred", "azcred_emulators")
        for path in (root / package).rglob("*.py")
    }
    assert sources == {name for name in names if name.endswith(".py")}


def test_the_installed_wheel_works_without_the_sources(wheel: Path, tmp_path: Path) -> None:
    """In a clean environment the fixtures, the command and the types are there, and a test passes.

    The dependencies are this environment's, so that nothing is downloaded.
    """
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    site_packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel)
    installed = {path.name for path in site_packages.iterdir()}
    assert {name for name in installed if not name.endswith(".dist-info")} == {"azcred_emulators", "pytest_azcred"}
    (tmp_path / "dependencies").mkdir()
    for ours in [Path(entry) for entry in sys.path if entry.endswith("site-packages")]:
        for path in ours.iterdir():
            link = tmp_path / "dependencies" / path.name
            if "azcred" not in path.name and path.suffix != ".pth" and not link.is_symlink():
                link.symlink_to(path)
    (site_packages / "dependencies.pth").write_text(str(tmp_path / "dependencies"))
    (tmp_path / "test_wheel.py").write_text(
        "import azcred_emulators, pytest_azcred\n"
        "from azure.identity import DefaultAzureCredential\n"
        "def test_token(fake_managed_identity):\n"
        f"    assert {str(site_packages)!r} in pytest_azcred.__file__\n"
        f"    assert {str(site_packages)!r} in azcred_emulators.__file__\n"
        "    DefaultAzureCredential().get_token('https://vault.azure.net/.default')\n"
        "    assert fake_managed_identity.statuses == [400, 200]\n"
    )
    assert "1 passed" in run(python, "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path / "test_wheel.py")
    assert run(environment / "bin" / "azcred", "--version").startswith("azcred 0.")


def test_imports_point_one_way() -> None:
    """The emulators know neither pytest nor the plugin, the credential library knows neither of them."""
    run(Path(sys.executable).with_name("lint-imports"), "--no-cache", cwd=ROOT)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("pytest_azcred", ("azcred_emulators", "werkzeug", "cryptography", "azure", "msal", "freezegun")),
        ("pytest_azcred.plugin", ("werkzeug", "cryptography", "azure", "msal", "freezegun")),
        ("pytest_azcred.credentials", ("msal", "azure", "requests", "azcred_emulators", "pytest")),
        ("pytest_azcred.azcred", ("werkzeug", "msal", "azure", "freezegun", "pytest")),
        ("pytest_azcred.redirect.routing", ("azcred_emulators", "werkzeug", "cryptography", "asyncio", "pytest")),
        ("azcred_emulators.services", ("pytest", "pytest_azcred", "azure", "msal", "freezegun")),
    ],
)
def test_importing_a_module_costs_no_more_than_it_needs(module: str, heavy: tuple[str, ...]) -> None:
    """What pytest start-up, child processes and production apps do not need is not loaded."""
    preload = "import pytest; " if module == "pytest_azcred.plugin" else ""
    code = f"import sys; {preload}import {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    assert not set(heavy) & set(run(sys.executable, "-c", code).split())


@pytest.mark.timeout(900)  # on a busy machine one takes several times as long as on an idle one
@pytest.mark.parametrize(
    ("benchmark", "figure"),
    [
        ("startup", "with the plugin"),
        ("fixtures", "the first of a run"),
        ("suite", "five environments"),
        ("tokens", "over TLS"),
        ("credentials", "cached token of a client secret: ours"),
        ("clock", "24 hours"),
        ("executables", "fake az"),
        ("standalone", "over TLS"),
    ],
)
def test_a_benchmark_runs(benchmark: str, figure: str) -> None:
    """Its figures mean nothing in this short form; that they can be taken does."""
    assert figure in run(sys.executable, "-m", "benchmarks", "--short", benchmark, cwd=ROOT, timeout=850)


def test_the_public_names_are_there() -> None:
    """Each can be imported from its package and is listed by `dir`; a misspelt one is refused as Python does."""
    for package in ("pytest_azcred", "azcred_emulators", "pytest_azcred.credentials"):
        module = importlib.import_module(package)
        for name in module.__all__:
            assert getattr(module, name) is not None
        assert set(module.__all__) <= set(dir(module))
        with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
            _ = module.Nonsense
