# SPDX-License-Identifier: Apache-2.0
"""A configuration for traces that the OpenTelemetry Collector takes runs here unchanged where its components are here,
and fails with a sentence and a line for each that is not. The files say themselves which it is."""
import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

from env import otlp
from env.daemon import BINARY, ROOT, Daemon
from env.poll import eventually

pytestmark = pytest.mark.core

FILES = sorted(pathlib.Path(ROOT, "tests/golden/collector").glob("*.yaml"))
SECTIONS = ["receivers", "processors", "exporters", "connectors", "extensions"]


def spantoll(*args, env=None):
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **(env or {})})


def known():
    """Every type that a file can name, as (section, type)."""
    listed = json.loads(spantoll("components", "--json").stdout)
    return {(section, name) for section in SECTIONS for c in listed[section] for name in (c["name"], c["alias"]) if name}


def not_here(text):
    """What the second line of a file says."""
    second = text.splitlines()[1]
    if second == "# Loads.":
        return []
    assert second.startswith("# Not here: "), "the second line says what becomes of the file"
    return second.removeprefix("# Not here: ").split(", ")


def line_of(text, path):
    """Where the id of a component stands."""
    section, name = path.split("::")
    lines = text.splitlines()
    return next(i for i in range(lines.index(f"{section}:"), len(lines)) if lines[i].startswith(f"  {name}:")) + 1


def variables(text):
    return {name: "x" for name in re.findall(r"\$\{env:(\w+)", text)}


def test_there_are_enough_of_them():
    assert len(FILES) >= 10
    assert any(not_here(f.read_text()) == [] for f in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_it_loads_or_says_what_is_missing_and_where(path):
    text = path.read_text()
    done = spantoll("validate", "--json", path, env=variables(text))
    errors = [f for f in json.loads(done.stdout)["findings"] if f["severity"] == "error"]
    # A listed component that has come in the meantime need not be missing; nothing else may be wrong.
    listed, types = not_here(text), known()
    for error in errors:
        assert any(error["path"].startswith(p) for p in listed), error
        assert error["file"] == str(path)
    for missing in listed:
        section, name = missing.split("::")[:2]
        if section in SECTIONS and missing.count("::") == 1 and (section, name.split("/")[0]) not in types:
            (error,) = [e for e in errors if e["path"] == missing]
            assert error["line"] == line_of(text, missing)
            assert f'"{name.split("/")[0]}"' in error["text"]
            assert "is not here" in error["text"] or "this version has no" in error["text"]
    assert done.returncode == (3 if errors else 0)


@pytest.mark.parametrize("path", [f for f in FILES if not not_here(f.read_text())], ids=lambda p: p.stem)
def test_what_loads_is_printed_and_loads_again(path):
    env = variables(path.read_text())
    first = spantoll("print-config", path, env=env)
    assert first.returncode == 0, first.stderr
    # What the file says is in what is printed, except what is written in another way.
    printed, said = yaml.safe_load(first.stdout), yaml.safe_load(path.read_text())
    for section in SECTIONS:
        assert list(printed.get(section) or {}) == list(said.get(section) or {})
    for name, pipeline in said["service"]["pipelines"].items():
        assert {k: v for k, v in printed["service"]["pipelines"][name].items() if v} == pipeline
    again = spantoll("print-config", f"yaml:{first.stdout}", env=env)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout


def test_the_seeds_file_runs_as_it_is(tmp_path, kafka):
    """Only where it listens and where its Kafka is come from flags: one machine runs many tests."""
    topic = kafka.topic()
    daemon = Daemon(tmp_path, config=pathlib.Path(ROOT, "tests/golden/collector/01-seed.yaml").read_text())
    daemon.argv += [
        "--set", f"receivers.otlp.protocols.grpc.endpoint={daemon.grpc}",
        "--set", f"receivers.otlp.protocols.http.endpoint={daemon.http}",
        "--set", f"exporters.kafka.brokers=[{kafka.address}]", "--set", f"exporters.kafka.topic={topic}",
        "--set", f"extensions.health_check.endpoint=127.0.0.1:{daemon.health_port}",
        "--set", "service.extensions=[health_check]",
        "--set", f"service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: "
                 f"{daemon.metrics_port}, without_type_suffix: true}}}}}}}}]"]
    try:
        daemon.start()
        assert daemon.export(otlp.many("checkout", 3, "/pay", duration_ms=5)).ok
        records = kafka.records(topic, at_least=3, timeout=30)
        assert [r["service"] for r in records] == ["checkout"] * 3
        eventually(lambda: daemon.metric("otelcol_exporter_sent_spans") >= 3, 20, "the spans are counted")
    finally:
        daemon.close()


# ---- docs/coming-from-the-collector.md ----

PAGE = pathlib.Path(ROOT, "docs/coming-from-the-collector.md").read_text()


def test_the_page_names_flags_and_verbs_that_are_there():
    listed = spantoll("--help").stdout
    verbs = set(re.findall(r"`spantoll ([a-z-]+)", PAGE))
    assert len(verbs) >= 4
    helps = listed
    for verb in verbs:
        done = spantoll(verb, "--help")
        assert done.returncode == 0, verb
        helps += done.stdout
    for flag in set(re.findall(r"`(--[a-z-]+)", PAGE)):
        assert flag in helps or spantoll(flag).returncode == 0, flag


def test_the_yaml_of_the_page_loads(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    assert blocks
    (tmp_path / "prices.json").write_text("{}")
    for block in blocks:
        done = spantoll("validate", f"yaml:{block}", "yaml:processors::batch::timeout: 2s")
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr
