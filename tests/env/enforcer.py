# SPDX-License-Identifier: Apache-2.0
"""The enforcer's Redis side alone (tests/tools/enforcer.c): told what to spend, asked what it knows."""
import os
import pathlib
import subprocess

TOOL = pathlib.Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "enforcer"
USD = 10**12  # picodollars


class Enforcer:
    """budgets: (glob, limit in USD, window in s, "enforce" or "shadow")."""

    def __init__(self, redis, log_path, budgets, evaluation_ms=1000, flush_ms=100, bucket_ms=0, ttl_s=60, clock=None,
                 fraction=1, kill=False):
        self.log_path = pathlib.Path(log_path)
        rules = [str(word) for b in budgets for word in b]
        numbers = [str(n) for n in (evaluation_ms, flush_ms, bucket_ms, ttl_s, fraction, int(kill))]
        env = os.environ | ({"SPANTOLL_TEST_CLOCK": str(clock.path)} if clock else {})
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen([TOOL, redis.address, *numbers, *rules], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=log, text=True, env=env)

    @property
    def log(self):
        return self.log_path.read_text()

    def spend(self, service, pico):
        self._ask(f"spend {service} {pico}")

    def rows(self):
        """{service: (rolling nanodollars, ema, throttled, shadow)}"""
        words = (line.split() for line in self._ask("rows"))
        return {w[1]: (int(w[2]), float(w[3]), w[4] == "1", w[5] == "1") for w in words}

    def spend_many(self, pico_by_service):
        for service, pico in pico_by_service.items():
            self.child.stdin.write(f"spend {service} {pico}\n")
        self.child.stdin.flush()
        for _ in pico_by_service:
            assert self.child.stdout.readline() == "ok\n", f"the enforcer ended: {self.log}"

    def counters(self):
        return {w[1]: int(w[2]) for w in (line.split() for line in self._ask("counters"))}

    def counter(self, name):
        return self.counters()[name]

    def waiting(self):
        """Nanodollars that Redis has not acknowledged."""
        return int(self._ask("waiting")[0].split()[1])

    def stop(self, within_ms=5000):
        """Publishes what is left; the exit status."""
        if self.child.poll() is None:
            self.child.stdin.write(f"stop {within_ms}\n")
            self.child.stdin.flush()
        return self.child.wait(within_ms / 1000 + 60)

    def kill(self):
        self.child.kill()
        self.child.wait()

    def _ask(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        out = []
        while (answer := self.child.stdout.readline().strip()) != "ok":
            assert answer, f"the enforcer ended: {self.log}"
            out.append(answer)
        return out
