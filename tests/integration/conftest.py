# SPDX-License-Identifier: Apache-2.0
"""Fixtures: real Kafka, real Redis, the real daemon. What they are made of is in tests/env/.

kafka          one broker for the whole run, shared by all workers: use topics of your own
               (kafka.topic() makes one), never stop it
own_kafka      a broker for this test alone: stop, kill, restart, pause
redis_server   a redis-server for this test alone
quick_redis    the same without a disk: what it holds is gone when it ends
enforcer       factory: the enforcer's Redis side alone, on redis_server: enforcer(("*", 500, 3600, "enforce"))
spantoll       factory: daemon = spantoll(processors={...}, exporters={...})
prices         factory: a price file from {"service:operation": "dollars per ms"}; its path
price_server   factory: the same over HTTP, answers changeable
tracer         factory: a Python SDK tracer that exports to a daemon
"""
import os
import pathlib
import shutil
import tempfile

import pytest

from env import broker as kafka_env
from env import sdk
from env.daemon import Daemon
from env.enforcer import Enforcer
from env.prices import PriceServer, book
from env.redis_server import RedisServer

LOGS = pytest.StashKey()
TAIL = 8000


def pytest_configure(config):
    """A directory for the whole run, known to all xdist workers through the environment."""
    if not hasattr(config, "workerinput"):
        os.environ["SPANTOLL_TEST_RUN"] = tempfile.mkdtemp(prefix="spantoll-test-")
        os.environ["SPANTOLL_TEST_OWNER"] = str(os.getpid())


def pytest_unconfigure(config):
    if hasattr(config, "workerinput"):
        return
    run = pathlib.Path(os.environ["SPANTOLL_TEST_RUN"])
    if (run / "kafka" / "broker").exists():
        kafka_env.Broker(run / "kafka" / "broker").dispose()
    shutil.rmtree(run, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of every log it caused."""
    report = yield
    if report.failed:
        for name, process in item.stash.get(LOGS, []):
            report.sections.append((f"log of {name}", process.log[-TAIL:]))
    return report


def remember(request, name, process):
    request.node.stash.setdefault(LOGS, []).append((name, process))
    return process


@pytest.fixture(scope="session")
def kafka():
    run = pathlib.Path(os.environ["SPANTOLL_TEST_RUN"])
    return kafka_env.shared_broker(run / "kafka", int(os.environ["SPANTOLL_TEST_OWNER"]))


@pytest.fixture
def own_kafka(tmp_path, request):
    made = remember(request, "Kafka", kafka_env.Broker(tmp_path / "kafka"))
    try:
        yield made.start()
    finally:
        made.dispose()


@pytest.fixture
def redis_server(tmp_path, request):
    made = remember(request, "Redis", RedisServer(tmp_path / "redis"))
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture
def quick_redis(tmp_path, request):
    made = remember(request, "Redis", RedisServer(tmp_path / "redis", options=["--appendonly", "no"]))
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture
def enforcer(redis_server, tmp_path, request):
    """enforcer(*budgets, **how) with the arguments of env.enforcer.Enforcer; all end with the test."""
    made = []

    def start(*budgets, **how):
        e = Enforcer(redis_server, tmp_path / f"enforcer{len(made)}.log", budgets, **how)
        made.append(remember(request, f"enforcer {len(made)}", e))
        return e

    yield start
    for e in made:
        e.kill()


@pytest.fixture
def spantoll(tmp_path, request):
    """spantoll(wait=True, **how) with the arguments of env.daemon.Daemon; all end with the test."""
    made = []

    def start(wait=True, **how):
        daemon = Daemon(tmp_path / f"spantoll{len(made)}", **how)
        made.append(remember(request, f"spantoll {len(made)}", daemon))
        return daemon.start(wait=wait)

    yield start
    errors = []
    for daemon in made:
        try:
            daemon.close()
        except AssertionError as e:
            errors.append(str(e))
    assert not errors, "\n".join(errors)


@pytest.fixture
def prices(tmp_path):
    def write(entries, name="prices.json"):
        path = tmp_path / name
        path.write_text(book(entries))
        return str(path)

    return write


@pytest.fixture
def price_server():
    made = []

    def start(entries):
        made.append(PriceServer(entries))
        return made[-1]

    yield start
    for server in made:
        server.close()


@pytest.fixture
def tracer():
    """tracer(daemon, "checkout", resource={...}) -> tracer; its .provider has force_flush()."""
    made = []

    def start(daemon, service, resource=None, gzip=False):
        provider = sdk.provider(daemon.grpc, service, resource, gzip)
        made.append(provider)
        out = provider.get_tracer("test")
        out.provider = provider
        return out

    yield start
    for provider in made:
        provider.shutdown()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    """The closing line of every stage, and a note for the sum at the end of make test."""
    count = {kind: len(terminalreporter.stats.get(kind, [])) for kind in ("passed", "failed", "error")}
    passed, failed = count["passed"], count["failed"] + count["error"]
    if os.environ.get("TOLL_TALLY"):
        with open(os.environ["TOLL_TALLY"], "a") as tally:
            print(passed, failed, file=tally)
    terminalreporter.write_line(f"{passed} passed, {failed} failed")
