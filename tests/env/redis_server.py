# SPDX-License-Identifier: Apache-2.0
"""A real redis-server on loopback, with data on disk so that a restart keeps it."""
import pathlib

import redis

from env.poll import Fatal, eventually
from env.ports import free_port
from env.process import Process


class RedisServer(Process):
    """stop (saves), kill (loses nothing: append-only, fsync always), restart, pause, resume."""

    def __init__(self, directory, options=(), password=None, program="redis-server", **client):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        super().__init__(
            [program, "--port", self.port, "--bind", "127.0.0.1", "--dir", self.dir, "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", *options],
            self.dir / "redis.log")
        self.client = redis.Redis("127.0.0.1", self.port, password=password, decode_responses=True,
                                  socket_timeout=30, **client)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.spawn()
        eventually(self._answers, 15, "redis-server answers")
        return self

    def restart(self):
        self.stop()
        return self.start()

    def wipe(self):
        """Down with everything it held, up again empty."""
        self.kill()
        for path in self.dir.glob("appendonlydir/*"):
            path.unlink()
        return self.start()

    def _answers(self):
        if not self.running():
            raise Fatal(f"redis-server ended: {self.log[-500:]}")
        return self.client.ping()
