"""`azcred matrix` prints the table of environments as CI services want it."""

import json

import pytest

from azcred_emulators.environments import ENVIRONMENTS, select
from pytest_azcred.cli import main
from pytest_azcred.cli.matrix import FORMATS

EVERYWHERE = [environment.name for environment in select("*")]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command, which must succeed, and return what it printed."""
    assert main.main(["matrix", *arguments]) == 0
    return capsys.readouterr().out


def test_github(capsys: pytest.CaptureFixture[str]) -> None:
    """One line of JSON, as `fromJSON` and a step's output need it."""
    output = printed(capsys)
    assert output.count("\n") == 1
    assert json.loads(output) == {"environment": EVERYWHERE}


def test_gitlab(capsys: pytest.CaptureFixture[str]) -> None:
    """A hidden job that others extend."""
    assert printed(capsys, "--format", "gitlab", "--only", "kubernetes", "app-service") == (
        ".azcred:\n"
        "  parallel:\n"
        "    matrix:\n"
        "      - AZCRED_ENVIRONMENT:\n"
        "          - kubernetes\n"
        "          - app-service\n"
    )


def test_azure_pipelines(capsys: pytest.CaptureFixture[str]) -> None:
    """Legs whose names hold no hyphen."""
    legs = json.loads(printed(capsys, "--format", "azure-pipelines"))
    assert all(leg.replace("_", "").isalnum() for leg in legs)
    assert [leg["environment"] for leg in legs.values()] == EVERYWHERE


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """What programs want to know of each environment."""
    [row] = json.loads(printed(capsys, "--format", "json", "--only", "virtual-machine"))
    assert row == {
        "name": "virtual-machine",
        "description": ENVIRONMENTS["virtual-machine"].description,
        "provider": "managed-identity",
        "host": "imds",
        "fixtures": ["fake_virtual_machine", "fake_managed_identity"],
    }


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--only", "nothing"], ["nothing"]),
        (["--only", "on-premises-*"], ["on-premises-secret", "on-premises-certificate"]),
        (["--only", "kubernetes", "kubernetes"], ["kubernetes"]),
        (["--exclude", "kubernetes"], [name for name in EVERYWHERE if name != "kubernetes"]),
        (["--exclude", "developer-*"], [name for name in EVERYWHERE if not name.startswith("developer-")]),
    ],
)
def test_a_choice(arguments: list[str], names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By names and patterns, in the order of the table or of the names."""
    assert json.loads(printed(capsys, *arguments))["environment"] == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "kubernets"], "azcred: there is no environment 'kubernets'; did you mean 'kubernetes'?\n"),
        (["--exclude", "app_service"], "azcred: there is no environment 'app_service'; did you mean 'app-service'?\n"),
        (["--only", "laptop-*"], "azcred: no environment is like 'laptop-*'; there are nothing, "),
        (["--exclude", "*"], "azcred: no environment is left: --exclude names all that --only does\n"),
    ],
)
def test_what_names_nothing(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 2, and the message has the nearest name."""
    assert main.main(["matrix", *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)


def test_an_unknown_format(capsys: pytest.CaptureFixture[str]) -> None:
    """The usage names those that there are."""
    with pytest.raises(SystemExit):
        main.main(["matrix", "--format", "circle"])
    error = capsys.readouterr().err
    assert all(name in error for name in FORMATS)
