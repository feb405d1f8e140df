# SPDX-License-Identifier: Apache-2.0
"""The Nth call of the daemon fails, N = 1, 2, ...: no crash, no leak, no hang; what was acknowledged is delivered and
counted once. A start that cannot be says why. (Under AddressSanitizer with `make test-full`.)"""
import errno
import signal
import time

import pytest

from env import conservation, otlp
from env.daemon import http_get
from env.faults import Faults
from env.journaled import journaled
from env.poll import eventually
from env.sender import Sender

pytestmark = pytest.mark.core
AT_START = {"memory": errno.ENOMEM, "open": errno.EMFILE, "read": errno.EIO, "write": errno.ENOSPC, "sync": errno.EIO}
RUNNING = AT_START | {"rename": errno.EROFS, "unlink": errno.EROFS, "allocate": errno.ENOSPC, "truncate": errno.EIO}
NETWORK = [(call, error, source) for call, error in (("connect", errno.ECONNREFUSED), ("send", errno.EPIPE))
           for source in ("spantoll", "librdkafka")]
MOST = 200  # calls of one kind that one request can bring about


@pytest.fixture
def faults(tmp_path):
    return Faults(tmp_path / "faults")


@pytest.fixture
def daemon(spantoll, kafka, quick_redis, prices, faults, tmp_path, request):
    """Everything that has a promise, ready. With a journal unless the test's parameter says "received"."""
    topic = kafka.topic(partitions=2)
    how = journaled(tmp_path / "storage", kafka, topic, prices, quick_redis, segment_size="64KiB")
    if getattr(request, "param", "journaled") == "received":
        del how["extensions"], how["exporters"]["kafka"]["sending_queue"]
    how["exporters"]["kafka"]["retry_on_failure"] = {"initial_interval": "50ms", "max_interval": "200ms"}
    made = spantoll(env=faults.env, **how)
    made.topic = topic
    return made


def ready_or_ended(daemon, what):
    """False: it has said why it cannot, and ended in order."""
    eventually(lambda: not daemon.running() or http_get(daemon.health_url + "/")[0] == 200, 20, f"{what}: ready, or ended")
    if daemon.running():
        return True
    assert 0 < daemon.child.returncode < 128, f"{what}: {daemon.child.returncode}:\n{daemon.log[-2000:]}"
    return False


def start_without(daemon, faults, call, nth):
    """False: there was no such call any more."""
    before = len(daemon.log)
    faults.arm(call, AT_START[call], nth)
    daemon.spawn()
    if ready_or_ended(daemon, f"{call} {nth}"):
        faults.disarm()
        client = otlp.Client(daemon.grpc)
        assert client.export_until_ok(otlp.many("service-1", 1).SerializeToString()).ok
        client.close()
        assert daemon.stop() == 0, daemon.log[before:]
    assert len(daemon.log) > before, f"{call} {nth}: it ended without a word"
    return faults.struck > 0


def starts(daemon, faults, call, step):
    daemon.stop()
    nth = 1
    while start_without(daemon, faults, call, nth):
        nth += step


@pytest.mark.parametrize("call, step", [("memory", 40), ("open", 5), ("read", 1), ("write", 5), ("sync", 1)])
def test_a_start_that_lacks_something_works_or_says_why(daemon, faults, call, step):
    starts(daemon, faults, call, step)


@pytest.mark.full
@pytest.mark.parametrize("call", AT_START)
def test_every_start_that_lacks_one_thing_works_or_says_why(daemon, faults, call):
    starts(daemon, faults, call, 1)


def torture(sender, faults, call, error, source, step=1):
    """Requests with the Nth call of a kind failing, until none has so many; how many there were."""
    for nth in range(1, MOST, step):
        faults.arm(call, error, nth, source=source)
        sender.send_one()
        if not faults.struck:
            return nth - 1
    raise AssertionError(f"{call} of {source} never comes to an end")


def check_conservation(daemon, sender, kafka, quick_redis):
    assert not sender.refused_for_good, sender.refused_for_good[:3]
    dollars, unpriced = conservation.on_kafka(kafka, daemon.topic, sender).spent()
    conservation.in_redis(quick_redis.client, dollars)
    # A span that found no memory for its price is not lost: it is listed.
    assert unpriced == daemon.metric("spantoll_unpriced_spans", reason="no_memory")


def reload_without(daemon, faults, call, nth):
    """False: there was no such call any more."""
    def ended():
        return daemon.reloads("success") + daemon.reloads("failure")

    faults.disarm()
    before, text = ended(), daemon.config_path.read_text()
    for one, other in ("flush_interval: 200ms", "flush_interval: 201ms"), ("initial_interval: 50ms", "initial_interval: 51ms"):
        assert (one in text) != (other in text)
        text = text.replace(one, other) if one in text else text.replace(other, one)
    daemon.config_path.write_text(text)  # both exporters are others
    faults.arm(call, RUNNING[call], nth)
    daemon.signal(signal.SIGHUP)
    eventually(lambda: ended() > before, 20, f"{call} {nth}: the reload ends")
    return faults.struck > 0


def stop_without(daemon, faults, call, nth):
    faults.arm(call, RUNNING[call], nth)
    assert daemon.stop() == 0, f"{call} {nth}"
    struck = faults.struck > 0
    faults.disarm()
    daemon.start()
    return struck


def turns(daemon, faults, kafka, quick_redis, turn, step):
    """Under load, until a turn has no such call any more."""
    sender = Sender(daemon.grpc, size=50, rate=500).start()
    for call in RUNNING:
        nth = 1
        while turn(daemon, faults, call, nth):
            nth += step
            assert daemon.running() and nth < 2000
    faults.disarm()
    sender.stop()
    check_conservation(daemon, sender, kafka, quick_redis)
    assert daemon.stop() == 0


TURNS = pytest.mark.parametrize("turn", [reload_without, stop_without], ids=["reload", "restart"])


@TURNS
def test_a_turn_survives_calls_that_fail(daemon, faults, kafka, quick_redis, turn):
    turns(daemon, faults, kafka, quick_redis, turn, 40)


@pytest.mark.full
@TURNS
def test_a_turn_survives_each_call_that_fails(daemon, faults, kafka, quick_redis, turn):
    turns(daemon, faults, kafka, quick_redis, turn, 1)


def sender_of(daemon, protocol, **how):
    return Sender(*((daemon.grpc, None) if protocol == "grpc" else (None, daemon.http_port)), **how)


WAYS = pytest.mark.parametrize("daemon, protocol", [("journaled", "grpc"), ("received", "http")], indirect=["daemon"])


@WAYS
def test_a_request_survives_each_call_that_fails(daemon, faults, kafka, quick_redis, protocol):
    sender, struck = sender_of(daemon, protocol, size=5), 0
    for call, error, source in [(c, e, "spantoll") for c, e in RUNNING.items()] + NETWORK:
        struck += torture(sender, faults, call, error, source)
        assert daemon.running(), (call, source)
    faults.disarm()
    assert struck > 5
    check_conservation(daemon, sender, kafka, quick_redis)
    assert daemon.stop() == 0


@WAYS
def test_what_is_missing_for_a_while_is_got_over(daemon, faults, kafka, quick_redis, protocol):
    sender = sender_of(daemon, protocol, size=50, rate=1000).start()
    for call, error in RUNNING.items():
        faults.arm(call, error, lasting=True)
        time.sleep(0.3)
        faults.disarm()
        assert daemon.running(), call
        before = sender.acknowledged_spans
        eventually(lambda: sender.acknowledged_spans > before, 20, f"requests are taken again after {call} had failed")
    sender.stop()
    check_conservation(daemon, sender, kafka, quick_redis)
    assert daemon.stop() == 0
