# SPDX-License-Identifier: Apache-2.0
"""`spantoll run` starts, says so, ends on a signal with status 0 within its 10 s, and survives SIGHUP."""
import signal
import subprocess
import time

import pytest

from env import otlp

pytestmark = pytest.mark.core


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(spantoll, sig):
    daemon = spantoll(exporters={"nop": {}})
    assert "everything is running" in daemon.log
    began = time.monotonic()
    daemon.child.send_signal(sig)
    assert daemon.wait(15) == 0
    assert time.monotonic() - began < 60
    assert daemon.log.rstrip().endswith("stopped")


def test_sighup_does_not_end_it(spantoll):
    daemon = spantoll(exporters={"nop": {}})
    daemon.reload()
    daemon.wait_log("reloaded: 4 components go on, nothing is new")
    assert daemon.ready()


def draining(spantoll):
    """A daemon that has been told to stop; Kafka is away, so the drain takes its time."""
    daemon = spantoll(exporters={"kafka": {"brokers": ["127.0.0.1:1"]}})
    answer = daemon.export(otlp.many("checkout", 10))
    assert answer.ok, answer
    daemon.child.send_signal(signal.SIGTERM)
    daemon.wait_log("stopping")
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.child.wait(0.5)  # it is draining, or the test would prove nothing
    return daemon


def test_ctrl_c_while_it_drains_ends_it_at_once(spantoll):
    daemon = draining(spantoll)
    daemon.expect_failure = True
    daemon.child.send_signal(signal.SIGINT)
    assert daemon.wait(5) == 128 + signal.SIGINT


def test_sigterm_again_changes_nothing(spantoll):
    """Supervisors forward it twice; what is queued keeps its ten seconds."""
    daemon = draining(spantoll)
    daemon.child.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.child.wait(2)
    assert daemon.wait(15) == 0
    assert daemon.log.rstrip().endswith("stopped")


def test_the_log_level_is_the_configurations(spantoll):
    daemon = spantoll(exporters={"nop": {}}, service={"telemetry": {"metrics": {"level": "none"},
                                                                    "logs": {"level": "error"}}})
    assert "info" not in daemon.log
