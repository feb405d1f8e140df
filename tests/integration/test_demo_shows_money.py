# SPDX-License-Identifier: Apache-2.0
"""`spantoll demo`: money within ten seconds, a throttle seen and released, and a clean terminal at the end."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from decimal import Decimal

import pytest

from env import sdk
from env.daemon import BINARY, http_get
from env.poll import eventually
from env.ports import free_port
from env.process import Process
from env.prometheus import Metrics


class Demo(Process):
    """`spantoll demo --json` on free ports; the lines it has printed so far."""

    def __init__(self, directory, *args):
        self.port, self.metrics_port, self.health_port = free_port(), free_port(), free_port()
        self.http_port = free_port()
        super().__init__([BINARY, "demo", "--json", "--port", self.port, "--metrics-port", self.metrics_port,
                          "--health-port", self.health_port, "--http-port", self.http_port, *args], directory / "demo.log", cwd="/")

    def lines(self):
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{") and line.endswith("}")]

    def last(self):
        return self.lines()[-1]

    def service(self, name):
        """The latest row of a service, or None."""
        return next((r for r in self.last()["services"] if r["service"] == name), None)

    def seen(self, service, state):
        return any(r["service"] == service and r["state"] == state for line in self.lines()
                   for r in line["services"])

    def events(self):
        return [e["text"] for line in self.lines() for e in line["events"]]


@pytest.fixture
def demo(tmp_path):
    made = []

    def start(*args):
        made.append(Demo(tmp_path, *args).spawn())
        return made[-1]

    yield start
    for d in made:
        d.kill()


def spending(line):
    """How many services spend money."""
    return len([r for r in line["services"] if Decimal(r["spend_usd"]) > 0])


@pytest.mark.core
def test_money_within_ten_seconds_and_an_sdk_has_a_row(demo):
    d = demo()
    eventually(lambda: spending(d.last()) >= 12, 10, "all twelve services spend money")
    assert max(spending(line) for line in d.lines()[:10]) >= 12, "a line each second"
    assert Decimal(d.last()["total"]["usd_per_hour"]) > 0

    provider = sdk.provider(f"127.0.0.1:{d.port}", "my-app")
    for _ in range(7):
        provider.get_tracer("t").start_span("work").end()
    provider.shutdown()
    row = eventually(lambda: d.service("my-app"), 10, "my-app has a row")
    row = eventually(lambda: d.service("my-app")["spans"] == 7 and d.service("my-app"), 10, "seven spans")
    assert row["state"] == "unpriced" and row["unpriced"] == 7
    assert Decimal(row["total_usd"]) == 0

    metrics = Metrics(http_get(f"http://127.0.0.1:{d.metrics_port}/metrics")[1])
    assert metrics.get("cost_total_usd") > 0
    assert http_get(f"http://127.0.0.1:{d.health_port}/")[0] == 200
    d.signal(signal.SIGINT)
    assert d.wait(15) == 0


@pytest.mark.core
def test_a_service_is_throttled_and_released_within_two_minutes(demo):
    d = demo()
    eventually(lambda: d.seen("ai-assistant", "THROTTLED"), 60, "ai-assistant is throttled", every=0.5)
    eventually(lambda: d.service("ai-assistant")["state"] == "ok", 75, "ai-assistant is released", every=0.5)
    events = "\n".join(d.events())
    assert re.search(r"ai-assistant THROTTLED: average \$\d+\.\d\d is over its budget of \$1\.00", events)
    assert "ai-assistant released" in events
    assert "[COST_ENFORCEMENT] ai-assistant exceeded budget: $" in d.log
    throttled = {r["service"] for line in d.lines() for r in line["services"] if r["state"] == "THROTTLED"}
    assert throttled == {"ai-assistant"}
    d.signal(signal.SIGTERM)
    assert d.wait(15) == 0


def test_a_busy_port_is_a_sentence_with_the_way_out(demo):
    first = demo("--rate", "0")
    eventually(lambda: first.lines(), 10)
    got = subprocess.run([BINARY, "demo", "--port", str(first.port)], capture_output=True, text=True, timeout=300)
    assert got.returncode == 1
    assert f"127.0.0.1:{first.port} is in use" in got.stderr and "--port 0" in got.stderr


def test_free_ports_are_taken_and_told(tmp_path):
    got = subprocess.run([BINARY, "demo", "--plain", "--port", "0", "--metrics-port", "0", "--health-port", "0",
                          "--http-port", "0", "--duration", "4s"], capture_output=True, text=True, timeout=300)
    assert got.returncode == 0, got.stderr
    assert re.search(r"export OTEL_EXPORTER_OTLP_ENDPOINT=http://127\.0\.0\.1:\d+\n", got.stdout)
    assert re.search(r"export OTEL_EXPORTER_OTLP_PROTOCOL=grpc  \(HTTP: port \d+\)", got.stdout)
    assert "frontend" in got.stdout and "TOTAL" in got.stdout
    assert "\033" not in got.stdout


def test_the_printed_configuration_is_valid(tmp_path):
    run = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 60}
    (tmp_path / "demo.yaml").write_text(subprocess.run([BINARY, "demo", "--print-config"], **run).stdout)
    (tmp_path / "prices.json").write_text(subprocess.run([BINARY, "gen", "--print-prices"], **run).stdout)
    json.loads((tmp_path / "prices.json").read_text())
    got = subprocess.run([BINARY, "validate", "--config", "demo.yaml"], **run)
    assert got.returncode == 0 and got.stderr == "", got.stderr


def test_the_terminal_is_redrawn_in_place_and_left_clean():
    """On a pseudo-terminal of 80x24: the other screen is entered and left, every frame fits."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", LANG="C.UTF-8", NO_COLOR="1")
        os.execv(BINARY, [str(BINARY), "demo", "--port", "0", "--metrics-port", "0", "--health-port", "0",
                          "--http-port", "0"])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    out, deadline, interrupted = b"", time.monotonic() + 240, False
    try:
        while time.monotonic() < deadline:
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    out += os.read(fd, 65536)
                except OSError:  # the other side is closed
                    break
            if not interrupted and out.count(b"\x1b[H") >= 6:
                os.write(fd, b"\x03")
                interrupted = True
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 0
    text = out.decode()
    entered, left = text.index("\x1b[?1049h"), text.rindex("\x1b[?1049l")
    assert entered < left and "\x1b[?25h" in text[left - 10:left + 10]
    for frame in text[entered:left].split("\x1b[H")[2:]:
        lines = re.sub(r"\x1b\[[0-9?;]*[a-zA-Z]|\r", "", frame).split("\n")
        assert len(lines) <= 24
        assert all(len(line) <= 80 for line in lines), lines
    assert "TOTAL" in text[left:], "the last table stays on the screen"
