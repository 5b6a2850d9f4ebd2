"""Provider-path coverage as one HTML page that needs nothing else."""

from pathlib import Path

from markupsafe import Markup

from pytest_azcred.coverage import Coverage
from pytest_azcred.coverage.outcomes import OUTCOMES, PROVIDERS
from pytest_azcred.coverage.report import IMPOSSIBLE, cell, exercised, never, totals

_STYLE = Markup("""
:root { color-scheme: light dark; --line: #8884; --good: #1a7f3722; --text: light-dark(#1f2328, #e6edf3); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
td.count { text-align: right; font-variant-numeric: tabular-nums; }
td.good { background: var(--good); font-weight: 600; }
td.impossible { opacity: .5; text-align: center; }
summary { cursor: pointer; } ul { margin: .3rem 0; padding-left: 1.2rem; } code { font-size: .9em; }
""")


def page(coverage: Coverage) -> Markup:
    """Return the page; everything on it is escaped."""
    head = Markup("").join(
        Markup('<th scope="col" title="{}">{}</th>').format(outcome.meaning, outcome.name) for outcome in OUTCOMES
    )
    rows = Markup("\n").join(_row(coverage, provider) for provider in PROVIDERS)
    meanings = Markup("\n").join(
        Markup("<tr><th scope=row>{}</th><td>{}</td></tr>").format(outcome.name, outcome.meaning)
        for outcome in OUTCOMES
    )
    return Markup(
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">\n'
        "<title>Provider-path coverage</title><style>{style}</style></head>\n<body>\n"
        "<h1>Provider-path coverage</h1>\n<p>{totals}</p>\n"
        '<div class="scroll"><table>\n<tr><th scope="col">provider</th>{head}</tr>\n{rows}\n</table></div>\n'
        "<h2>Environments</h2>\n<p>Exercised: {exercised}</p>\n<p>Never: {never}</p>\n"
        "<h2>Tests</h2>\n{tests}\n"
        "<h2>What the outcomes mean</h2>\n<table>\n{meanings}\n</table>\n</body>\n</html>\n"
    ).format(
        style=_STYLE,
        totals=totals(coverage),
        head=head,
        rows=rows,
        exercised=", ".join(exercised(coverage)) or "none",
        never=", ".join(never(coverage)) or "none",
        tests=_tests(coverage),
        meanings=meanings,
    )


def write(coverage: Coverage, path: Path) -> None:
    """Write the page to a file, whose folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(coverage), encoding="utf-8")


def _row(coverage: Coverage, provider: str) -> Markup:
    cells = Markup("").join(_cell(cell(coverage, provider, outcome.name)) for outcome in OUTCOMES)
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(provider, cells)


def _cell(text: str) -> Markup:
    if text == IMPOSSIBLE:
        return Markup('<td class="impossible">{}</td>').format(text)
    return Markup('<td class="count{}">{}</td>').format(" good" if text else "", text)


def _tests(coverage: Coverage) -> Markup:
    """List the tests behind each path."""
    return Markup("\n").join(
        Markup("<details><summary>{}: {} ({})</summary><ul>{}</ul></details>").format(
            *cell,
            len(coverage.tests[cell]),
            Markup("").join(Markup("<li><code>{}</code></li>").format(test) for test in sorted(coverage.tests[cell])),
        )
        for cell in coverage.exercised
    )
