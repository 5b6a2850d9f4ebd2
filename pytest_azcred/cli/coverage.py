"""`azcred coverage combine`: the coverage of several jobs as that of one."""

import argparse
import sys
from pathlib import Path

from pytest_azcred.cli.commands import CommandError, Commands, file_error


def add_command(commands: Commands) -> None:
    """Declare `azcred coverage`."""
    coverage = commands.add_parser(
        "coverage",
        help="combine the provider-path coverage of several jobs",
        description="Work with the files that `pytest --azcred-coverage-json FILE` writes.",
    )
    actions = coverage.add_subparsers(required=True, metavar="action")
    combine = actions.add_parser(
        "combine",
        help="add files up and print the table",
        description="Add the coverage of several jobs up and print the table. The exit code is 1 if less than "
        "--fail-under was exercised, 2 if a file cannot be read.",
    )
    combine.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON files of single jobs")
    combine.add_argument("--json", type=Path, metavar="FILE", help="write the sum as JSON")
    combine.add_argument("--html", type=Path, metavar="FILE", help="write the sum as an HTML page")
    combine.add_argument("--fail-under", type=float, metavar="N", help="fail if less than N percent are covered")
    combine.set_defaults(call=_combine)


def _combine(options: argparse.Namespace) -> int:
    from pytest_azcred.coverage import Coverage, page, report

    total = Coverage()
    try:
        for path in options.files:
            total.merge(Coverage.read(path))
        if options.json:
            total.write(options.json)
        if options.html:
            page.write(total, options.html)
    except OSError as error:
        raise file_error(error) from None
    except ValueError as error:
        raise CommandError(error) from None
    print("\n".join(report.lines(total)))
    if options.fail_under is not None and (message := report.too_low(total, options.fail_under)):
        print(message, file=sys.stderr)
        return 1
    return 0
