# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of price documents says the same as the reader, as far as a schema can."""
import json
import pathlib
import re
import subprocess

import jsonschema
import pytest
import yaml

from env.daemon import BINARY

pytestmark = pytest.mark.core

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "share/prices.schema.json").read_text())
HEAD = "format: spantoll.prices/v1\n"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Dates stay texts, as in editors."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def schema_takes(text):
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.load(text, Loader))


def reader_takes(text):
    done = subprocess.run([BINARY, "prices", "validate", "--json", "-"], input=text, text=True, capture_output=True,
                          timeout=60)
    told = json.loads(done.stdout)
    assert told["valid"] == (done.returncode == 0)
    return told["valid"]


def test_the_program_prints_it():
    done = subprocess.run([BINARY, "prices", "schema"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and json.loads(done.stdout) == SCHEMA
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_it_knows_every_meter():
    known = re.findall(r'^TOLL_QUANTITY\(\w+, "(\w+)"', (ROOT / "cost/quantities.def").read_text(), re.M)
    assert SCHEMA["$defs"]["quantity"]["enum"] == known


def documents():
    yield from sorted((ROOT / "catalogue").glob("*.yaml"))
    for page in [ROOT / "docs/prices.md", ROOT / "catalogue/README.md"]:
        if page.exists():
            for i, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)):
                if block.startswith("format: "):
                    yield pytest.param(block, id=f"{page.name}-{i}")


@pytest.mark.parametrize("document", list(documents()), ids=lambda d: getattr(d, "name", None))
def test_what_is_shipped_and_documented_is_valid(document):
    text = document if isinstance(document, str) else document.read_text()
    tree = yaml.load(text, Loader)
    if len(tree.get("rules") or []) > 500:
        tree["rules"] = tree["rules"][::5]  # the schema is slow in Python; the reader reads them all
    errors = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(tree))
    assert not errors, errors[0].message
    assert reader_takes(text)


GOOD = [
    "",
    "version: 3\ncurrency: USD\ndefaults: {source: x, checked_at: 2026-11-21}\n",
    "rules: [{id: 1, match: {service: 2, retry: true}, free: true, priority: -3}]",
    "rules: [{id: a, match: {model: {one_of: [x, 1]}}, price: [{meter: calls, usd: '1e-7', per: 1M}], free: false}]",
    "rules: [{id: a, match: {kind: client}, price: [{meter: duration, usd: .5, per: 1ms, step: 100ms, at_least: 1s}]}]",
    "rules: [{id: a, match: {kind: {one_of: [client, server]}}, free: true}]",
    "rules: [{id: a, match: {x: {exists: false}}, price: [{meter: attribute, attribute: n, usd: 1, per: 1M steps, step: 64KiB}]}]",
    "rules: [{id: a, match: {x: {glob: '*'}}, price: [{meter: gb_seconds, usd: 1, per: 1GiBs}], valid_from: 2026-01-01,"
    " valid_to: 2026-01-01T00:00:01+01:00}]" .replace("+01:00", "Z"),
    "rules: [{id: a, match: {x: y}, price: [{meter: input_tokens, usd: 1, tiers: [{over: 1k, of: context_tokens, usd: 2, per: 1M}]}]}]",
    "units: {a: {usd: 1}, b: [{usd: 1, valid_to: 2026-01-01}, {usd: 2, valid_from: 2026-01-01}]}",
    "discounts: [{id: d, rules: {prefix: a}, percent: 12.5}, {id: e, units: x, factor: 1.2, stack: true}]",
]


@pytest.mark.parametrize("text", GOOD)
def test_both_take_what_is_right(text):
    assert schema_takes(HEAD + text) and reader_takes(HEAD + text)


RULE = "rules: [{id: a, match: {service: s}, price: [{meter: calls, usd: 1}], %s}]"
METER = "rules: [{id: a, match: {service: s}, price: [{%s}]}]"
MATCH = "rules: [{id: a, match: %s, free: true}]"
STRUCTURE = [
    "rulez: []", "currency: EUR", "rules: {}", "rules: [5]", "units: []", "discounts: {}",
    "defaults: {checked_at: soon}", "defaults: {sauce: x}", "version: [1]",
    "rules: [{match: {service: s}, free: true}]", "rules: [{id: a, free: true}]", "rules: [{id: a, match: {service: s}}]",
    "rules: [{id: '', match: {service: s}, free: true}]",
    RULE % "free: true", RULE % "free: 1", RULE % "valid_from: 2024-13-01", RULE % "valid_to: 2024", RULE % "priority: high",
    RULE % "priority: 1.5", RULE % "prioritty: 1", RULE % "source: ''",
    MATCH % "{}", MATCH % "[service]", MATCH % "{service: [a]}", MATCH % "{service: }", MATCH % "{model: {prefx: a}}",
    MATCH % "{model: {prefix: a, suffix: b}}", MATCH % "{model: {one_of: []}}", MATCH % "{model: {one_of: a}}",
    MATCH % "{model: {exists: maybe}}", MATCH % "{kind: sever}", MATCH % "{kind: {one_of: [client, sever]}}",
    MATCH % "{service: ''}",
    METER % "", METER % "usd: 1", METER % "meter: calls", METER % "meter: calls, usd: null", METER % "meter: cals, usd: 1",
    METER % "meter: context_tokens, usd: 1", METER % "meter: calls, usd: -1", METER % "meter: calls, usd: 'nan'",
    METER % "meter: calls, usd: [1]", METER % "meter: calls, usd: 1, per: 0", METER % "meter: calls, usd: 1, per: 1x",
    METER % "meter: calls, usd: 1, per: 1.5", METER % "meter: attribute, usd: 1",
    METER % "meter: calls, usd: 1, attribute: x", METER % "meter: calls, usd: 1, tiers: [{usd: 2}]",
    METER % "meter: calls, usd: 1, tiers: [{over: 5, of: nothing, usd: 2}]",
    "units: {a: []}", "units: {a: [{per: 1k}]}", "units: {a: [{usd: 1, meter: calls}]}", "units: {'': {usd: 1}}",
    "discounts: [{id: d, percent: 5}]", "discounts: [{id: d, rules: a}]",
    "discounts: [{id: d, rules: a, percent: 5, factor: 1}]", "discounts: [{id: d, rules: a, percent: 101}]",
    "discounts: [{id: d, rules: a, factor: -1}]", "discounts: [{rules: a, factor: 1}]",
    "discounts: [{id: d, match: {service: a}, rules: a, percent: 1}]",
]


@pytest.mark.parametrize("text", STRUCTURE)
def test_both_refuse_a_wrong_structure(text):
    assert not schema_takes(HEAD + text)
    assert not reader_takes(HEAD + text)


@pytest.mark.parametrize("text", [
    "format: spantoll.prices/v2\n", "rules: []\n", "[]", "format: [spantoll.prices/v1]\n",
])
def test_both_refuse_another_format(text):
    assert not schema_takes(text)
    assert not reader_takes(text)


@pytest.mark.parametrize("text", [
    METER % "meter: calls, usd: 1, per: 1s", METER % "meter: duration, usd: 1", METER % "meter: calls, usd: 1, per: 1 steps",
    METER % "meter: calls, usd: '1e400'",
    "rules: [{id: a, match: {x: y}, price: [{meter: calls, usd: 1}, {meter: calls, usd: 2}]}]",
    "rules: [{id: a, match: {x: y}, free: true}, {id: a, match: {x: z}, free: true}]",
    RULE % "valid_from: 2024-02-30", RULE % "valid_from: 2024-02-01, valid_to: 2024-01-01",
])
def test_what_no_schema_can_say_the_reader_refuses(text):
    assert schema_takes(HEAD + text)
    assert not reader_takes(HEAD + text)
