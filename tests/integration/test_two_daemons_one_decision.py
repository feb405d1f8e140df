# SPDX-License-Identifier: Apache-2.0
"""However many daemons there are, each window is decided once and each change is told once."""
import pytest

from env.enforcer import USD
from env.poll import eventually

FLAG = "enforce:throttle:payment-svc"
BUDGET = ("*", 500, 15, "enforce")


@pytest.fixture
def fleet(enforcer):
    return [enforcer(BUDGET) for _ in range(3)]


def state(redis_server):
    fields = redis_server.client.hgetall("{%s}:d" % FLAG)
    return next((text.split() for name, text in fields.items() if name.startswith("b:")), None)


def test_one_decision_per_window_and_one_line_per_change(redis_server, fleet):
    for daemon in fleet:
        daemon.spend("payment-svc", 250 * USD)
    eventually(lambda: redis_server.client.get(FLAG) == "true", 20, "the flag is set")
    first_seen = state(redis_server)
    assert int(first_seen[2]) >= 3 and first_seen[1] == "750"
    eventually(lambda: redis_server.client.get(FLAG) is None, 60, "the flag is released")
    for daemon in fleet:
        assert daemon.stop() == 0
    logs = "".join(daemon.log for daemon in fleet)
    assert logs.count("payment-svc exceeded budget: $750.00/$500") == 1
    assert logs.count("exceeded budget") == 1 and logs.count("is back within budget") == 1


def test_every_window_is_counted_by_exactly_one_daemon(redis_server, fleet):
    for daemon in fleet:
        daemon.spend("payment-svc", 100 * USD)
    eventually(lambda: state(redis_server), 20, "a first decision")

    def look():
        """Decisions of all, and the windows that were the last one before and after they were counted."""
        before = int(state(redis_server)[0])
        return sum(daemon.counter("decisions") for daemon in fleet), before, int(state(redis_server)[0])

    for _ in range(5):  # a machine that stalls for a second skips a window
        decided, earliest, latest = look()
        eventually(lambda: int(state(redis_server)[0]) >= latest + 8, 30, "eight more windows")
        more, low, high = look()
        assert more - decided <= high - earliest
        if more - decided >= low - latest:
            break
    assert more - decided >= low - latest
    assert all(daemon.rows()["payment-svc"][0] == 300 * USD for daemon in fleet)


def test_a_daemon_that_dies_hands_over_without_a_gap(redis_server, fleet):
    for daemon in fleet:
        daemon.spend("payment-svc", 250 * USD)
    eventually(lambda: redis_server.client.get(FLAG) == "true", 20, "the flag is set")
    for daemon in fleet[:2]:
        daemon.kill()
    before = int(state(redis_server)[0])
    eventually(lambda: int(state(redis_server)[0]) >= before + 4, 10, "the last one decides on")
    assert redis_server.client.get(FLAG) == "true"
    assert redis_server.client.get("cost:rolling:payment-svc:15s") == "750"
