# SPDX-License-Identifier: Apache-2.0
"""A connection that listens: hears its channel only, and notices a server that hangs or is gone."""
import os
import pathlib

import pytest

from env.poll import eventually
from env.process import Process

TOOL = pathlib.Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "redis_listen"


@pytest.fixture
def listen(redis_server, tmp_path):
    made = []

    def start(timeout_ms=600):
        made.append(Process([TOOL, redis_server.address, "enforce:events", timeout_ms], tmp_path / f"listen{len(made)}"))
        made[-1].spawn()
        eventually(lambda: "listening" in made[-1].log, 10)
        return made[-1]

    yield start
    for process in made:
        process.kill()


def test_messages_of_the_channel_are_heard(redis_server, listen):
    client, ear = redis_server.client, listen()
    eventually(lambda: ear.log.count("silence") >= 8, 10, "it lives longer than the time-out without a message: by PING")
    client.publish("enforce:other", "not this")
    for i in range(100):
        assert client.publish("enforce:events", f'{{"n":{i}}}') == 1
    eventually(lambda: ear.log.count("message") == 100, 10, "all of them")
    heard = [line for line in ear.log.splitlines() if line.startswith("message")]
    assert heard == [f'message {{"n":{i}}}' for i in range(100)]


def test_a_server_that_hangs_or_ends_is_noticed(redis_server, listen):
    hanging = listen()
    redis_server.pause()
    eventually(lambda: "down" in hanging.log and "timed out" in hanging.log, 5, "no answer to PING")
    redis_server.resume()
    gone = listen()
    redis_server.kill()
    eventually(lambda: "down" in gone.log, 5, "the connection broke")
    assert gone.wait(5) == 0
