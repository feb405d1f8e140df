# SPDX-License-Identifier: Apache-2.0
"""What spans cost, by Python's decimal: the daemon's arithmetic written a second time."""
from decimal import ROUND_HALF_EVEN, Decimal

PICO = Decimal("1e-12")
NANO = Decimal("1e-9")


def span_cost(dollars_per_ms, duration_ns):
    """Exact product, rounded once to picodollars, half to even."""
    return (Decimal(dollars_per_ms) * duration_ns / 1_000_000).quantize(PICO, ROUND_HALF_EVEN)


def same_nanodollars(text, total):
    """A published total and the true one: less than a nanodollar apart."""
    return abs(Decimal(text) - total) < NANO
