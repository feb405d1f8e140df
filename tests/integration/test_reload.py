# SPDX-License-Identifier: Apache-2.0
"""A changed configuration takes over while spans flow: what does not change goes on, a wrong file changes nothing."""
import json
import signal
import threading
import time
import urllib.request

import pytest

from env import otlp
from env.daemon import http_get
from env.otlp_http import QUIET_S, HttpClient
from env.poll import eventually
from env.ports import free_port

pytestmark = pytest.mark.core


def ids(path):
    return [json.loads(line)["span_id"] for line in path.read_text().splitlines()] if path.exists() else []


def to_file(path, **more):
    return {"path": str(path), "encoding": "json", "required": True, **more}


def send(daemon, count=10, export=None):
    """Ids of spans that the daemon said it has."""
    request = otlp.many("shop", count, "buy")
    answer = (export or daemon.export)(request)
    assert answer.ok, answer
    return {s.span_id.hex() for _, s in otlp.spans_of(request)}


def arrived(path, wanted):
    eventually(lambda: wanted <= set(ids(path)), 20, f"{len(wanted)} spans in {path.name}")
    found = ids(path)
    assert len(found) == len(set(found))


def test_exporters_come_and_go_on_one_connection(spantoll, tmp_path):
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    daemon = spantoll(exporters={"file/one": to_file(one)})
    first = send(daemon)
    daemon.reload(exporters={"file/one": to_file(one), "file/two": to_file(two)})
    second = send(daemon)
    arrived(one, first | second)
    arrived(two, second)
    daemon.reload(exporters={"file/two": to_file(two)})
    third = send(daemon)
    arrived(two, second | third)
    assert set(ids(one)) == first | second
    daemon.wait_log(r"1 new, 0 changed, 0 gone: \+exporter/file/two")
    daemon.wait_log(r"0 new, 0 changed, 1 gone: -exporter/file/one")
    assert daemon.metric("otelcol_receiver_accepted_spans", receiver="otlp") == 30
    eventually(lambda: "exporter/file/one" not in json.dumps(daemon.status()), 20, "the old exporter is gone")


def test_a_processor_and_a_pipeline_are_added(spantoll, prices, tmp_path):
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    daemon = spantoll(exporters={"file/one": to_file(one)})
    send(daemon)
    processors = {"pricing": {"file": prices({"shop:buy": "0.001"})}, "cost": {}}
    exporters = {"file/one": to_file(one), "file/two": to_file(two)}
    daemon.reload(processors=processors, exporters=exporters, pipelines={
        "traces": {"receivers": ["otlp"], "processors": ["pricing", "cost"], "exporters": ["file/one"]},
        "traces/2": {"receivers": ["otlp"], "exporters": ["file/two"]}})
    second = send(daemon)
    arrived(one, second)
    arrived(two, second)
    amounts = {r["span_id"]: r["cost_amount"] for r in map(json.loads, one.read_text().splitlines())}
    assert all(amounts[i] for i in second)
    assert daemon.metric("spantoll_priced_spans", pipeline="traces", state="priced") == 10
    # Other prices: the pricebook is another one, and so is who depends on it.
    processors["pricing"] = {"file": prices({"shop:buy": "0.002"}, "other.json")}
    daemon.reload(processors=processors, exporters=exporters)
    third = send(daemon)
    arrived(one, third)
    after = {r["span_id"]: r["cost_amount"] for r in map(json.loads, one.read_text().splitlines())}
    assert {after[i] for i in third} == {2 * a for a in {amounts[i] for i in second}}
    assert daemon.metric("spantoll_priced_spans", pipeline="traces", state="priced") == 20


def test_what_waits_in_a_queue_that_leaves_is_delivered(spantoll, tmp_path):
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    batch = {"sending_queue": {"batch": {"min_size": 100000, "flush_timeout": "10m"}}}
    daemon = spantoll(exporters={"file": to_file(one, **batch)})
    first = send(daemon)
    assert not ids(one)
    daemon.reload(exporters={"file": to_file(two)})  # the same id, another place
    second = send(daemon)
    arrived(two, second)
    arrived(one, first)
    assert daemon.metric("otelcol_exporter_sent_spans", exporter="file") == 20  # counters go on


def test_a_wrong_file_keeps_what_runs_and_says_why(spantoll, tmp_path):
    out = tmp_path / "out.jsonl"
    daemon = spantoll(exporters={"file": to_file(out)})
    first = send(daemon)
    good = daemon.config_path.read_text()
    daemon.config_path.write_text(good.replace("encoding: json", "encodign: json"))
    daemon.reload(outcome="failure")
    daemon.wait_log(r'not reloaded, the one before runs on: .*config.yaml:\d+:\d+: exporters::file::encodign: .*'
                    r'did you mean "encoding"')
    problem = daemon.status()["configuration"]["problem"]
    assert "encodign" in problem
    assert daemon.metric("spantoll_config_last_reload_successful") == 0
    arrived(out, first | send(daemon))
    daemon.config_path.write_text(good)
    daemon.reload()
    assert "problem" not in daemon.status()["configuration"]
    assert daemon.metric("spantoll_config_last_reload_successful") == 1


def test_a_component_that_cannot_start_undoes_the_reload(spantoll, tmp_path):
    """Everything else had started already: a receiver, an exporter, other limits."""
    out = tmp_path / "out.jsonl"
    exporters = {"file": to_file(out)}
    daemon = spantoll(exporters=exporters)
    limit = daemon.metric("spantoll_memory_limit_bytes")
    first = send(daemon)
    busy, free = daemon.metrics_port, free_port()
    grpc = {"protocols": {"grpc": {}}}
    daemon.reload(outcome="failure", exporters={**exporters, "file/2": to_file(tmp_path / "2.jsonl")},
                  receivers={"otlp": grpc, "otlp/ok": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{free}"}}},
                             "otlp/busy": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{busy}"}}}},
                  processors={"memory_limiter": {"check_interval": "1s", "limit_mib": 77}})
    daemon.wait_log("not reloaded, the one before runs on: .*otlp/busy")
    eventually(lambda: daemon.metric("spantoll_memory_limit_bytes") == limit, 20, "the limit is the old one")
    arrived(out, first | send(daemon))
    eventually(lambda: "otlp/ok" not in json.dumps(daemon.status()), 20, "what had started is gone")
    daemon.reload(exporters=exporters, processors={"memory_limiter": {"check_interval": "1s", "limit_mib": 77}})
    assert daemon.metric("spantoll_memory_limit_bytes") == 77 << 20
    daemon.reload(exporters=exporters)
    eventually(lambda: daemon.metric("spantoll_memory_limit_bytes") == limit, 20, "the default budget is back")


def test_a_receiver_that_changes_keeps_its_port(spantoll, tmp_path):
    out = tmp_path / "out.jsonl"
    daemon = spantoll(exporters={"file": to_file(out)})
    sent = send(daemon)
    for size in (5, 6, 7):
        grpc = {"endpoint": daemon.grpc, "max_recv_msg_size_mib": size}
        daemon.reload(exporters={"file": to_file(out)}, receivers={"otlp": {"protocols": {"grpc": grpc}}})
        # The connection is told to leave; a request that crosses that word comes again, as an SDK's does.
        sent |= send(daemon, export=daemon.client.export_until_ok)
        sent |= send(daemon, export=daemon.new_client().export_until_ok)
    arrived(out, sent)
    assert daemon.metric("otelcol_receiver_accepted_spans", receiver="otlp") == len(sent)


def test_a_receiver_that_changes_keeps_its_http_port(spantoll, tmp_path):
    """Its listening socket goes from the old server to the new one: nobody is ever refused."""
    out, port = tmp_path / "out.jsonl", free_port()
    sent, refused, stop = set(), [], threading.Event()

    def post():
        """A connection for each request."""
        while not stop.is_set():
            request, begin = otlp.many("shop", 1), time.monotonic()
            try:
                http = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", request.SerializeToString(),
                                              {"content-type": "application/x-protobuf"})
                with urllib.request.urlopen(http, timeout=60) as answer:
                    assert answer.status == 200
            except OSError as e:
                if time.monotonic() - begin < QUIET_S:
                    refused.append(e)
                continue
            sent.update(s.span_id.hex() for _, s in otlp.spans_of(request))

    def config(size):
        http = {"endpoint": f"127.0.0.1:{port}", "max_request_body_size": size}
        return {"receivers": {"otlp": {"protocols": {"http": http, "grpc": {}}}}, "exporters": {"file": to_file(out)}}

    daemon = spantoll(**config(1 << 20))
    thread = threading.Thread(target=post)
    thread.start()
    for i in range(10):
        daemon.reload(**config((2 + i % 2) << 20))
    stop.set()
    thread.join()
    assert not refused, refused[:3]
    arrived(out, sent)
    assert daemon.metric("otelcol_receiver_requests", transport="http", outcome="success") == len(sent)


def test_a_receiver_that_changes_keeps_its_unix_sockets(spantoll, tmp_path):
    """The path always leads to a server, also after a reload that failed; with the last one it is gone."""
    out, grpc, http = tmp_path / "out.jsonl", tmp_path / "sockets/grpc", tmp_path / "sockets/http"
    sent, refused, stop = set(), [], threading.Event()
    grpc.parent.mkdir()

    def post():
        """A connection for each request."""
        while not stop.is_set():
            request, begin = otlp.many("shop", 1), time.monotonic()
            try:
                with HttpClient(path=http) as client:
                    assert client.post(request).ok
            except OSError as e:
                if time.monotonic() - begin < QUIET_S:
                    refused.append(e)
                continue
            sent.update(s.span_id.hex() for _, s in otlp.spans_of(request))

    def config(size, metrics="127.0.0.1:0"):
        protocols = {"grpc": {"endpoint": str(grpc), "transport": "unix", "max_recv_msg_size_mib": size},
                     "http": {"endpoint": f"unix:{http}", "max_request_body_size": size << 20}}
        return {"receivers": {"otlp": {"protocols": protocols},
                              "otlp/last": {"protocols": {"grpc": {"endpoint": metrics}}}},
                "exporters": {"file": to_file(out)}}

    daemon = spantoll(**config(1))
    thread = threading.Thread(target=post)
    thread.start()
    old = otlp.Client(f"unix:{grpc}")
    for i in range(8):
        failed = i % 4 == 3
        daemon.reload(**config(2 + i, f"127.0.0.1:{daemon.metrics_port}" if failed else "127.0.0.1:0"),
                      outcome="failure" if failed else "success")
        new = otlp.Client(f"unix:{grpc}")
        for client in (old, new):
            sent |= send(daemon, export=client.export_until_ok)
        new.close()
    stop.set()
    thread.join()
    old.close()
    assert not refused, refused[:3]
    arrived(out, sent)
    assert daemon.metric("otelcol_receiver_requests", transport="http", outcome="success") > 20
    assert sorted(p.name for p in grpc.parent.iterdir()) == ["grpc", "http"]
    assert daemon.stop() == 0
    assert not list(grpc.parent.iterdir())


def test_servers_of_the_daemon_itself_move_and_change(spantoll):
    daemon = spantoll(exporters={"nop": {}})
    url, port = daemon.health_url, free_port()
    daemon.reload(extensions={"health_check": {"endpoint": "@HEALTH@", "path": "/alive"}})
    eventually(lambda: status_of(url + "/alive") == 200, 20, "the new path answers")
    daemon.metrics_port = port  # where metrics will be asked for
    before = daemon.log.count("the configuration is reloaded")
    daemon.config_path.write_text(daemon.config_text(extensions={
        "health_check": {"endpoint": "@HEALTH@", "path": "/alive"}}))
    daemon.child.send_signal(signal.SIGHUP)
    eventually(lambda: daemon.log.count("the configuration is reloaded") > before, 20, "reloaded")
    assert daemon.reloads() == 2
    assert status_of(url + "/alive") == 200


def status_of(url):
    return http_get(url)[0]


def test_the_log_level_follows(spantoll):
    daemon = spantoll(exporters={"nop": {}})
    levels = {"metrics": {"readers": [{"pull": {"exporter": {"prometheus": {
        "host": "127.0.0.1", "port": "@METRICS_PORT@", "without_type_suffix": True}}}}]}}
    daemon.reload(exporters={"nop": {}}, service={"telemetry": {**levels, "logs": {"level": "error"}}})
    size = len(daemon.log)
    daemon.reload()
    assert "info" not in daemon.log[size:]


def put_config_map(mount, text):
    """As the kubelet does: a new directory, then a link to it that replaces the one before in one step."""
    data = mount / f"..2026_{len(list(mount.glob('..2026_*')))}"
    data.mkdir()
    (data / "config.yaml").write_text(text)
    (mount / "..data_tmp").symlink_to(data.name)
    (mount / "..data_tmp").rename(mount / "..data")


def test_a_changed_config_map_is_taken_over_by_itself(spantoll, tmp_path):
    out = tmp_path / "out.jsonl"
    daemon = spantoll(exporters={"nop": {}})
    daemon.stop()
    put_config_map(daemon.dir, daemon.config_path.read_text())
    daemon.config_path.unlink()
    daemon.config_path.symlink_to("..data/config.yaml")
    daemon.start()
    put_config_map(daemon.dir, daemon.config_text(exporters={"file": to_file(out)}))
    eventually(lambda: daemon.reloads() == 1, 20, "the new ConfigMap is loaded")
    arrived(out, send(daemon))
    put_config_map(daemon.dir, "receivers: {}")
    eventually(lambda: daemon.reloads("failure") == 1, 20, "the wrong one is refused")
    arrived(out, send(daemon))
    put_config_map(daemon.dir, daemon.config_text(exporters={"nop": {}}))
    eventually(lambda: daemon.reloads() == 2, 20, "and another is watched for")


def test_what_is_written_beside_the_file_or_says_the_same_is_no_reload(spantoll):
    daemon = spantoll(exporters={"nop": {}})
    text = daemon.config_path.read_text()
    (daemon.dir / "other").write_text("x")
    daemon.config_path.write_text(text)
    daemon.config_path.write_text(text + "# a comment\n")
    eventually(lambda: daemon.reloads() == 1, 20, "a change is seen")
    assert daemon.reloads() == 1


def test_without_watching_only_sighup_reloads(spantoll):
    daemon = spantoll(exporters={"nop": {}}, args=["--no-watch"])
    daemon.config_path.write_text(daemon.config_path.read_text() + "# a comment\n")
    daemon.reload()  # one second look would have been due long before this is answered
    assert daemon.reloads() == 1
