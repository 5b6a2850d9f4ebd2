"""The `azcred` command."""

import sys

import pytest

from pytest_azcred.cli import main
from pytest_azcred.cli.demonstration import demonstrate


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Someone who knows nothing of it finds the demo."""
    with pytest.raises(SystemExit) as exit_:
        main.main(["--help"])
    assert exit_.value.code == 0
    assert "demo" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["dance"], ["demo", "--fast"]])
def test_a_wrong_call_is_told_what_is_right(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 2 and the usage is printed, without a traceback."""
    with pytest.raises(SystemExit) as exit_:
        main.main(arguments)
    assert exit_.value.code == 2
    assert "usage: azcred" in capsys.readouterr().err


def test_the_demo_runs_without_azure_identity(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It shows our own chain alone, and says what to install to see both."""
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    assert main.main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert "To see azure-identity beside it: pip install azure-identity" in shown
    assert "pytest_azcred.credentials    managed-identity won in " in shown
    assert "  azure-identity " not in shown


def test_the_demo_leaves_the_process_as_it_was() -> None:
    """Variables and logging are restored."""
    import logging
    import os

    before = dict(os.environ)
    lines: list[str] = []
    demonstrate(lines.append)
    assert dict(os.environ) == before
    assert logging.root.manager.disable == logging.NOTSET
    assert any("managed-identity won" in line for line in lines)
