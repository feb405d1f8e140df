# SPDX-License-Identifier: Apache-2.0
"""The command line explains itself, and a slip of the finger gets a hint instead of a surprise."""
import json
import os
import re
import subprocess

import pytest
import yaml

from env.daemon import BINARY

pytestmark = pytest.mark.core


def spantoll(*args, **env):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=300, env={**os.environ, **env})


def verbs():
    listed = spantoll("--help").stdout.split("Verbs:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def test_help_lists_the_verbs():
    done = spantoll("--help")
    assert done.returncode == 0 and done.stderr == ""
    assert {"run", "validate", "print-config", "components", "version"} <= set(verbs())
    assert "Exit status" in done.stdout
    assert spantoll("help").stdout == spantoll("-h").stdout == done.stdout


def test_every_verb_has_help():
    for verb in verbs():
        done = spantoll(verb, "--help")
        assert done.returncode == 0 and done.stderr == "", verb
        assert done.stdout.startswith(f"Usage: spantoll {verb}"), verb
        assert "--help" in done.stdout
        assert all(len(line) <= 100 for line in done.stdout.splitlines()), verb


def test_help_takes_a_verb():
    assert spantoll("help", "validate").stdout == spantoll("validate", "--help").stdout
    assert 'unknown verb "validat", did you mean "validate"?' in spantoll("help", "validat").stderr


def test_every_verb_refuses_an_unknown_flag():
    for verb in verbs():
        done = spantoll(verb, "--no-such-flag-at-all")
        assert done.returncode == 2, verb
        assert f"spantoll {verb}: unknown flag --no-such-flag-at-all" in done.stderr


@pytest.mark.parametrize("args, wanted", [
    (["validat"], 'unknown verb "validat", did you mean "validate"?'),
    (["nonsense"], 'unknown verb "nonsense" (spantoll --help lists them)'),
    (["run", "--confg", "x"], "unknown flag --confg, did you mean --config?"),
    (["run", "--config"], "--config needs a value: --config LOCATION"),
    (["run"], "--config FILE is missing"),
    (["gen", "--rate", "1", "--rate", "2"], "--rate is given twice"),
    (["validate", "a.yaml", "--set", "b=c"], "--set comes too late: flags before files"),
    (["version", "x"], 'takes no argument: "x"'),
    (["components", "--output", "xml"], '"xml" is none of table, yaml, json'),
])
def test_wrong_usage_gets_a_hint(args, wanted):
    done = spantoll(*args)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert done.stdout == ""


def test_nothing_at_all_prints_help_and_fails():
    done = spantoll()
    assert done.returncode == 2
    assert "Usage: spantoll --config FILE" in done.stderr


def test_version():
    assert re.fullmatch(r"spantoll \d+\.\d+\.\d+\n", spantoll("version").stdout)
    assert spantoll("--version").stdout == spantoll("version").stdout


def test_components_speaks_the_collectors_yaml():
    listed = yaml.safe_load(spantoll("components").stdout)
    assert listed["buildinfo"]["command"] == "spantoll"
    assert "otlp" in [c["name"] for c in listed["receivers"]]
    assert {"pricing", "hash_path", "cost", "batch", "memory_limiter"} <= {c["name"] for c in listed["processors"]}
    assert {"kafka", "enforcer", "file", "debug", "nop"} <= {c["name"] for c in listed["exporters"]}
    assert {"health_check", "pricebook"} <= {c["name"] for c in listed["extensions"]}
    assert "telemetry" not in [c["name"] for c in listed["extensions"]]
    kafka = next(c for c in listed["exporters"] if c["name"] == "kafka")
    assert kafka["stability"] == {"logs": "Undefined", "metrics": "Undefined", "traces": "Beta"}
    assert kafka["module"].startswith("spantoll/exporters/kafka v")
    assert [p["scheme"] for p in listed["providers"]] == ["env", "file", "yaml"]
    for section in ["receivers", "processors", "exporters", "connectors", "extensions"]:
        assert [c["name"] for c in listed[section]] == sorted(c["name"] for c in listed[section])
    as_json = json.loads(spantoll("components", "--json").stdout)
    assert [c["name"] for c in as_json["exporters"]] == [c["name"] for c in listed["exporters"]]
    assert all(c["help"].endswith(".") for c in as_json["exporters"])


def test_no_colours_outside_of_a_terminal():
    for args in [["--help"], ["components", "--output", "table"], ["validate", "/nonexistent"]]:
        done = spantoll(*args)
        assert "\x1b" not in done.stdout + done.stderr
