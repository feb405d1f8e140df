# SPDX-License-Identifier: Apache-2.0
"""The scripts inside Redis against a plain model, over random hours full of accidents (env/redis_model.py)."""
import os

import pytest

from env.redis_model import HOUR_MS, World


@pytest.mark.parametrize("seed", [1, 2])
def test_scripts_agree_with_the_model(quick_redis, seed):
    world = World(quick_redis.port, seed)
    world.run(hours=24)
    assert world.calls > 20_000 and len(world.changes) > 20
    assert {"ok", "conflict", "stale", "killed", "unkilled"} <= world.seen
    assert {"set", "release", "capped", "shadow_set", "shadow_release"} <= world.seen


def test_sums_begin_anew_after_a_clock_that_had_run_ahead(quick_redis):
    world, key = World(quick_redis.port, 1), ("payment-svc", "1h")
    now, far = world.now, world.now + 10 * HOUR_MS
    world.deliver("a", key, [(now // 60_000, 5)], 1, 0, now)
    world.deliver("a", key, [(far // 60_000, 9)], 2, 1, far)
    before = world.deliver("b", key, [], 0, 0, far)
    after = world.deliver("a", key, [(now // 60_000, 5)], 3, 2, now)
    assert before[3] == "0.000000009" and after[3] == "0.000000005"
    assert before[0] != after[0], "whoever publishes must see that the sums are others"


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_scripts_agree_with_the_model_for_long(quick_redis):
    for seed in range(100, 100 + int(os.environ.get("MODEL_SEEDS", "10"))):
        World(quick_redis.port, seed).run(hours=48)
