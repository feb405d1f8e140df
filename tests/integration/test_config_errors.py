# SPDX-License-Identifier: Apache-2.0
"""A wrong configuration is refused with every problem at once, each with its place and a way out; a right
one, among them the file of the seed, is taken as it is."""
import json
import os
import pathlib
import subprocess

import pytest
import yaml

from env.certificates import Authority
from env.daemon import BINARY, ROOT, Daemon
from env.poll import eventually

pytestmark = pytest.mark.core

SEED = """\
receivers:
  otlp:
    protocols:
      grpc:
      http:
processors:
  batch:
    timeout: 5s
    send_batch_max_size: 1000
exporters:
  kafka:
    brokers:
      - kafka-01.internal:9092
      - kafka-02.internal:9092
    topic: otel-cost-spans
    encoding: json
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [kafka]
"""

GOOD = """\
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
"""


def spantoll(*args, env=None, stdin=None):
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=300, input=stdin,
                          env={**os.environ, **(env or {})})


@pytest.fixture
def write(tmp_path):
    def to_file(text, name="config.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return to_file


def findings(path, env=None):
    """What validate --json says: (exit status, findings)."""
    done = spantoll("validate", "--json", "--config", path, env=env)
    return done.returncode, json.loads(done.stdout)["findings"]


def texts(path, **how):
    return [f"{f['line']}:{f['column']} {f['severity']} {f['path']}: {f['text']}" for f in findings(path, **how)[1]]


def test_the_seeds_file_loads(write):
    status, found = findings(write(SEED))
    assert status == 0
    assert [f["severity"] for f in found if f["severity"] == "error"] == []
    assert [f for f in found if f["path"].startswith("receivers")] == []
    # send_batch_max_size below send_batch_size: clamped, and said.
    assert any(f["path"].startswith("processors::batch") and f["severity"] == "warning" for f in found)


def test_the_seeds_settings_arrive(write):
    printed = spantoll("print-config", "--config", write(SEED))
    assert printed.returncode == 0
    config = yaml.safe_load(printed.stdout)
    assert config["exporters"]["kafka"]["brokers"] == ["kafka-01.internal:9092", "kafka-02.internal:9092"]
    assert config["processors"]["batch"]["timeout"] == "5s"
    assert config["service"]["pipelines"]["traces"]["processors"] == ["batch"]


def test_all_problems_are_told_at_once_with_their_place(write):
    path = write("""\
receivers:
  otpl:
  otlp:
    protocols:
      grpc: {endpoit: "x", max_recv_msg_size_mib: many}
processors:
  batch: {timeout: 5}
exporters:
  kafka: {topik: x, producer: {compression: gzp}}
extensions:
  nosuch:
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch, x]
      exporters: [kafka]
    metrics:
      receivers: [otlp]
      exporters: [kafka]
procesors:
""")
    done = spantoll("validate", "--config", path)
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    places = [line.split(": ")[0].removeprefix(f"{path}:") for line in lines if ": error: " in line]
    assert places == ["2:3", "5:14", "5:28", "7:11", "9:11", "9:32", "11:3", "16:27", "18:5", "21:1"]
    assert all(line.startswith(f"{path}:") for line in lines)
    for wanted in ['receivers::otpl: unknown receiver type "otpl", did you mean "otlp"?',
                   'receivers::otlp::protocols::grpc::endpoit: unknown key, did you mean "endpoint"?',
                   'processors::batch::timeout: "5" needs a unit',
                   'exporters::kafka::topik: unknown key, did you mean "topic"?',
                   'did you mean "gzip"?',
                   'extensions::nosuch: unknown extension type "nosuch"',
                   'service::pipelines::traces: references processor "x" which is not configured',
                   'service::pipelines::metrics: spantoll prices spans',
                   'procesors: unknown key, did you mean "processors"?']:
        assert wanted in done.stderr


def test_run_refuses_what_validate_refuses(write):
    path = write(GOOD.replace("nop", "nopp", 1))
    done = spantoll("run", "--config", path)
    assert done.returncode == 3
    assert f'{path}:2:13: error: exporters::nopp: unknown exporter type "nopp", did you mean "nop"?' in done.stderr
    assert spantoll("--config", path).returncode == 3
    assert spantoll("print-config", "--config", path).returncode == 3


@pytest.mark.parametrize("text, wanted", [
    ("a: [1, 2\nb: 3\n", "not valid YAML"),
    ("exporters: {nop: }\nexporters: {nop: }\n", "2:1"),
    ("a: 1\n---\nb: 2\n", "second document"),
    ("", "must have at least one pipeline"),
    ("- receivers\n", "must be a mapping"),
    ("receivers:\n\totlp:\n", "indent with spaces"),
])
def test_broken_files_get_a_sentence(write, text, wanted):
    done = spantoll("validate", "--config", write(text))
    assert done.returncode == 3
    assert wanted in done.stderr


def test_a_file_that_is_not_there(tmp_path):
    done = spantoll("run", "--config", tmp_path / "none.yaml")
    assert done.returncode == 3
    assert f"{tmp_path}/none.yaml: error: cannot be read: No such file or directory" in done.stderr


def test_hostile_files_are_refused_quickly(write):
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 40))
    for text in [laughs, "[" * 100_000, "{a: " * 5000, "x" * (9 << 20), "\x01", "*a", "a: &a *a"]:
        done = spantoll("validate", "--config", write(text))
        assert done.returncode == 3, text[:40]
        assert "error" in done.stderr


def test_variables_are_expanded(write):
    path = write(GOOD.replace('"127.0.0.1:0"', '"${env:TOLL_HOST}:${env:TOLL_PORT:-4317}"') +
                 "extensions: {health_check: {endpoint: '${env:TOLL_UNSET}', path: '/$$x'}}\n")
    done = spantoll("print-config", "--config", path, env={"TOLL_HOST": "127.0.0.9"})
    assert done.returncode == 0
    config = yaml.safe_load(done.stdout)
    assert config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == "127.0.0.9:4317"
    assert config["extensions"]["health_check"]["endpoint"] == "localhost:13133"
    assert config["extensions"]["health_check"]["path"] == "/$$x"  # loads again as $x
    assert "4:39: warning: the environment variable TOLL_UNSET is not set" in done.stderr


def test_secrets_are_never_printed(write):
    path = write(SEED + "# a secret of its own\n")
    text = path.read_text().replace("    topic:", "    auth: {sasl: {mechanism: PLAIN, username: me, "
                                    "password: '${env:TOLL_PASSWORD}'}}\n    topic:")
    path.write_text(text)
    for verb in ["print-config", "validate"]:
        done = spantoll(verb, "--config", path, env={"TOLL_PASSWORD": "hunter2-hunter2"})
        assert done.returncode == 0, done.stderr
        assert "hunter2" not in done.stdout + done.stderr
    assert "[REDACTED]" in spantoll("print-config", "--config", path, env={"TOLL_PASSWORD": "x"}).stdout


@pytest.mark.parametrize("name", ["seed", "good"] + sorted(
    str(p.relative_to(ROOT)) for p in pathlib.Path(ROOT, "examples").glob("*.yaml")))
def test_what_print_config_prints_loads_again(write, name):
    text = {"seed": SEED, "good": GOOD}.get(name) or pathlib.Path(ROOT, name).read_text()
    first = spantoll("print-config", "--config", write(text))
    assert first.returncode == 0, first.stderr
    second = spantoll("print-config", "--config", write(first.stdout, "again.yaml"))
    assert second.returncode == 0, second.stderr
    assert first.stdout == second.stdout


@pytest.mark.parametrize("section, name", [("exporters", "ledger"), ("extensions", "alerts")])
def test_what_comes_later_says_so(write, section, name):
    status, found = findings(write(GOOD.replace("exporters: {nop: }", "exporters: {nop: , ledger: }")
                                   if section == "exporters" else GOOD + f"extensions: {{{name}: }}\n"))
    assert status == 3
    assert [f["path"] for f in found if f["severity"] == "error"] == [f"{section}::{name}"]
    assert any(f'this version has no "{name}"' in f["text"] for f in found)


STORAGES = """
receivers: {otlp: {acknowledge: journaled, protocols: {grpc: }}}
exporters:
  nop: {sending_queue: {storage: file_storage/a}}
  nop/b: {sending_queue: {storage: file_storage/b}}
  nop/c: {sending_queue: {storage: file_storage/x}}
  nop/d: {sending_queue: {enabled: false, storage: file_storage/a}}
extensions:
  file_storage/a: {directory: /q}
  file_storage/b: {directory: /q/}
  file_storage/c: {directory: /c, fsync: true}
service:
  extensions: [file_storage/a, file_storage/b, file_storage/c]
  pipelines:
    traces: {receivers: [otlp], exporters: [nop, nop/b, nop/c]}
    traces/d: {receivers: [otlp], exporters: [nop/d]}
"""


def test_what_exporters_storages_and_receivers_have_to_agree_on(write):
    _, found = findings(write(STORAGES))
    told = {(f["severity"], f["path"].replace("extensions::file_storage", "x"), f["text"]) for f in found}
    for severity, path, text in [
            ("error", "exporters::nop/c::sending_queue::storage", 'service::extensions has no "file_storage/x"'),
            ("error", "exporters::nop/b::sending_queue::storage", 'pipeline traces has one journal, and "nop" keeps it'),
            ("error", "x/b::directory", '"file_storage/a" has this directory already'),
            ("warning", "x/c::fsync", "everything is synced"),
            ("warning", "x/c", "no exporter names it"),
            ("warning", "exporters::nop/d::sending_queue::storage", "has no effect: sending_queue::enabled is false"),
            ("warning", "receivers::otlp::acknowledge", "pipeline traces/d has no journal")]:
        assert any(s == severity and p == path and t.startswith(text) for s, p, t in told), (path, told)
    _, found = findings(write(STORAGES.replace("storage: file_storage/", "queue_size: 1 #")
                              .replace("1 #a", "1").replace("1 #b", "1").replace("1 #x", "1")))
    assert any(f["path"] == "receivers::otlp::acknowledge" and f["text"].startswith("journaled needs a journal")
               for f in found), found
    _, found = findings(write(STORAGES.replace("directory: /q}", "directory: /q, segment_size: 1MiB}")
                              .replace("acknowledge: journaled, ", "").replace("storage: file_storage/b", "queue_size: 1")
                              .replace("storage: file_storage/x", "queue_size: 1").replace("/q/", "/b")))
    assert [f["text"][:60] for f in found if f["path"].endswith("max_recv_msg_size_mib")] == [
        "requests may be larger than a file of the journal and are th"]
    _, found = findings(write(STORAGES.replace("/q/}", '/b, max_size: 1MiB, directory_permissions: "0470"}')
                              .replace("fsync: true", "segment_size: 100000")))
    assert {f["path"].removeprefix("extensions::file_storage"): f["text"]
            for f in found if f["severity"] == "error"} == {
        "/b::directory_permissions": "must let the owner read, write and enter it (07..)",
        "/b::max_size": "must be at least two segments (segment_size: 33554432 bytes)",
        "/c::segment_size": "must be a multiple of 4KiB"}


def test_what_is_wrong_with_a_storage_names_the_way_out(write):
    one = STORAGES.replace("extensions: [file_storage/a, file_storage/b", "extensions: [file_storage/b")
    _, found = findings(write(one))
    assert any(f["path"] == "exporters::nop::sending_queue::storage" and
               f["text"].endswith("it is among the extensions: add it to that list") for f in found), found
    _, found = findings(write(STORAGES.replace("directory: /q}", "directory: /q, sync_interval: 1h, max_size: 1}")))
    assert {(f["path"], f["text"]) for f in found if f["severity"] == "error"} == {
        ("extensions::file_storage/a::sync_interval", '"1h" is too large: at most 1s'),
        ("extensions::file_storage/a::max_size", '"1" is too small: at least 128KiB')}
    for retry, warned in (("{}", False), ("{max_elapsed_time: 300s}", True), ("{max_elapsed_time: 0s}", False), ("{max_elapsed_time: 0s, enabled: false}", True)):
        _, found = findings(write(STORAGES.replace("nop: {send", f"nop: {{required: true, retry_on_failure: {retry}, send")))
        assert any(f["path"] == "exporters::nop::retry_on_failure" and "lost although clients heard OK" in f["text"]
                   for f in found) == warned, (retry, found)
    _, found = findings(write(STORAGES.replace("otlp: {acknowledge: journaled, protocols: {grpc: }}", "kafka: ")
                              .replace("[otlp]", "[kafka]")))
    assert any(f["severity"] == "warning" and f["path"] == "exporters::nop::sending_queue::storage" and
               f["text"].startswith('receiver "kafka" reads again') for f in found), found


SETTINGS_OF_THE_COLLECTOR = """
receivers:
  otlp:
    protocols:
      grpc: {include_metadata: true, middlewares: [{id: limits}], tls: {cert_file: a, key_file: b, cipher_suites: [X]}}
      http: {include_metadata: true, middlewares: [{id: limits}], tls: {cert_file: a, key_file: b, cipher_suites: [X]}}
exporters:
  otlp_grpc: {endpoint: "h:4317", auth: {authenticator: oidc}, middlewares: [{id: m}], tls: {cipher_suites: [X]}}
  otlp_http: {endpoint: "https://h", auth: {authenticator: oidc}, middlewares: [{id: m}], tls: {cipher_suites: [X]}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]}}}
"""


def test_what_the_collector_has_and_we_do_not_says_what_to_do_instead(write):
    """Where going on without it would leave the user unprotected it is an error."""
    instead = {
        "include_metadata": ("warning", "must be an attribute of spans or resources"),
        "protocols::grpc::middlewares": ("warning", "auth says who may send, max_concurrent_streams and memory_limiter"),
        "protocols::http::middlewares": ("warning", "auth says who may send, max_connections and memory_limiter"),
        "middlewares": ("warning", "what they add to requests goes into headers"),
        "receivers::otlp::protocols::grpc::tls::cipher_suites": ("error", 'remove it; min_version: "1.3" leaves'),
        "receivers::otlp::protocols::http::tls::cipher_suites": ("error", 'remove it; min_version: "1.3" leaves'),
        "tls::cipher_suites": ("warning", 'min_version: "1.3" leaves'),
        "exporters::otlp_grpc::auth": ("error", "put the token into headers"),
        "exporters::otlp_http::auth": ("error", "put the token into headers"),
    }
    status, found = findings(write(SETTINGS_OF_THE_COLLECTOR))
    assert status == 3
    told = {f["path"]: (f["severity"], f["text"]) for f in found}
    paths = [f"receivers::otlp::protocols::{p}::{k}" for p in ("grpc", "http")
             for k in ("include_metadata", "middlewares", "tls::cipher_suites")]
    paths += [f"exporters::{e}::{k}" for e in ("otlp_grpc", "otlp_http") for k in ("auth", "middlewares", "tls::cipher_suites")]
    for path in paths:
        severity, sentence = next(v for k, v in sorted(instead.items(), key=lambda i: -len(i[0])) if path.endswith(k))
        assert told[path][0] == severity and sentence in told[path][1], (path, told.get(path))


@pytest.mark.parametrize("protection", ["tls: {cert_file: server.pem, cipher_suites: [X]}", "auth: {authenticator: basicauth}"])
def test_protection_that_is_not_there_is_an_error_not_a_warning(write, protection):
    """Ignoring it would leave the user unprotected."""
    path = write(GOOD.replace('endpoint: "127.0.0.1:0"', protection))
    done = spantoll("validate", "--config", path)
    assert done.returncode == 3
    assert f"{path}:1:" in done.stderr and f"grpc::{protection.split(':')[0]}" in done.stderr


def test_unused_components_are_warned_of(write):
    found = texts(write(GOOD + "processors: {batch/spare: }\n"))
    assert any("4:14 warning processors::batch/spare: is not used by any pipeline" in f for f in found)


def test_cost_before_pricing_is_an_error(write, prices):
    text = GOOD.replace("exporters: [nop]", "processors: [cost, pricing], exporters: [nop]") + \
        f"processors: {{cost: , pricing: {{file: '{prices({})}'}}}}\n"
    status, found = findings(write(text))
    assert status == 3
    assert any('"cost" must come after "pricing"' in f["text"] for f in found)
    assert findings(write(text.replace("[cost, pricing]", "[pricing, cost]")))[0] == 0


def test_two_components_at_one_port_are_told_at_the_second(write):
    text = """\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "0.0.0.0:4317"}
      http:
        endpoint: localhost:4317
exporters: {nop: }
extensions: {zpages: {endpoint: "localhost:8888"}}
service: {extensions: [zpages], pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
"""
    assert [t for t in texts(write(text)) if " error " in t] == [
        '6:9 error receivers::otlp::protocols::http::endpoint: "localhost:4317" is taken by '
        "receivers::otlp::protocols::grpc::endpoint; choose another one",
        '8:23 error extensions::zpages::endpoint: "localhost:8888" is taken by service::telemetry::metrics ("localhost:8888"); '
        "choose another one"]


def test_an_authenticator_that_is_not_there_is_told_at_its_own_line(write):
    text = GOOD.replace('{endpoint: "127.0.0.1:0"}', '\n  {endpoint: "127.0.0.1:0",\n   auth: {authenticator: nobody}}')
    assert any(t.startswith("3:11 error receivers::otlp::protocols::grpc::auth::authenticator") for t in texts(write(text)))


TLS = """\
receivers:
  otlp:
    protocols:
      grpc:
        tls:
          cert_file: {0.cert}
          key_file: {1.key}
exporters:
  otlp:
    endpoint: there:4317
    tls:
      ca_file: {2}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp]}}}}}}
"""


def test_validate_reads_certificates_and_keys(write, tmp_path):
    ca = Authority(tmp_path)
    one, other = ca.issue("one"), ca.issue("other")

    def errors(*files):
        return [t for t in texts(write(TLS.format(*files))) if "tls" in t]

    assert errors(one, one, ca.cert) == []
    assert errors(one, other, ca.cert) == [
        "7:11 error receivers::otlp::protocols::grpc::tls::key_file: the key does not belong to the certificate"]
    assert errors(one, one, ca.dir / "none.crt") == [
        f'12:7 warning exporters::otlp::tls::ca_file: "{ca.dir}/none.crt" is not on this machine']
    (found,) = errors(one, one, write("no PEM", "junk"))
    assert found.startswith("12:7 error exporters::otlp::tls::ca_file: no certificate in PEM: ")
    (found,) = errors(one, one, tmp_path)
    assert found.startswith(f"12:7 error exporters::otlp::tls::ca_file: cannot read {tmp_path}: ")
    old = ca.issue("old", days=0)
    eventually(lambda: any("6:11 warning receivers::otlp::protocols::grpc::tls::cert_file: the certificate has expired (" in t
                           for t in errors(old, old, ca.cert)), 10)


def test_a_port_that_is_taken_names_the_setting(spantoll, tmp_path):
    first = spantoll(exporters={"nop": {}})
    second = Daemon(tmp_path / "second", exporters={"nop": {}},
                    receivers={"otlp": {"protocols": {"grpc": {"endpoint": first.grpc}}}})
    second.expect_failure = True
    second.start(wait=False)
    try:
        assert second.child.wait(30) == 1
        assert "receivers::otlp" in second.log or "receiver/otlp" in second.log
        assert first.grpc in second.log
    finally:
        second.close()
