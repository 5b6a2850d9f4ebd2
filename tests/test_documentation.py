"""Every code block of the README and of the pages in docs/ is run, and does what the text says."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE
from typing import Any, NamedTuple

import audiences_page
import environments_page
import pytest
from support import inner_runs

from azcred_emulators.clouds import IMDS_ADDRESS
from azcred_emulators.emulation.journal import Journal
from azcred_emulators.emulation.recorder import Recorder
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import ENVIRONMENTS
from azcred_emulators.faults.registry import COMMAND_KINDS, KINDS
from azcred_emulators.hosts.catalogue import host_classes
from azcred_emulators.standalone.configuration import load
from pytest_azcred.azcred import Azcred
from pytest_azcred.coverage.outcomes import OUTCOMES
from pytest_azcred.credentials import DefaultAzureCredential

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
AZURITE = ROOT / "node_modules" / ".bin" / "azurite"
PAGES = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


class Block(NamedTuple):
    """A fenced block: the page it is on, its language and what is in it."""

    page: Path
    language: str
    code: str

    @property
    def name(self) -> str:
        """The file name in the first line's comment."""
        return self.code.partition("\n")[0].removeprefix("# ")


_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [Block(page, *found) for page in PAGES for found in _FENCED.findall(page.read_text())]


def blocks(language: str) -> list[Block]:
    """Return the blocks in a language."""
    return [block for block in BLOCKS if block.language == language]


def test_every_block_is_of_a_kind_that_is_run() -> None:
    """A block in another language would go untested."""
    assert {block.language for block in BLOCKS} == {"console", "diff", "python", "text", "toml"}


def missing_client(block: Block) -> str | None:
    """Return the module of a service's client that a block imports and that is not installed."""
    for node in ast.walk(ast.parse(block.code)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("azure", "openai"):
            try:
                found = find_spec(node.module)
            except ModuleNotFoundError:
                found = None
            if found is None:
                return node.module
    return None


def test_the_toml_of_the_services_page(tmp_path: Path, azcred_emulators: Emulators) -> None:
    """It sets up what the text says."""
    [block] = [block for block in blocks("toml") if block.page.stem == "services"]
    (tmp_path / block.name).write_text(block.code)
    load(tmp_path / block.name).apply(azcred_emulators)
    vault = azcred_emulators.resources.add("shop.vault.azure.net")
    assert vault.content["secrets"] == {"database": "hunter2"}
    azcred_emulators.reset()


# An app is run in an environment by the page's own test: on its own it would look for this machine's identity.
@pytest.mark.parametrize(
    "block",
    [
        block
        for block in blocks("python")
        if block.name not in ("app.py", "test_asks_once.py") and block.page.stem != "your-suite"
    ],
    ids=lambda block: f"{block.page.stem}-{block.name}",
)
def test_python_blocks_run(block: Block, tmp_path: Path) -> None:
    """Files of tests pass under pytest, as a user would run them; others run as scripts."""
    if "azurite" in block.code and not AZURITE.exists():
        pytest.skip("Azurite is not installed; run: npm ci")
    if client := missing_client(block):
        pytest.skip(f"{client} is not installed; run: make test-services")
    (tmp_path / block.name).write_text(block.code)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nazcred_azurite_executable = {AZURITE}\n")
    command = [sys.executable, block.name]
    if block.name.startswith("test_"):
        command = [sys.executable, "-m", "pytest", "-q", "-pno:cacheprovider", "-pno:randomly", block.name]
    environ = {**os.environ, "PYTEST_ADDOPTS": inner_runs.options(block.code)}
    result = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "skipped" not in result.stdout


def test_the_failing_test_of_the_readme(tmp_path: Path) -> None:
    """Its report has the lines that are shown beside it, durations and the rest of the claims apart."""
    [block] = [block for block in blocks("python") if block.name == "test_asks_once.py"]
    (tmp_path / block.name).write_text(block.code)
    command = [sys.executable, "-m", "pytest", "-q", "-pno:cacheprovider", "-pno:randomly", block.name]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert "1 failed" in result.stdout
    [shown] = [
        block.code for block in blocks("text") if "AssertionError: azcred" in block.code and block.page == PAGES[0]
    ]
    printed = without_durations(result.stdout)
    for line in without_durations(shown).splitlines():
        assert line.rstrip(".") in printed


def test_the_demo_shows_what_the_readme_promises() -> None:
    """`make demo` shows each environment with both chains, a renewal and a fallback."""
    assert "$ make demo\n" in [block.code for block in blocks("console")]
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    result = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr
    for line in (
        *(f"{environment.name}: {environment.description}" for environment in ENVIRONMENTS.values()),
        "workload-identity won in ",
        "environment won in ",
        "no token from any of ",
        "managed-identity won in ",
        "azure-cli won in ",
        "az account get-access-token --output json --resource https://storage.azure.com  token  200",
        "after 25 hours: a new token; IMDS gave 2 tokens",
        "without them: managed-identity won",
    ):
        assert result.stdout.count(line) >= 1, line
    assert "expected" not in result.stdout


def test_the_suite_has_its_command() -> None:
    """`make test` is this run; here its steps are only listed."""
    assert "$ make test\n" in [block.code for block in blocks("console")]
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    steps = subprocess.run(
        ["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=True
    )
    assert "python -m pytest" in steps.stdout


def test_the_configuration_is_known(pytestconfig: pytest.Config) -> None:
    """Each option of the TOML blocks is one that the plugin declares, with the type that is shown."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no tomllib")
    for block in blocks("toml"):
        if block.name != "pyproject.toml":  # a server's, or that of `azcred run`
            continue
        options: dict[str, Any] = tomllib.loads(block.code)["tool"]["pytest"]["ini_options"]
        for name, value in options.items():
            assert type(pytestconfig.getini(name)) is type(value)


def test_the_failure_reads_as_shown() -> None:
    """The sample of a failed assertion is what the journal prints, durations apart."""
    recorder = Recorder()
    journal = Journal(recorder)
    for operation, status, error in (("probe", 400, "Required metadata header not specified"), ("token", 200, None)):
        entry = recorder.open(at=0, emulator="imds", host="imds", method="GET", server_name=IMDS_ADDRESS, path="/")
        recorder.close(
            entry,
            operation=operation,
            status=status,
            error=error,
            resource="https://vault.azure.net",
            provider="managed-identity",
        )
    with pytest.raises(AssertionError) as failure:
        journal.assert_tokens(host="imds", times=2)
    [shown] = [block for block in blocks("text") if block.page.stem == "journal"]
    assert without_durations(shown.code.strip()) == without_durations(str(failure.value))


def test_the_explanation_reads_as_shown(azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample of `azcred explain` is what the command prints, durations and the request's ids apart."""
    azcred.environment("developer-service-principal")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "prod")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    with DefaultAzureCredential() as credential:
        explanation = str(credential.explain("https://vault.azure.net/.default"))
    [shown] = [block for block in blocks("text") if block.page.stem == "credentials"]
    assert without_ids(shown.code.strip()) == without_ids(explanation)


def without_ids(text: str) -> str:
    """Take out what is new in each explanation."""
    return re.sub(r" +\d+ ms|Trace ID: .*Z", "", text)


def without_durations(text: str) -> str:
    """Take the measured times out."""
    return re.sub(r"\d+ ms|\+\d+\.\d+ s", "", text)


def test_the_table_of_environments_is_that_of_the_code() -> None:
    """In the order of the table, with the fixtures, the description and the provider that wins."""
    assert environments_page.PAGE.read_text() == environments_page.page(), "run: make format"


def test_the_table_of_audiences_is_that_of_the_code() -> None:
    """A row for each service."""
    assert audiences_page.PAGE.read_text() == audiences_page.page(), "run: make format"


def test_every_link_leads_somewhere() -> None:
    """Links between pages are relative, and of README.md absolute; tests/test_site.py follows them on the site."""
    for page in PAGES:
        for link in re.findall(r"\]\(((?!https?:|#)[^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def commands(block: Block) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with the output that is shown."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.code, re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "output"),
    [one for block in blocks("console") for one in commands(block) if one[0].startswith("azcred matrix")],
)
def test_what_commands_print(command: str, output: str) -> None:
    """A command with its output beside it prints that."""
    environ = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    result = subprocess.run(["bash", "-c", command], env=environ, capture_output=True, text=True, check=True)
    assert result.stdout == output


def test_the_suite_of_the_ci_page(tmp_path: Path) -> None:
    """The page's commands, one after the other, with the suite whose table it shows."""
    page = ROOT / "docs" / "ci.md"
    (tmp_path / "test_shop.py").write_text(
        """
import pytest
from azure.identity import DefaultAzureCredential

@pytest.mark.azcred("kubernetes", "app-service", "on-premises-secret")
def test_a_day(azcred):
    with DefaultAzureCredential() as credential:
        credential.get_token("https://vault.azure.net/.default")
        azcred.clock.advance(hours=25)
        credential.get_token("https://vault.azure.net/.default")
"""
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environ = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}

    def run(command: str) -> str:
        command = re.sub("^pytest", "python -m pytest -p no:cacheprovider", command)
        return subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
        ).stdout

    shown = [command for block in blocks("console") if block.page == page for command, _ in commands(block)]
    one_place, covered, combined = (command for command in shown if not command.startswith("azcred matrix"))
    assert "1 passed, 2 deselected" in run(one_place)
    [table] = [block.code for block in blocks("text") if block.page == page]
    assert table in run(f"{covered} --azcred-coverage-json coverage-all.json")
    assert table in run(combined)
    assert (tmp_path / "coverage.html").is_file()


SUITES = re.split("^## ", (ROOT / "docs" / "your-suite.md").read_text(), flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("section", SUITES, ids=lambda section: section.partition("\n")[0])
def test_the_suites_of_the_page(section: str, tmp_path: Path) -> None:
    """Each section of the page on suites is one: its files are written and its commands run, in their order."""
    environ = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTEST_ADDOPTS": f"{inner_runs.options(section)} -p no:cacheprovider -p no:randomly",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    commands_run = 0
    for block in (Block(ROOT / "docs" / "your-suite.md", *found) for found in _FENCED.findall(section)):
        if block.language != "console":
            (tmp_path / block.name).write_text(block.code)
            continue
        for command, shown in commands(block):
            command = re.sub(r"(^|\S=\S+ )pytest", r"\1python -m pytest", command)
            result = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
            )
            printed = result.stdout + result.stderr
            assert [line for line in shown.splitlines() if line not in printed] == [], printed
            assert (result.returncode == 0) == (" failed" not in shown), printed
            commands_run += 1
    assert commands_run or "```" not in section


def test_the_standalone_page(tmp_path: Path) -> None:
    """Its commands, with the files that it shows: a command that is run, and a server with its clients.

    The server's ports are free ones here.
    """
    page = ROOT / "docs" / "standalone.md"
    files = [block for block in BLOCKS if block.page == page and block.language in ("python", "toml")]
    for block in files:
        (tmp_path / block.name).write_text(re.sub(r"_port = \d+", "_port = 0", block.code))
    (tmp_path / "test_it.py").write_text("def test_it(azcred): assert azcred.environment('kubernetes').identity\n")
    environ = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}

    def run(command: str) -> str:
        result = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=True
        )
        return result.stdout + result.stderr

    shown = [one for block in blocks("console") if block.page == page for one in commands(block)]
    [(command, output), (serve, ready), (env, _), (suite, _)] = shown
    assert output in run(command)
    serving = ["bash", "-c", f"exec {serve}"]
    with subprocess.Popen(serving, cwd=tmp_path, env=environ, stdout=PIPE, text=True) as server, ExitStack() as stack:
        stack.callback(server.terminate)
        assert server.stdout
        line = server.stdout.readline()
        assert re.sub(r"\d+$|\d+(?= and)", "N", line.strip()) == re.sub(r"\d+$|\d+(?= and)", "N", ready.strip())
        url = line.split()[3]
        assert "/app-service/msi/token" in run(f"{env.replace('http://127.0.0.1:8400', url)}; echo $IDENTITY_ENDPOINT")
        pytest_command = suite.replace("http://127.0.0.1:8400", url).replace("pytest", "python -m pytest", 1)
        assert "1 passed" in run(f"{pytest_command} -p no:cacheprovider")


def test_the_outcomes_are_described_as_they_are_judged() -> None:
    """The page has the table that the code has."""
    text = (ROOT / "docs" / "ci.md").read_text()
    for outcome in OUTCOMES:
        assert f"| {outcome.name} | {outcome.meaning} |" in text


def test_every_kind_of_fault_is_described() -> None:
    """And every refusal that a host has by name."""
    text = (ROOT / "docs" / "faults.md").read_text()
    kinds = [*KINDS, *COMMAND_KINDS]
    refusals = {problem.value for host in host_classes().values() for problem in host.refusals}
    for name in (*kinds, *refusals):
        assert re.search(rf"`{name}[(`]", text), name


def rows(page: str) -> list[list[str]]:
    """Return the cells of a page's tables, without the headers."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in table[1:] if set("".join(row)) != {"-"}]


def test_the_witnesses_exist() -> None:
    """Each row of the fidelity table that claims something names a test that there is."""
    for what, emulated, client, test in rows("fidelity.md"):
        if emulated.startswith("no"):
            assert client == test == "none", what
            continue
        path, _, name = test.strip("`").partition("::")
        source = ast.parse((ROOT / "tests" / path).read_text())
        functions = {node.name for node in source.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in functions, test


def test_troubleshooting_knows_the_messages() -> None:
    """Each message that it explains is one that the code has, apart from what is filled in."""
    texts = {text for folder in ("pytest_azcred", "emulators") for text in messages(ROOT / folder)}
    for message, *_ in rows("troubleshooting.md"):
        for part in re.findall(r"`([^`]+)`", message):
            assert any(part.removesuffix("...") in text for text in texts), part


def messages(folder: Path) -> Iterator[str]:
    """Yield the texts in a folder's code, with nothing for what is filled in."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
