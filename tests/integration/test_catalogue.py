# SPDX-License-Identifier: Apache-2.0
"""The shipped catalogue: its figures, that no row is dead, and how it is made from the published sources."""
import sys
from decimal import Decimal

import pytest
import yaml

from env.daemon import ROOT

sys.path.insert(0, str(ROOT / "tools/prices"))
import emit  # noqa: E402
import genai  # noqa: E402
import litellm  # noqa: E402
import order  # noqa: E402
import refresh  # noqa: E402

PER = {"": 1, "k": 10**3, "M": 10**6}
TODAY = "2026-11-21"


# ---- what ships ----

def condition_of(field, value):
    if not isinstance(value, dict):
        return genai.Condition(field, "exact", (str(value),))
    (op, texts), = value.items()
    return genai.Condition(field, op, () if op == "exists" else tuple(texts if op == "one_of" else [texts]))


def read(name):
    document = yaml.load((ROOT / "catalogue" / f"{name}.yaml").read_text(), Loader=yaml.CSafeLoader)
    rules = []
    for row in document["rules"]:
        match = tuple(condition_of(*item) for item in row["match"].items())
        rules.append(genai.Rule(row["id"], match, row.get("price", []), *(str(row[k]) if k in row else None
                                                                        for k in ("valid_from", "valid_to"))))
    return rules, document


@pytest.fixture(scope="module")
def shipped():
    return {name: read(name) for name in ("llm", "llm_hosts", "aws", "compute", "egress")}


def per_token(book, span, meter):
    rule = book.find(span, TODAY)
    found = next(m for m in rule.price if m["meter"] == meter)
    return Decimal(str(found["usd"])) / (int(found["per"][:-1]) * PER[found["per"][-1]])


@pytest.mark.parametrize("model,read_price,write_price", [
    ("gpt-4o", "2.5e-6", "1e-5"), ("gpt-4o-mini", "1.5e-7", "6e-7"),
    ("claude-3-5-haiku-20241022", "8e-7", "4e-6"), ("claude-sonnet-4-20250514", "3e-6", "1.5e-5")])
@pytest.mark.parametrize("provider", [None, "openai", "anthropic", "azure", "langchain"])
def test_models_that_everybody_asks_for_cost_what_their_makers_say(shipped, model, read_price, write_price, provider):
    book = order.Book(shipped["llm"][0] + shipped["llm_hosts"][0])
    span = {"model": model, "provider": provider}
    assert per_token(book, span, "input_tokens") == Decimal(read_price)
    assert per_token(book, span, "output_tokens") == Decimal(write_price)


def test_a_model_in_a_cloud_has_the_clouds_price(shipped):
    book = order.Book(shipped["llm"][0] + shipped["llm_hosts"][0])
    for profile in ("us", "eu", "apac", "xx"):
        span = {"provider": "aws", "model": profile + ".anthropic.claude-haiku-4-5-20251001-v1:0"}
        assert per_token(book, span, "input_tokens") == Decimal("1.1e-6")
    span["model"] = "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert per_token(book, span, "input_tokens") == Decimal("1e-6")


def test_the_tier_that_openai_answers_sets_the_price(shipped):
    book = order.Book(shipped["llm"][0])
    for attribute in ("openai.response.service_tier", "gen_ai.openai.response.service_tier"):
        standard, flex, priority = (per_token(book, {"model": "o3", "provider": "openai", attribute: tier}, "input_tokens")
                                    for tier in ("default", "flex", "priority"))
        assert flex < standard < priority


def test_the_older_price_of_dynamodb_is_kept(shipped):
    units = shipped["aws"][1]["units"]
    assert [(str(r["usd"]), str(r.get("valid_to")), str(r.get("valid_from"))) for r in units["dynamodb_read"]] == [
        ("0.25", "2024-11-01", "None"), ("0.125", "None", "2024-11-01")]
    assert [str(r["usd"]) for r in units["dynamodb_write"]] == ["1.25", "0.625"]
    for key in ("s3_get", "s3_put", "aws_lambda_request", "sqs_send", "sqs_receive", "sns_publish", "textract_page"):
        assert key in units


@pytest.mark.parametrize("sections", [("llm", "llm_hosts", "aws"), ("compute", "egress")])
def test_every_rule_can_win(shipped, sections):
    """For each row there is a span that it prices, with all others of what is read together beside it."""
    rules = [rule for name in sections for rule in shipped[name][0]]
    book = order.Book(rules)
    dead = [rule.id for rule in rules if not any(
        book.find(span, rule.valid_from or ("2000-01-01" if rule.valid_to else TODAY)) is rule
        for span in order.spans(rule))]
    assert dead == []


def test_rows_of_one_id_follow_each_other(shipped):
    """Same conditions, no day with two prices."""
    for rules, _ in shipped.values():
        rows = {}
        for rule in rules:
            rows.setdefault(rule.id, []).append(rule)
        for rule_id, dated in rows.items():
            dated.sort(key=lambda r: r.valid_from or "")
            for before, after in zip(dated, dated[1:]):
                assert before.match == after.match, rule_id
                assert before.valid_to and before.valid_to <= after.valid_from, rule_id


def test_every_row_says_where_it_comes_from(shipped):
    for _, document in shipped.values():
        assert document["format"] == "spantoll.prices/v1"
        assert document["defaults"]["source"] and document["defaults"]["checked_at"]


# ---- how it is made ----

GENAI = """
import datetime
providers: list[Provider] = [
    Provider(id='openai', name='x', pricing_urls=['https://prices.example/openai'],
        model_match=ClauseOr(or_=[ClauseStartsWith(starts_with='m-'), ClauseRegex(regex='^o[13]')]),
        models=[
            ModelInfo(id='m-one', match=ClauseOr(or_=[ClauseEquals(equals='m-one'), ClauseEquals(equals='M-1'),
                    ClauseRegex(regex='^m-one-\\\\d{4}-\\\\d{2}-\\\\d{2}$'), ClauseContains(contains='m-uno')]),
                prices=[ConditionalPrice(prices=ModelPrice(input_mtok=Decimal('3'), output_mtok=Decimal('1E+1'))),
                    ConditionalPrice(constraint=StartDateConstraint(start_date=date(2026, 3, 1)), prices=ModelPrice(
                        input_mtok=TieredPrices(base=Decimal('2.50'), tiers=[Tier(start=200000, price=Decimal('5'))]),
                        output_mtok=Decimal('10'), web_searches_kcount=Decimal('10'))),
                    ConditionalPrice(constraint=TimeOfDateConstraint(start_time=time(1, tzinfo=datetime.UTC),
                        end_time=time(2)), prices=ModelPrice(input_mtok=Decimal('1')))],
                price_variants=[PriceVariant(when={'service_tier': 'flex'}, prices=ModelPrice(output_mtok=Decimal('4')),
                    constraint=StartDateConstraint(start_date=date(2026, 4, 1)))]),
            ModelInfo(id='m-free', match=ClauseEquals(equals='m-free'), prices=ModelPrice()),
            ModelInfo(id='ear', match=ClauseEquals(equals='ear'), prices=ModelPrice(audio_hours=Decimal('3'))),
            ModelInfo(id='odd', match=ClauseRegex(regex='^(a|b)+x'), prices=ModelPrice(input_mtok=Decimal('3'))),
        ]),
]
"""


def translated(text):
    notes = []
    rules = [r for p in genai.read(text) for m in p["models"] for r in genai.model_rules(p, m, notes)]
    return rules, notes


def test_matching_and_history_become_rules():
    rules, notes = translated(GENAI)
    lines = [emit.rule(r).strip() for r in rules]
    source = 'source: "https://prices.example/openai"}'
    old = ("price: [{meter: input_tokens, usd: 3, per: 1M}, {meter: output_tokens, usd: 10, per: 1M}], "
           "valid_to: 2026-03-01, " + source)
    assert "- {id: openai/m-one, match: {model: {one_of: [m-one, m-1]}}, " + old in lines
    assert '- {id: "openai/m-one-20??-??-??", match: {model: {glob: "m-one-20??-??-??"}}, ' + old in lines
    # "*m-uno*" need not be a model of the maker's: the provider must be named.
    assert any(line.startswith('- {id: "openai/*m-uno*", match: {provider: openai, ') for line in lines)
    assert ("- {id: openai/m-one, match: {model: {one_of: [m-one, m-1]}}, price: [{meter: input_tokens, usd: 2.5, per: 1M, "
            "tiers: [{over: 200000, of: context_tokens, usd: 5}]}, {meter: output_tokens, usd: 10, per: 1M}, "
            "{meter: search_queries, usd: 10, per: 1k}], valid_from: 2026-03-01, " + source) in lines
    flex = next(r for r in rules if r.id == "openai/m-one@flex")
    assert flex.valid_from == "2026-04-01" and flex.price[0]["usd"] == "2.5" and flex.price[1]["usd"] == "4"
    assert flex.match[-1] == genai.Condition("openai.response.service_tier", "exact", ("flex",))
    assert "- {id: openai/m-free, match: {model: m-free}, free: true, " + source in lines
    assert "other prices at certain hours of the day are not in" in notes
    assert "no meter for audio_hours" in notes and not any("ear" in r.id for r in rules)
    assert "its matching cannot be said in conditions" in notes and not any("odd" in r.id for r in rules)


@pytest.mark.parametrize("regex,expected", [
    (r"^m-\d{8}$", ["m-20??????"]), (r"^m[-@]\d{8}$", ["m-20??????", "m@20??????"]),
    (r"^(x/)?m-1\.3(-\d{8})?$", ["m-1.3", "m-1.3-20??????", "x/m-1.3", "x/m-1.3-20??????"]),
    (r"^m\[fast=true\]$", ["m[fast=true]"]), (r"m-\d{8}$", None), (r"^m+$", None)])
def test_a_regular_expression_is_said_in_globs_or_not_at_all(regex, expected):
    assert genai.regex_patterns(regex) == expected


def test_two_prices_for_one_model_are_listed_and_what_only_the_second_source_has_is_taken():
    rules, _ = translated(GENAI)
    table = litellm.read("""{
        "m-one": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
                  "input_cost_per_token_above_200k_tokens": 5e-06, "output_cost_per_token": 1.1e-05},
        "azure/deep": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 1e-06,
                       "output_cost_per_token": 2e-06, "cache_read_input_token_cost": 1e-07},
        "azure/m-1": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 9e-06},
        "azure/us-east-1/deep": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 9e-06},
        "drawn": {"litellm_provider": "azure", "mode": "image_generation", "output_cost_per_image": 1}}""")
    book = order.Book(rules)
    assert list(litellm.conflicts(table, book, TODAY)) == [
        ("azure", "m-1", "openai/m-one", "input_tokens", "2.5; 5 over 200000", "9"),
        ("openai", "m-one", "openai/m-one", "output_tokens", "10", "11")]
    extra = litellm.extra_rules(table, book, TODAY, "there")
    assert [(r.id, [(m["meter"], m["usd"]) for m in r.price]) for r in extra] == [
        ("azure/deep", [("input_tokens", "1"), ("cached_tokens", "0.1"), ("output_tokens", "2")])]


def test_audio_is_not_sold_at_the_price_of_text_and_slips_of_a_thousand_are_left_out():
    rules, _ = translated(GENAI)
    table = litellm.read("""{
        "m-one": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
                  "input_cost_per_audio_token": 4e-05, "output_cost_per_audio_token": 1e-05},
        "azure/slip": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 0.0032, "output_cost_per_token": 0.01}}""")
    book = order.Book(rules)
    litellm.fill_audio(table, book, TODAY)
    found = book.find({"provider": "openai", "model": "m-one"}, TODAY)
    assert [(m["meter"], m["usd"]) for m in found.price if "audio" in m["meter"]] == [("input_audio_tokens", "40")]
    assert not litellm.extra_rules(table, book, TODAY, "there")


def test_the_difference_names_what_came_went_and_changed():
    old = "rules:\n  - {id: a, match: {model: a}, free: true}\n  - {id: b, match: {model: b}, free: true}\n"
    new = "rules:\n  - {id: c, match: {model: a}, free: true}\n  - {id: b, match: {model: bb}, free: true}\n"
    assert refresh.difference("x", old, new) == [
        "x: + c", "x: - a", "x: < - {id: b, match: {model: b}, free: true}", "x: > - {id: b, match: {model: bb}, free: true}"]
    assert refresh.difference("x", old, old) == []


@pytest.mark.full
def test_the_pinned_packages_make_the_committed_files(tmp_path, monkeypatch):
    """Byte for byte; and where the source picks a model for a name, the rule that wins is that model's."""
    texts = refresh.sources(refresh.arguments([]))
    for name, text in refresh.files(*texts).items():
        assert text == (ROOT / "catalogue" / name).read_text(), name
    providers = {p["id"]: p for p in genai.read(texts[0])}
    rules = refresh.llm_rules(providers.values(), [])
    book = order.Book(rules)
    for rule in rules:
        for span in order.spans(rule):
            theirs = genai.find(providers[rule.provider], span["model"])
            ours = book.find(span, rule.valid_from or ("2000-01-01" if rule.valid_to else TODAY))
            if theirs:  # not for geographies of Bedrock that the source does not know
                assert (ours.provider, ours.model) == (rule.provider, theirs["id"]), span
