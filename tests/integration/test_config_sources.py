# SPDX-License-Identifier: Apache-2.0
"""The flags of the Collector's command line: several locations merged in order, --set over all of them, and
print-config as proof of what came out."""
import json
import os
import subprocess

import pytest
import yaml

from env.daemon import BINARY

pytestmark = pytest.mark.core

BASE = """\
receivers:
  otlp:
    protocols: {grpc: {endpoint: "127.0.0.1:0"}}
processors:
  batch: {timeout: 1s}
exporters:
  kafka:
    brokers: [a:1, b:1]
    topic: ${env:TOPIC:-base}
    auth: {sasl: {mechanism: PLAIN, username: me, password: "${env:PASSWORD}"}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [kafka]}
"""


def spantoll(*args, **env):
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PASSWORD": "hunter2", **env})


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "base.yaml"
    path.write_text(BASE)
    return path


def printed(*args, **env):
    done = spantoll("print-config", *args, **env)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def test_locations_are_merged_in_their_order(base, tmp_path):
    over = tmp_path / "over.yaml"
    over.write_text("exporters: {kafka: {brokers: [c:1], topic: over}}\n")
    kafka = printed("--config", base, "--config", f"file:{over}", "--config",
                    "yaml:exporters::kafka::client_id: me", "--config", "env:MORE",
                    MORE="processors: {batch: {send_batch_size: 7}}")
    assert kafka["exporters"]["kafka"]["brokers"] == ["c:1"]  # a list is replaced
    assert kafka["exporters"]["kafka"]["topic"] == "over"
    assert kafka["exporters"]["kafka"]["client_id"] == "me"
    assert kafka["processors"]["batch"]["timeout"] == "1s"  # a mapping is joined
    assert kafka["processors"]["batch"]["send_batch_size"] == 7
    assert printed("--config", over, "--config", base)["exporters"]["kafka"]["topic"] == "base"


def test_set_wins_over_all_files(base):
    config = printed("--set", "exporters.kafka.topic=set", "--set=processors.batch.timeout=2s", "--config", base,
                     "--set=exporters.kafka.brokers=[x:1, y:1]", "--config=yaml:exporters::kafka::topic: late")
    assert config["exporters"]["kafka"]["topic"] == "set"
    assert config["exporters"]["kafka"]["brokers"] == ["x:1", "y:1"]
    assert config["processors"]["batch"]["timeout"] == "2s"


def test_findings_name_the_flag(base):
    done = spantoll("validate", "--config", base, "--set=processors.batch.timeout=soon",
                    "--config=yaml:exporters::kafka::topik: x")
    assert done.returncode == 3
    assert "--set processors.batch.timeout: error: processors::batch::timeout: \"soon\"" in done.stderr
    assert "yaml:exporters::kafka::topik: error: exporters::kafka::topik: unknown key, did you mean" in done.stderr
    done = spantoll("validate", "--config", base, "--set", "nonsense")
    assert done.returncode == 3 and "needs a key and a value" in done.stderr


def test_nothing_is_fetched(base):
    for scheme in ("http", "https"):
        done = spantoll("validate", "--config", base, "--config", f"{scheme}://example.com/c.yaml")
        assert done.returncode == 3
        assert f"not fetched over {scheme}: " in done.stderr and "fetch it to a file first" in done.stderr


def test_what_is_printed_as_json_is_what_is_printed_as_yaml(base):
    text = spantoll("print-config", base).stdout
    done = spantoll("print-config", "--format=json", base)
    assert done.returncode == 0
    as_yaml, as_json = yaml.safe_load(text), json.loads(done.stdout)
    assert as_json["exporters"] == as_yaml["exporters"]
    assert as_json["service"] == as_yaml["service"]
    assert spantoll("print-initial-config", base).stdout == text


def test_secrets_are_shown_only_when_asked_for(base):
    for args in [[], ["--format", "json"], ["--mode", "redacted"], ["--validate=false"]]:
        done = spantoll("print-config", *args, base, PASSWORD="hunter2")
        assert done.returncode == 0 and "hunter2" not in done.stdout + done.stderr, args
    assert "hunter2" in spantoll("print-config", "--mode=unredacted", base, PASSWORD="hunter2").stdout


def test_print_config_shows_what_it_understood_of_a_wrong_one(base):
    args = ["print-config", "--config", base, "--set", "exporters.kafka.topik=x"]
    done = spantoll(*args)
    assert done.returncode == 3 and done.stdout == ""
    done = spantoll(*args, "--validate=false")
    assert done.returncode == 0
    assert "exporters::kafka::topik: unknown key" in done.stderr
    assert yaml.safe_load(done.stdout)["exporters"]["kafka"]["topic"] == "base"


@pytest.mark.parametrize("args, wanted", [
    (["--format", "toml"], '--format: "toml" is none of yaml, json'),
    (["--mode", "naked"], '--mode: "naked" is none of redacted, unredacted'),
])
def test_wrong_words_are_told(base, args, wanted):
    done = spantoll("print-config", *args, base)
    assert done.returncode == 2 and wanted in done.stderr


def test_feature_gates_are_noted(base):
    done = spantoll("validate", "--config", base, "--feature-gates=+confmap.enableMergeAppendOption")
    assert done.returncode == 0
    assert '"+confmap.enableMergeAppendOption" has no effect' in done.stderr


def test_there_are_no_feature_gates():
    done = spantoll("featuregate")
    assert done.returncode == 0 and done.stdout.split() == ["ID", "Enabled", "Stage", "Description"]
    done = spantoll("featuregate", "confmap.enableMergeAppendOption")
    assert done.returncode == 1 and "not found" in done.stderr


def test_a_section_in_a_file_of_its_own_keeps_its_places(base, tmp_path):
    part = tmp_path / "kafka.yaml"
    part.write_text("brokers: [z:1]\ntopik: x\n")
    done = spantoll("validate", "--config", base, "--config", f"yaml:exporters: {{kafka: '${{file:{part}}}'}}")
    assert done.returncode == 3
    assert f"{part}:2:1: error: exporters::kafka::topik: unknown key" in done.stderr


def test_circles_of_variables_are_refused(base):
    done = spantoll("validate", base, TOPIC="${env:OTHER}", OTHER="a${env:TOPIC}")
    assert done.returncode == 3
    assert "goes round in a circle: ${env:TOPIC} in ${env:OTHER} in ${env:TOPIC}" in done.stderr
