"""Prints every figure: `make benchmark`, or `make benchmark ARGUMENTS=--short` to see that they can be taken.

Machines are noisy and differ, so each figure stands beside one taken in the same run of what a user would pick
instead, or of the work that cannot be avoided.
"""

import argparse

from benchmarks import clock, connections, credentials, executables, fixtures, standalone, startup, suite, tokens


def main() -> None:
    """Run all benchmarks, or those that are named."""
    every = {
        "startup": startup,
        "fixtures": fixtures,
        "suite": suite,
        "tokens": tokens,
        "credentials": credentials,
        "clock": clock,
        "executables": executables,
        "standalone": standalone,
        "connections": connections,
    }
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which to run: {', '.join(every)}; all by default")
    parser.add_argument("--short", action="store_true", help="few repetitions: the figures mean little")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(every)
    if unknown:
        parser.error(f"there is no benchmark {sorted(unknown)[0]!r}; there are {', '.join(every)}")
    for name in arguments.names or every:
        every[name].run(short=arguments.short)


main()
