"""What azure-identity leaves to the garbage collector, such as a listener that it does not close."""

import gc
import logging

from _pytest.logging import LogCaptureHandler


def let_go() -> None:
    """Have it collected now, while the test that caused it can ignore the warning, and not in a later test.

    Such a test ignores `pytest.PytestUnraisableExceptionWarning` and keeps no exception of its own.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogCaptureHandler):
            handler.records.clear()  # they hold tracebacks
    gc.collect()
