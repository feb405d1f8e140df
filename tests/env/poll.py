# SPDX-License-Identifier: Apache-2.0
"""Bounded waiting: no test sleeps where it can ask."""
import time

# Limits are written for a quiet machine; a slow and busy one has so many times as long. Only a test that fails
# takes it.
PATIENCE = 6


class Fatal(AssertionError):
    """It will never come: eventually() does not go on waiting."""


def eventually(check, timeout=10.0, what=None, every=0.05):
    """Calls check() until it returns something true and returns that; AssertionError at the end, which is
    PATIENCE times as far away.

    An exception of check() counts as "not yet"; the last one is the cause of the failure."""
    timeout *= PATIENCE
    deadline = time.monotonic() + timeout
    last, seen = None, None
    while True:
        try:
            seen = check()
            if seen:
                return seen
            last = None
        except Fatal:
            raise
        except Exception as e:  # the thing we wait for is not there yet
            last = e
        if time.monotonic() >= deadline:
            name = what or getattr(check, "__name__", "condition")
            raise AssertionError(f"not within {timeout} s: {name}; last: {last or seen!r}") from last
        time.sleep(every)
