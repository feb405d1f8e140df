# SPDX-License-Identifier: Apache-2.0
"""The scripts inside Redis against a plain model, over random hours full of accidents (env/redis_model.py)."""
import os

import pytest

from env.redis_cluster import RANGES, RedisCluster
from env.redis_model import HOUR_MS, World, flag_keys


@pytest.mark.parametrize("seed", [1, 2])
def test_scripts_agree_with_the_model(quick_redis, seed):
    world = World([quick_redis.port], seed)
    world.run(hours=24)
    assert world.calls > 20_000 and len(world.changes) > 20
    assert {"ok", "conflict", "stale", "killed", "unkilled"} <= world.seen
    assert {"set", "release", "capped", "shadow_set", "shadow_release"} <= world.seen


def test_scripts_agree_with_the_model_on_a_cluster(tmp_path):
    """All keys of a call share a slot; what lies elsewhere (the cap, the kill switch) is not given to the script."""
    cluster = RedisCluster(tmp_path / "cluster")
    try:
        cluster.start()
        world = World([node.port for node in cluster.masters], 3, RANGES)
        world.run(hours=6)
        assert len(world.changes) > 20 and {"set", "release", "conflict", "stale"} <= world.seen
    finally:
        cluster.kill()


def test_sums_begin_anew_after_a_clock_that_had_run_ahead(quick_redis):
    world, key = World([quick_redis.port], 1), ("payment-svc", "1h")
    now, far = world.now, world.now + 10 * HOUR_MS
    world.deliver("a", key, [(now // 60_000, 5)], 1, 0, now)
    world.deliver("a", key, [(far // 60_000, 9)], 2, 1, far)
    before = world.deliver("b", key, [], 0, 0, far)
    after = world.deliver("a", key, [(now // 60_000, 5)], 3, 2, now)
    assert before[3] == "0.000000009" and after[3] == "0.000000005"
    assert before[0] != after[0], "whoever publishes must see that the sums are others"


def decide(world, version, want, now, code="ok"):
    """One commit of payment-svc: (version, change, change id)."""
    args = [version, "a", now, 60_000, 3600, int(want), 0, '{"subject":"payment-svc"}', now, "", 0, 0, "", "payment-svc", 0]
    answer = world.call("commit", [*flag_keys("payment-svc"), *world.shared], args)
    assert answer[0] == code, answer
    return answer[1], answer[4], int(answer[5])


def test_who_has_a_record_to_write_hears_first_that_a_flag_is_missing(quick_redis):
    world, (flag, *_) = World([quick_redis.port], 1), flag_keys("payment-svc")
    version, change, _ = decide(world, "", 2, world.now)
    assert change == "set"
    version, change, _ = decide(world, version, 2, world.now + 60_000)
    assert change == "" and world.redis.delete(flag) is None
    same, change, _ = decide(world, version, 2, world.now + 120_000, "missing")
    assert (same, change) == (version, "") and world.redis.get(flag) is None
    assert decide(world, version, 1, world.now + 120_000)[1] == "restore" and world.redis.get(flag) == "true"


def test_no_version_and_no_change_id_is_ever_used_twice(quick_redis):
    world = World([quick_redis.port], 1)
    seen, version, now = [], "", world.now
    for step in range(10):
        if step == 5:  # what was read before the loss must not pass for what is there after it
            world.redis.flushall()
            version, now = "", now + 1000
        version, change, change_id = decide(world, version, step % 2 == 0, now)
        assert change == ("set" if step % 2 == 0 else "release" if step != 5 else "")
        seen.append((int(version), change_id))
    versions, ids = [v for v, _ in seen], [i for _, i in seen if i]
    assert versions == sorted(set(versions)) and ids == sorted(set(ids)), seen


def test_a_flag_that_somebody_else_has_written_is_not_deleted(quick_redis):
    world, flag = World([quick_redis.port], 1), flag_keys("payment-svc")[0]
    version, change, _ = decide(world, "", True, world.now)
    assert change == "set" and world.redis.get(flag) == "true"
    world.redis.set(flag, "by hand")
    version, change, _ = decide(world, version, False, world.now + 1)
    assert change == "release" and world.redis.get(flag) == "by hand"


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_scripts_agree_with_the_model_for_long(quick_redis):
    for seed in range(100, 100 + int(os.environ.get("MODEL_SEEDS", "10"))):
        World([quick_redis.port], seed).run(hours=48)
