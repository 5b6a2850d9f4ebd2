"""`expiresOn` is in the caller's local time, as Python's C library would tell it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime

import pytest

from azcred_emulators.clock import local_time

SUMMER, WINTER = 1_785_000_000, 1_800_000_000
FALL_BACK = 1_793_512_800  # 2026-11-01 01:00 in New York, for the second time within the hour
ZONES = [
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    ":Europe/Berlin",
    "EST5EDT,M3.2.0,M11.1.0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "UTC-5",
    "",
    "no such zone",
    "../../etc/passwd",
]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/usr/share/zoneinfo/Asia/Kolkata"), reason="the machine has no time zones")
@pytest.mark.parametrize("zone", [*ZONES, "/usr/share/zoneinfo/Asia/Kolkata"])
@pytest.mark.parametrize("moment", [SUMMER, WINTER, FALL_BACK, FALL_BACK - 3600])
def test_like_the_c_library(zone: str, moment: int) -> None:
    """Names, POSIX rules and nonsense mean what they mean to the tools themselves."""
    code = f"from datetime import datetime; print(datetime.fromtimestamp({moment}))"
    told = subprocess.run([sys.executable, "-c", code], env={"TZ": zone}, capture_output=True, text=True, check=True)
    assert str(local_time(moment, zone)) == told.stdout.strip()


def test_without_a_zone() -> None:
    """A caller without a time zone gets the machine's."""
    assert local_time(SUMMER) == datetime.fromtimestamp(SUMMER)
