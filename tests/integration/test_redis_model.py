# SPDX-License-Identifier: Apache-2.0
"""The scripts inside Redis against a plain model, over random hours full of accidents (env/redis_model.py)."""
import os

import pytest

from env.redis_model import World


@pytest.mark.parametrize("seed", [1, 2])
def test_scripts_agree_with_the_model(quick_redis, seed):
    world = World(quick_redis.port, seed)
    world.run(hours=24)
    assert world.calls > 20_000 and len(world.changes) > 20
    assert {"ok", "conflict", "stale", "killed", "unkilled"} <= world.seen
    assert {"set", "release", "capped", "shadow_set", "shadow_release"} <= world.seen


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_scripts_agree_with_the_model_for_long(quick_redis):
    for seed in range(100, 100 + int(os.environ.get("MODEL_SEEDS", "10"))):
        World(quick_redis.port, seed).run(hours=48)
