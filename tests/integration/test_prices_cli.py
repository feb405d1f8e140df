# SPDX-License-Identifier: Apache-2.0
"""spantoll prices: documents are checked, listed, looked up and compared from the command line."""
import json
import subprocess

import pytest
import yaml

from env.daemon import BINARY

pytestmark = pytest.mark.core

BOOK = """\
format: spantoll.prices/v1
defaults: {source: "https://example.com/prices", checked_at: 2026-11-21}
rules:
  - {id: shop/carts, match: {service: shop, operation: "/carts/*"}, price: [{meter: duration, usd: 0.0125, per: 1s}]}
  - {id: shop, match: {service: shop}, price: [{meter: calls, usd: 2, per: 1k}]}
  - {id: aws/s3/put, match: {rpc.service: S3, rpc.method: {prefix: Put}}, price: [{meter: calls, usd: 5, per: 1M}], valid_from: 2026-01-01}
  - id: openai/gpt
    match: {provider: openai, model: {one_of: [gpt-x, gpt-x-2026]}}
    price: [{meter: input_tokens, usd: 2.50, per: 1M, tiers: [{over: 200k, of: context_tokens, usd: 5}]}, {meter: output_tokens, usd: 10, per: 1M}]
  - {id: health, match: {operation: {glob: "/health*"}}, free: true}
units:
  sms: {usd: 0.00645}
discounts:
  - {id: edp, rules: {prefix: aws/}, percent: 10, valid_from: 2026-06-01}
"""


def prices(*args, text=None):
    return subprocess.run([BINARY, "prices", *args], capture_output=True, text=True, timeout=60, input=text)


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text(BOOK)
    return str(path)


def test_help_lists_the_verbs():
    done = prices("--help")
    assert done.returncode == 0
    verbs = [line.split()[0] for line in done.stdout.split("Verbs:\n")[1].split("\n\n")[0].splitlines()]
    assert {"validate", "list", "lookup", "diff", "schema"} <= set(verbs)
    for verb in verbs:
        told = prices(verb, "--help")
        assert told.returncode == 0 and told.stdout.startswith(f"Usage: spantoll prices {verb}")
        assert all(len(line) <= 100 for line in told.stdout.splitlines()), verb
    assert 'unknown verb "lst", did you mean "list"?' in prices("lst").stderr
    assert prices().returncode == 2
    assert "flags go before files" in prices("list", "x.yaml", "--json").stderr


# ---- validate ----

def test_a_good_document_is_valid(book):
    done = prices("validate", book)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{book}: valid\n6 rules, 1 units\n"  # the discount makes two rows of one
    done = prices("validate", "-", text=BOOK)
    assert done.returncode == 0 and done.stdout.startswith("standard input: valid")


def test_all_problems_are_told_with_their_places(book, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(BOOK.replace("meter: calls, usd: 2,", "meter: cals, usd: -2,").replace("priority", "x")
                   .replace("free: true", "fre: true"))
    done = prices("validate", str(bad))
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f'{bad}:5:56: error: rules::shop::price::0::meter: unknown meter, did you mean "calls"?')
    assert any(f"{bad}:10" in line and "rules::health: " in line for line in lines)
    told = json.loads(prices("validate", "--json", str(bad)).stdout)
    assert not told["valid"] and {f["line"] for f in told["findings"]} == {5, 10}


def test_documents_with_errors_do_not_hide_each_other(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("format: spantoll.prices/v1\nrulez: []\n")
    done = prices("validate", *(str(tmp_path / f"{n}.yaml") for n in "ab"), str(tmp_path / "gone.yaml"))
    assert done.returncode == 3
    assert "a.yaml:2:1" in done.stderr and "b.yaml:2:1" in done.stderr
    assert "gone.yaml: error: No such file" in done.stderr


def test_the_seeds_document_is_valid():
    assert prices("validate", "examples/prices.json").returncode == 0


def test_the_largest_document_is_read(tmp_path):
    """16 MiB of the seed's rows: nearly half a million."""
    path = tmp_path / "large.json"
    rows = ",".join('"s%d:/o%d":{"cost_per_ms":1e-6}' % (i % 1000, i) for i in range(450_000))
    path.write_text("{" + rows + "}")
    assert path.stat().st_size < 16 << 20
    done = prices("validate", str(path))
    assert done.stderr == "" and "450000 rules" in done.stdout


# ---- list ----

def test_list_shows_every_row(book):
    done = prices("list", book)
    assert done.returncode == 0
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["ID", "MATCH", "USD", "VALID", "DISCOUNT", "SOURCE", "CHECKED"]
    assert [row.split()[0] for row in rows][:2] == ["shop/carts", "health"]  # the order they are tried
    text = done.stdout
    assert "service=shop operation=/carts/*" in text and "duration 0.0125/1s" in text
    assert "input_tokens 2.5/1M (5/1M over 200000 context_tokens), output_tokens 10/1M" in text
    assert "calls 4.5/1M" in text and "edp" in text and "calls 5/1M" in text and "2026-01-01 to 2026-06-01" in text
    assert "unit sms" in text and "6.45/1k" in text
    assert "\033" not in text


def test_list_takes_a_filter(book):
    def ids(word):
        return [row.split()[0] for row in prices("list", "--match", word, book).stdout.splitlines()[1:]]

    assert set(ids("aws/*")) == {"aws/s3/put"}
    assert ids("gpt-x") == ["openai/gpt"]
    assert ids("/carts") == ["shop/carts"]
    done = prices("list", "--match", "nothing-like-that", book)
    assert done.returncode == 1 and done.stdout == "" and "no row" in done.stderr


def test_what_list_tells_in_json_is_a_document_again(book, tmp_path):
    told = json.loads(prices("list", "--json", book).stdout)
    for row in told["rules"] + told["units"]:
        for key in ("document", "class", "discount"):
            row.pop(key, None)
    units = {}
    for row in told["units"]:
        units.setdefault(row.pop("id"), []).append({**row.pop("price")[0], **row})
    again = tmp_path / "again.json"
    again.write_text(json.dumps({"format": "spantoll.prices/v1", "rules": told["rules"], "units": units}))
    done = prices("diff", book, str(again))
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_nothing_named_is_the_catalogue():
    done = prices("list", "--match", "openai/*")
    assert done.returncode == 0 and "openai/gpt-4o " in done.stdout
    assert prices("list", "catalogue:nope").returncode == 3
    assert "there are llm" in prices("list", "catalogue:nope").stderr


def test_a_configuration_says_which_prices(book, tmp_path):
    config = tmp_path / "spantoll.yaml"
    config.write_text(yaml.safe_dump({
        "receivers": {"otlp": {"protocols": {"grpc": None}}},
        "processors": {"pricing": {"file": book}, "cost": {}},
        "exporters": {"debug": {}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "processors": ["pricing", "cost"],
                                             "exporters": ["debug"]}}},
    }))
    done = prices("lookup", "--config", str(config), "--service", "shop", "--operation", "/x")
    assert done.returncode == 0 and done.stdout.startswith("shop\n"), done.stderr
    done = prices("lookup", "--config", str(config), "--book", "nope", "--service", "shop")
    assert done.returncode == 3 and "there is no such extension pricebook" in done.stderr


def test_a_configuration_may_choose_sections_of_the_catalogue(book, tmp_path):
    config = tmp_path / "spantoll.yaml"
    config.write_text(yaml.safe_dump({
        "receivers": {"otlp": {"protocols": {"grpc": None}}},
        "extensions": {"pricebook": {"catalogue": ["aws", "egress"], "files": [book]}},
        "processors": {"pricing": {}, "cost": {}},
        "exporters": {"debug": {}},
        "service": {"extensions": ["pricebook"],
                    "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["pricing", "cost"],
                                             "exporters": ["debug"]}}},
    }))
    done = prices("validate", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[0] for line in done.stdout.splitlines()[:-1]] == ["catalogue:aws", "catalogue:egress", book]


# ---- lookup ----

def look(book, *flags):
    done = prices("lookup", *flags, "--json", book)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_lookup_tells_who_wins_and_why_the_others_do_not(book):
    told = look(book, "--service", "shop", "--operation", "/carts/*")
    assert told["rule"]["id"] == "shop/carts" and told["rule"]["class"] == 1
    assert [(o["rule"]["id"], o["why"]) for o in told["others"]] == [
        ("shop", "class 3 (the service's default) comes after class 1")]
    shown = prices("lookup", "--service", "shop", "--operation", "/carts/*", book).stdout
    assert shown.startswith("shop/carts\n") and "https://example.com/prices" in shown
    assert "  shop: class 3" in shown


def test_lookup_takes_the_attributes_of_a_span_as_they_are():
    named = prices("lookup", "--provider", "anthropic", "--model", "claude-sonnet-4-20250514", "catalogue")
    found = prices("lookup", "--attr", "gen_ai.system=anthropic",
                   "--attr", "gen_ai.response.model=claude-sonnet-4-20250514", "catalogue")
    assert found.returncode == 0 and found.stdout == named.stdout
    assert "input_tokens 3/1M" in found.stdout


def test_lookup_knows_dates_and_discounts(book):
    flags = ["--attr", "rpc.service=S3", "--attr", "rpc.method=PutObject", "--at"]
    assert look(book, *flags, "2026-05-31T23:59:59Z")["rule"]["price"][0]["usd"] == "5"
    new = look(book, *flags, "2026-06-01")
    assert new["rule"]["price"][0]["usd"] == "4.5" and new["rule"]["discount"] == "edp"
    assert [o["why"] for o in new["others"]] == ["is valid 2026-01-01 to 2026-06-01 only"]
    old = look(book, *flags, "2025-01-01")
    assert old["rule"] is None and len(old["others"]) == 2


def test_lookup_tells_what_is_nearly_right(book):
    done = prices("lookup", "--provider", "OpenAI", "--model", "gpt-y", book)
    assert done.returncode == 1 and done.stdout.startswith("No rule prices such a span.")
    assert 'openai/gpt: asks for model=gpt-x|gpt-x-2026, not "gpt-y"' in done.stdout
    assert look(book, "--provider", "OpenAI", "--model", "GPT-X")["rule"]["id"] == "openai/gpt"


def test_lookup_explains_wrong_flags(book):
    assert "write KEY=VALUE" in prices("lookup", "--attr", "x", book).stderr
    assert "--at soon: write 2026-11-20" in prices("lookup", "--at", "soon", book).stderr


# ---- diff ----

def test_diff_tells_added_removed_and_changed_with_the_factor(book, tmp_path):
    other = tmp_path / "new.yaml"
    other.write_text(BOOK.replace("usd: 2.50", "usd: 1.25").replace("id: health", "id: healthz")
                     .replace("operation: \"/carts/*\"", "operation: /cart").replace("0.00645", "0.0129"))
    done = prices("diff", book, str(other))
    assert done.returncode == 1
    assert "removed  health\n    - free\n" in done.stdout and "added    healthz\n    + free\n" in done.stdout
    assert ("changed  openai/gpt\n    ~ input_tokens 2.5/1M (5/1M over 200000 context_tokens) -> "
            "input_tokens 1.25/1M (5/1M over 200000 context_tokens) (x 0.5)\n") in done.stdout
    assert "~ match: service=shop operation=/carts/* -> service=shop operation=/cart" in done.stdout
    assert "changed  unit sms" in done.stdout and "(x 2)" in done.stdout
    assert done.stdout.endswith("1 added, 1 removed, 3 changed\n")
    told = json.loads(prices("diff", "--json", book, str(other)).stdout)
    assert (told["added"], told["removed"], told["changed"]) == (1, 1, 3)
    factors = {c.get("rule", c.get("unit")): [m["factor"] for m in c["meters"]]
               for c in told["changes"] if c.get("meters")}
    assert factors == {"openai/gpt": [0.5], "sms": [2]}


def test_equal_documents_do_not_differ(book):
    for args in ((book, book), ("catalogue", "catalogue")):
        done = prices("diff", *args)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert prices("diff", book).returncode == 2
    assert prices("diff", book, "/no/such/file").returncode == 3
