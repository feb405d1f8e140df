# SPDX-License-Identifier: Apache-2.0
"""`spantoll gen`: what it says it sent is what arrived, and it says so when something did not."""
import json
import signal
import subprocess
import time
from concurrent import futures

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from env import otlp
from env.daemon import BINARY
from env.poll import eventually
from env.ports import free_port


def gen(daemon, *args, timeout=60):
    endpoint = daemon if isinstance(daemon, str) else daemon.grpc
    return subprocess.run([BINARY, "gen", "--endpoint", endpoint, "--json", *args], capture_output=True,
                          text=True, timeout=timeout)


@pytest.mark.core
@pytest.mark.parametrize("how", [(), ("--gzip",), ("--connections", "4", "--services", "40"),
                                 ("--spans-per-request", "1")],
                         ids=["plain", "gzip", "connections", "single"])
def test_every_span_arrives(spantoll, how):
    daemon = spantoll(exporters={"nop": {}})
    got = gen(daemon, "--traces", "300", "--rate", "0", *how)
    assert got.returncode == 0, got.stderr
    sent = json.loads(got.stdout)
    assert sent["traces"] == 300 and sent["spans"] > 5 * 300
    assert sent["accepted"] == sent["spans"] and sent["rejected"] == sent["failed"] == 0
    assert daemon.metric("otelcol_receiver_accepted_spans") == sent["spans"]
    daemon.wait_metric("otelcol_exporter_sent_spans", sent["spans"])


def test_the_rate_is_kept(spantoll):
    daemon = spantoll(exporters={"nop": {}})
    for _ in range(5):  # a busy machine may not be able to
        accepted = json.loads(gen(daemon, "--rate", "2000", "--duration", "4s").stdout)["accepted"]
        assert accepted < 1.05 * 8000 + 100
        if accepted > 0.8 * 8000:
            return
    pytest.fail(f"{accepted} spans in 4 s")


def test_the_shop_is_priced_by_its_example_prices(spantoll, tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(subprocess.run([BINARY, "gen", "--print-prices"], capture_output=True, text=True).stdout)
    daemon = spantoll(processors={"pricing": {"file": str(prices)}, "cost": {}}, exporters={"nop": {}})
    sent = json.loads(gen(daemon, "--traces", "500", "--rate", "0").stdout)
    assert sent["accepted"] == sent["spans"]
    assert daemon.metric("spantoll_unpriced_spans") == 0


class Scripted(grpc.GenericRpcHandler):
    """A receiver that answers each request with the next step of a script, then OK."""

    def __init__(self, *steps):
        self.steps, self.times = list(steps), []
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        self.server.add_generic_rpc_handlers((self,))
        self.endpoint = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(self.answer)

    def answer(self, request, context):
        self.times.append(time.monotonic())
        step = self.steps.pop(0) if self.steps else otlp.Response()
        if isinstance(step, otlp.Response):
            return step.SerializeToString()
        code, delay = step
        if delay:
            status = status_pb2.Status(code=code.value[0])
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay={"seconds": delay}))
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, "scripted")


@pytest.fixture
def scripted():
    made = []

    def start(*steps):
        made.append(Scripted(*steps))
        return made[-1]

    yield start
    for s in made:
        s.server.stop(None)


def test_answers_that_invite_a_retry_are_retried_with_the_servers_delay(scripted):
    server = scripted((grpc.StatusCode.UNAVAILABLE, 0), (grpc.StatusCode.RESOURCE_EXHAUSTED, 1))
    got = gen(server.endpoint, "--traces", "1")
    sent = json.loads(got.stdout)
    assert got.returncode == 0 and sent["accepted"] == sent["spans"] and sent["retries"] == 2
    first, second, third = server.times[:3]
    assert second - first >= 0.1 and third - second >= 1


def test_refusals_are_final_and_told(scripted):
    server = scripted((grpc.StatusCode.INVALID_ARGUMENT, 0), (grpc.StatusCode.RESOURCE_EXHAUSTED, 0))
    got = gen(server.endpoint, "--traces", "40", "--rate", "0", "--spans-per-request", "5")
    sent = json.loads(got.stdout)
    assert got.returncode == 1 and sent["retries"] == 0
    assert 0 < sent["failed"] <= 10 and sent["accepted"] == sent["spans"] - sent["failed"]
    assert "scripted" in sent["problem"]


def test_partial_success_is_rejected_with_its_reason(scripted):
    partial = otlp.Response()
    partial.partial_success.rejected_spans = 1
    partial.partial_success.error_message = "one was bad"
    server = scripted(partial)
    got = gen(server.endpoint, "--traces", "5")
    sent = json.loads(got.stdout)
    assert got.returncode == 1 and sent["rejected"] == 1 and sent["failed"] == 0
    assert sent["accepted"] == sent["spans"] - 1 and sent["problem"] == "one was bad"


def test_nobody_listening_is_a_failure_with_a_reason():
    got = gen(f"127.0.0.1:{free_port()}", "--duration", "1h", timeout=300)
    assert got.returncode == 1
    result = json.loads(got.stdout)
    assert result["accepted"] == 0 and result["failed"] == result["spans"] > 0
    assert result["problem"]


def test_ctrl_c_ends_with_the_summary(spantoll):
    daemon = spantoll(exporters={"nop": {}})
    child = subprocess.Popen([BINARY, "gen", "--endpoint", daemon.grpc, "--duration", "0", "--rate", "500"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    eventually(lambda: daemon.metric("otelcol_receiver_accepted_spans") > 100, 20)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    assert "accepted" in out and "100.0%" in out


def test_wrong_flags_are_told_with_their_limits():
    got = subprocess.run([BINARY, "gen", "--connections", "1000"], capture_output=True, text=True, timeout=300)
    assert got.returncode == 2 and "--connections must be from 1 to 64" in got.stderr
