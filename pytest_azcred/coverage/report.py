"""Provider-path coverage as text for a terminal."""

from collections.abc import Iterator

from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.coverage import Coverage
from pytest_azcred.coverage.outcomes import CELLS, OUTCOMES, PROVIDERS

IMPOSSIBLE = "-"  # no request can end so


def lines(coverage: Coverage) -> Iterator[str]:
    """Yield the table of providers and outcomes, the environments, and the totals."""
    header = ("provider", *(outcome.name for outcome in OUTCOMES))
    rows = [(provider, *(cell(coverage, provider, name) for name in header[1:])) for provider in PROVIDERS]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for first, *others in [header, *rows]:
        cells = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()
    yield ""
    yield f"environments: {', '.join(exercised(coverage)) or 'none'}"
    yield f"never: {', '.join(never(coverage)) or 'none'}"
    yield totals(coverage)


def cell(coverage: Coverage, provider: str, outcome: str) -> str:
    """Return the number of requests that ended so, nothing if none did."""
    if (provider, outcome) not in CELLS:
        return IMPOSSIBLE
    return str(coverage.counts.get((provider, outcome), ""))


def exercised(coverage: Coverage) -> list[str]:
    """Return the environments in which tests asked for tokens."""
    return [name for name in ENVIRONMENTS if name in coverage.environments]


def never(coverage: Coverage) -> list[str]:
    """Return the environments in which none did."""
    return [name for name in ENVIRONMENTS if name not in coverage.environments]


def totals(coverage: Coverage) -> str:
    """Return how much was exercised, in one line."""
    return (
        f"{len(coverage.exercised)} of {len(CELLS)} provider paths ({coverage.percent:.1f} %), "
        f"{len(exercised(coverage))} of {len(ENVIRONMENTS)} environments"
    )


def too_low(coverage: Coverage, minimum: float) -> str | None:
    """Return what to say if less than a minimum, in percent, was exercised."""
    if coverage.percent >= minimum:
        return None
    return f"azcred: provider-path coverage of {coverage.percent:.1f} % is below the required {minimum:g} %"
