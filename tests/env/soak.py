# SPDX-License-Identifier: Apache-2.0
"""How long tests marked soak run: SOAK=30m, 8h, 90s."""
import os
import re

UNITS = {"s": 1, "m": 60, "h": 3600}


def soak_seconds():
    number, unit = re.fullmatch(r"(\d+)([smh])", os.environ.get("SOAK", "30m")).groups()
    return int(number) * UNITS[unit]
