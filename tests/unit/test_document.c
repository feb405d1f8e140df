/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/document.h"

#include "tests/support/documents.h"
#include "tests/unit/unit.h"

#define V1 "format: spantoll.prices/v1\n"
/* One yoctodollar is 1e-24 USD. */
#define USD UINT64_C(1000000000000000000) /* 1e-6 USD */

static const struct toll_meter *meter_of(const struct loaded *l, const char *id, uint32_t i)
{
	const struct toll_price_rule *row = row_of(l, id);

	assert_non_null(row);
	assert_true(i < row->meter_count);
	return &row->meters[i];
}

static void assert_read(struct loaded *l)
{
	if (l->err) {
		toll_findings_print(&l->findings, stderr);
		fail_msg("%d %s", l->err, l->why.text);
	}
}

static void the_documented_example_is_read(void **state TOLL_UNUSED)
{
	struct loaded l = load_yaml(
		V1
		"version: \"2026-11-21\"\n"
		"currency: USD\n"
		"defaults: {source: \"https://example.com/prices\", checked_at: 2026-11-21}\n"
		"rules:\n"
		"  - id: openai/gpt-4o\n"
		"    match: {provider: openai, model: {one_of: [gpt-4o, gpt-4o-2024-08-06]}}\n"
		"    price:\n"
		"      - {meter: input_tokens,  usd: \"2.50\", per: 1M}\n"
		"      - {meter: output_tokens, usd: 10, per: 1M}\n"
		"    valid_from: 2024-08-06\n"
		"    source: https://openai.com/api/pricing\n"
		"  - id: vertex/gemini\n"
		"    match: {model: {prefix: gemini-2.5-pro}}\n"
		"    price:\n"
		"      - {meter: input_tokens, usd: 1.25, per: 1M,\n"
		"         tiers: [{over: 200k, of: context_tokens, usd: 2.5}]}\n"
		"  - id: aws/sqs/send\n"
		"    match: {rpc.system: aws-api, rpc.service: SQS}\n"
		"    price: [{meter: attribute, attribute: messaging.message.body.size, step: "
		"64KiB,"
		" at_least: 64KiB, usd: 0.4, per: 1M steps}]\n"
		"  - {id: shop, match: {service: checkout, operation: \"/carts/*\"},"
		" price: [{meter: duration, usd: 0.0125, per: 1s}], priority: 5}\n"
		"  - {id: lambda, match: {faas.name: {exists: true}},"
		" price: [{meter: gb_seconds, usd: 0.0000166667, per: 1GiBs}]}\n"
		"  - {id: status, match: {service: status, name: {glob: \"GET *\"}}, free: true}\n"
		"units:\n"
		"  s3_get: [{usd: 0.4, per: 1M}]\n"
		"  dynamodb_read: [{usd: 0.25, per: 1M, valid_to: 2024-11-01},"
		" {usd: 0.125, per: 1M, valid_from: 2024-11-01}]\n"
		"  sms: {usd: 0.00645}\n");
	const struct toll_price_rule *row;
	const struct toll_meter *m;

	assert_read(&l);
	assert_int_equal(l.findings.count, 0);
	assert_int_equal(toll_pricebook_rule_count(l.book), 6);
	assert_int_equal(toll_pricebook_unit_count(l.book), 4);

	row = row_of(&l, "openai/gpt-4o");
	assert_int_equal(row->condition_count, 2);
	assert_int_equal(row->conditions[1].op, TOLL_MATCH_ONE_OF);
	assert_int_equal(row->conditions[1].text_count, 2);
	assert_int_equal(row->valid_from_s, 1722902400);
	assert_true(row->valid_to_s == TOLL_TIME_OPEN_TO);
	assert_true(toll_slice_is(row->source, "https://openai.com/api/pricing"));
	assert_true(toll_slice_is(row->checked_at, "2026-11-21"));
	assert_true(rate_is(&row->meters[0].rate, 2500000 * (USD / 1000000), 1));
	assert_int_equal(row->meters[1].kind, TOLL_QUANTITY_OUTPUT_TOKENS);

	m = meter_of(&l, "vertex/gemini", 0);
	assert_int_equal(m->tier_count, 1);
	assert_int_equal(m->tiers[0].of, TOLL_QUANTITY_CONTEXT_TOKENS);
	assert_int_equal(m->tiers[0].over, 200000);
	assert_true(rate_is(&m->tiers[0].rate, 2500000 * (USD / 1000000), 1));
	assert_true(
		toll_slice_is(row_of(&l, "vertex/gemini")->source, "https://example.com/prices"));

	m = meter_of(&l, "aws/sqs/send", 0);
	assert_int_equal(m->step, 65536);
	assert_int_equal(m->at_least, 65536);
	assert_true(rate_is(&m->rate, 400000 * (USD / 1000000), 65536));

	assert_int_equal(row_of(&l, "shop")->priority, 5);
	assert_int_equal(row_of(&l, "shop")->conditions[1].op, TOLL_MATCH_EXACT);
	assert_true(rate_is(&meter_of(&l, "shop", 0)->rate, 12500 * (USD / 1000000), 1000));
	assert_true(rate_is(&meter_of(&l, "lambda", 0)->rate, UINT64_C(16666700000000000000),
	                    UINT64_C(1073741824000000000)));
	assert_true(row_of(&l, "status")->free);
	release(&l);
}

static void json_says_the_same(void **state TOLL_UNUSED)
{
	struct loaded l = load_json(
		"{\"rules\": [{\"id\": \"a\", \"match\": {\"http.status\": 200, \"retry\": true},"
		" \"price\": [{\"usd\": 2.50e-7, \"meter\": \"calls\"}], \"free\": false}],"
		" \"format\": \"spantoll.prices/v1\"}");
	const struct toll_price_rule *row;

	assert_read(&l);
	row = row_of(&l, "a");
	assert_true(toll_slice_is(row->conditions[0].texts[0], "200"));
	assert_true(toll_slice_is(row->conditions[1].texts[0], "true"));
	assert_true(rate_is(&row->meters[0].rate, UINT64_C(250000000000000000), 1));
	release(&l);
}

/* RULE stands for a rule that is right. */
#define RULE(more) \
	"rules: [{id: a, match: {service: s}, price: [{meter: calls, usd: 1}], " more "}]"
#define PRICE(meter) "rules: [{id: a, match: {service: s}, price: [" meter "]}]"
#define MATCH(match) "rules: [{id: a, free: true, match: " match "}]"

static const struct bad {
	const char *text, *path, *says;
} bad[] = {
	{ "rulez: []", "rulez", "did you mean \"rules\"?" },
	{ "currency: EUR", "currency", "only prices in USD" },
	{ "rules: {}", "rules", "must be a list" },
	{ "rules: [5]", "rules::0", "must be a mapping" },
	{ "units: []", "units", "must be a mapping" },
	{ "discounts: {}", "discounts", "must be a list" },
	{ "defaults: {checked_at: soon}", "defaults::checked_at", "is no date" },
	{ "rules: [{match: {service: s}, free: true}]", "rules::0", "id is missing" },
	{ "rules: [{id: a, free: true}]", "rules::a", "match is missing" },
	{ "rules: [{id: a, match: {service: s}}]", "rules::a", "has no price" },
	{ RULE("free: true"), "rules::a", "has a price and is free" },
	{ RULE("free: 1"), "rules::a::free", "true or false" },
	{ RULE("valid_from: 2024-13-01"), "rules::a::valid_from", "is no date" },
	{ RULE("valid_from: 2024-02-01, valid_to: 2024-02-01"), "rules::a", "after valid_from" },
	{ RULE("priority: high"), "rules::a::priority", "whole number" },
	{ RULE("prioritty: 1"), "rules::a::prioritty", "did you mean \"priority\"?" },
	{ RULE("source: \"\""), "rules::a::source", "is empty" },
	{ MATCH("{}"), "rules::a::match", "1 to 16 conditions" },
	{ MATCH("[service]"), "rules::a::match", "must be a mapping" },
	{ MATCH("{service: [a, b]}"), "rules::a::match::service", "one_of" },
	{ MATCH("{service: }"), "rules::a::match::service", "has no value" },
	{ MATCH("{model: {prefx: gpt}}"), "rules::a::match::model::prefx",
	  "did you mean \"prefix\"?" },
	{ MATCH("{model: {prefix: a, suffix: b}}"), "rules::a::match::model", "exactly one of" },
	{ MATCH("{model: {one_of: []}}"), "rules::a::match::model::one_of", "1 to 1000" },
	{ MATCH("{model: {exists: maybe}}"), "rules::a::match::model::exists", "true or false" },
	{ MATCH("{kind: sever}"), "rules::a::match::kind", "did you mean \"server\"?" },
	{ PRICE(""), "rules::a::price", "1 to 24 meters" },
	{ PRICE("{usd: 1}"), "rules::a::price::0", "meter is missing" },
	{ PRICE("{meter: calls}"), "rules::a::price::0", "usd is missing" },
	{ PRICE("{meter: calls, usd: null}"), "rules::a::price::0", "usd is missing" },
	{ PRICE("{meter: input_token, usd: 1}"), "rules::a::price::0::meter",
	  "did you mean \"input_tokens\"?" },
	{ PRICE("{meter: parsecs, usd: 1}"), "rules::a::price::0::meter", "unknown meter" },
	{ PRICE("{meter: context_tokens, usd: 1}"), "rules::a::price::0::meter", "only for tiers" },
	{ PRICE("{meter: calls, usd: -1}"), "rules::a::price::0::usd", "0 or more" },
	{ PRICE("{meter: calls, usd: .nan}"), "rules::a::price::0::usd", "finite decimal" },
	{ PRICE("{meter: calls, usd: .inf}"), "rules::a::price::0::usd", "finite decimal" },
	{ PRICE("{meter: calls, usd: 1e400}"), "rules::a::price::0::usd", "1e12" },
	{ PRICE("{meter: calls, usd: 0x10}"), "rules::a::price::0::usd", "finite decimal" },
	{ PRICE("{meter: calls, usd: [1]}"), "rules::a::price::0::usd", "finite decimal" },
	{ PRICE("{meter: calls, usd: 1, per: 1s}"), "rules::a::price::0::per",
	  "does not fit calls" },
	{ PRICE("{meter: duration, usd: 1}"), "rules::a::price::0", "per is missing" },
	{ PRICE("{meter: duration, usd: 1, per: 1GiB}"), "rules::a::price::0::per", "such as 1ms" },
	{ PRICE("{meter: gb_seconds, usd: 1, per: 1s}"), "rules::a::price::0::per", "1GiBs" },
	{ PRICE("{meter: calls, usd: 1, per: 1M steps}"), "rules::a::price::0::per",
	  "there is no step" },
	{ PRICE("{meter: calls, usd: 1, per: 0}"), "rules::a::price::0::per", "above 0" },
	{ PRICE("{meter: request_bytes, usd: 1, per: 1GB, step: 64}"), "rules::a::price::0::step",
	  "1KiB" },
	{ PRICE("{meter: attribute, usd: 1}"), "rules::a::price::0", "attribute is missing" },
	{ PRICE("{meter: calls, usd: 1, attribute: x}"), "rules::a::price::0::attribute", "only" },
	{ PRICE("{meter: calls, usd: 1}, {meter: calls, usd: 2}"), "rules::a::price::1",
	  "already, in line 2" },
	{ PRICE("{meter: calls, usd: 1, tiers: [{usd: 2}]}"), "rules::a::price::0::tiers::0",
	  "over is missing" },
	{ PRICE("{meter: calls, usd: 1, tiers: [{over: 5, usd: 2}, {over: 5, usd: 3}]}"),
	  "rules::a::price::0::tiers::1", "tiers go up" },
	{ PRICE("{meter: calls, usd: 1, tiers: [{over: 5, of: contxt_tokens, usd: 2}]}"),
	  "rules::a::price::0::tiers::0::of", "did you mean \"context_tokens\"?" },
	{ "rules: [{id: a, match: {service: s}, free: true},"
	  " {id: a, match: {service: t}, free: true}]",
	  "rules::a", "there already, in line 2" },
	{ "units: {a: []}", "units::a", "has no price" },
	{ "units: {a: [{per: 1k}]}", "units::a::0", "usd is missing" },
	{ "units: {a: [{usd: 1, per: 1s}]}", "units::a::0::per", "a count" },
	{ "units: {a: [{usd: 1}, {usd: 2, valid_from: 2024-01-01}]}", "units::a", "there already" },
	{ "discounts: [{id: d, percent: 5}]", "discounts::d", "needs rules or units" },
	{ "discounts: [{id: d, rules: a}]", "discounts::d", "needs one of percent" },
	{ "discounts: [{id: d, rules: a, percent: 5, factor: 1}]", "discounts::d", "needs one of" },
	{ "discounts: [{id: d, rules: a, percent: 101}]", "discounts::d::percent", "0 to 100" },
	{ "discounts: [{id: d, rules: a, percent: -1}]", "discounts::d::percent", "factor: 1.2" },
	{ "discounts: [{id: d, rules: a, factor: nan}]", "discounts::d::factor", "0 to 1000" },
	{ "discounts: [{id: d, match: {service: a}, rules: a, percent: 1}]", "discounts::d::match",
	  "priority" },
};

static void every_fault_has_a_place_and_a_sentence(void **state TOLL_UNUSED)
{
	for (size_t i = 0; i < TOLL_COUNT(bad); i++) {
		char text[512];
		struct loaded l;

		snprintf(text, sizeof(text), V1 "%s\n", bad[i].text);
		l = load_yaml(text);
		if (l.err != TOLL_EINVALID || l.findings.errors != 1 ||
		    strcmp(l.findings.at[0].path, bad[i].path) != 0 ||
		    !strstr(l.findings.at[0].text, bad[i].says) || l.findings.at[0].line != 2) {
			toll_findings_print(&l.findings, stderr);
			fail_msg("%s: %d", bad[i].text, l.err);
		}
		release(&l);
	}
}

static void all_problems_are_told_at_once(void **state TOLL_UNUSED)
{
	struct loaded l = load_yaml(V1 "rules:\n"
	                               "  - id: a\n"
	                               "    match: {servce: x, kind: client}\n"
	                               "    price:\n"
	                               "      - {meter: cals, usd: 1}\n"
	                               "      - {meter: duration, usd: -1, per: 1s}\n"
	                               "  - {id: b, match: {service: x}}\n");

	assert_int_equal(l.err, TOLL_EINVALID);
	assert_int_equal(l.findings.errors, 3);
	toll_findings_sort(&l.findings);
	assert_int_equal(l.findings.at[0].severity, TOLL_FINDING_WARNING);
	assert_non_null(strstr(l.findings.at[0].text, "did you mean \"service\"?"));
	assert_int_equal(l.findings.at[1].line, 6);
	assert_int_equal(l.findings.at[1].column, 17);
	assert_int_equal(l.findings.at[2].line, 7);
	assert_int_equal(l.findings.at[3].line, 8);
	release(&l);
}

static void other_documents_are_refused(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "format: spantoll.prices/v2\n", "reads spantoll.prices/v1" },
		{ "rules: []\n", "begin with format: spantoll.prices/v1" },
		{ "", "must be a mapping" },
		{ "a: [\n", "not valid YAML" },
		{ V1 "version: 1\nversion: 2\n", "second time (first in line 2)" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct loaded l = load_yaml(cases[i].text);

		assert_int_equal(l.err, TOLL_EINVALID);
		assert_non_null(strstr(l.findings.at[0].text, cases[i].says));
		release(&l);
	}
}

/* ---- discounts ---- */

#define PRICED(id, usd, more)                                                                   \
	"  - {id: " id ", match: {service: " id "}, price: [{meter: calls, usd: " usd "}]" more \
	"}\n"

static const struct toll_rate *rate_at(const struct loaded *l, const char *service, int64_t at_s)
{
	struct toll_price_lookup lookup = { .has = 1 };
	const struct toll_price *price;

	assert_int_equal(toll_pricebook_field_index(l->book, TOLL_SLICE("service")), 0);
	lookup.values[0] = toll_slice_str(service);
	price = toll_pricebook_find(l->book, &lookup, at_s);
	assert_non_null(price);
	return &price->rule->meters[0].rate;
}

static void discounts_are_exact_and_end(void **state TOLL_UNUSED)
{
	struct loaded l = load_yaml(V1 "rules:\n" PRICED("aws/a", "0.000001", "") PRICED(
		"b", "0.000001",
		"") "units: {s3_get: {usd: 0.000001}}\n"
	            "discounts:\n"
	            "  - {id: edp, rules: {prefix: aws/}, units: s3_get, percent: 12.5,"
	            " valid_from: 2026-01-01, valid_to: 2027-01-01}\n"
	            "  - {id: third, rules: b, factor: 0.333333333333333}\n");
	const struct toll_price *unit;

	assert_read(&l);
	assert_int_equal(l.findings.count, 0);
	assert_true(rate_is(rate_at(&l, "aws/a", 1767225599), USD, 1));
	assert_true(rate_is(rate_at(&l, "aws/a", 1767225600), USD / 1000 * 875, 1));
	assert_true(rate_is(rate_at(&l, "aws/a", 1798761600), USD, 1));
	assert_true(rate_is(rate_at(&l, "b", 0), UINT64_C(333333333333333000), 1));
	unit = toll_pricebook_unit(l.book, TOLL_SLICE("s3_get"), 1767225600);
	assert_true(rate_is(&unit->rule->meters[0].rate, USD / 1000 * 875, 1));
	assert_true(toll_slice_is(unit->rule->discount, "edp"));
	release(&l);
}

static void two_discounts_need_to_say_so(void **state TOLL_UNUSED)
{
#define TWO(more)                                                                        \
	V1 "rules:\n" PRICED("a", "0.000001", "") "discounts:\n"                         \
						  "  - {id: x, rules: a, percent: 50}\n" \
						  "  - {id: y, rules: a, percent: 10" more "}\n"
	struct loaded l = load_yaml(TWO(""));

	assert_int_equal(l.err, TOLL_EINVALID);
	assert_non_null(strstr(l.findings.at[0].text, "\"a\" has the discount \"x\" already"));
	assert_int_equal(l.findings.at[0].line, 6);
	release(&l);
	l = load_yaml(TWO(", stack: true"));
	assert_read(&l);
	assert_true(rate_is(rate_at(&l, "a", 0), USD / 100 * 45, 1));
	assert_true(toll_slice_is(row_of(&l, "a")->discount, "x + y"));
	release(&l);
}

/* Of its own document and of those below, not of those above. */
static void discounts_reach_down(void **state TOLL_UNUSED)
{
	const struct toll_slice catalogue =
		TOLL_SLICE(V1 "rules:\n" PRICED("aws/a", "0.000001", ""));
	const struct toll_slice discount =
		TOLL_SLICE(V1 "discounts: [{id: edp, rules: {glob: \"aws/*\"}, percent: 10}]\n");
	const struct toll_slice own = TOLL_SLICE(V1 "rules:\n" PRICED("aws/b", "0.000001", ""));
	struct loaded l = load_none();

	load_more(&l, catalogue, "catalogue.yaml");
	load_more(&l, discount, "discounts.yaml");
	load_more(&l, own, "own.yaml");
	load_done(&l);
	assert_read(&l);
	assert_true(rate_is(rate_at(&l, "aws/a", 0), USD / 10 * 9, 1));
	assert_true(rate_is(rate_at(&l, "aws/b", 0), USD, 1));
	release(&l);
}

static void a_discount_for_nothing_is_a_warning(void **state TOLL_UNUSED)
{
	struct loaded l =
		load_yaml(V1 "discounts: [{id: edp, rules: {prefix: aws/}, percent: 10}]\n");

	assert_read(&l);
	assert_int_equal(l.findings.count, 1);
	assert_int_equal(l.findings.at[0].severity, TOLL_FINDING_WARNING);
	release(&l);
}

/* ---- slips that are no faults ---- */

static void what_looks_like_a_slip_is_a_warning(void **state TOLL_UNUSED)
{
	static const char *const texts[] = {
		V1 MATCH("{servise: s}"),
		V1 MATCH("{service: s, operation: \"*\"}"),
		V1 MATCH("{model: gpt-4*}"),
	};

	for (size_t i = 0; i < TOLL_COUNT(texts); i++) {
		struct loaded l = load_yaml(texts[i]);

		assert_read(&l);
		assert_int_equal(l.findings.count, 1);
		assert_int_equal(l.findings.at[0].severity, TOLL_FINDING_WARNING);
		release(&l);
	}
}

static void dated_rows_follow_each_other(void **state TOLL_UNUSED)
{
	struct loaded l = load_yaml(V1 "rules:\n" PRICED("a", "0.000002", ", valid_to: 2024-11-01")
	                                    PRICED("a", "0.000001", ", valid_from: 2024-11-01"));

	assert_read(&l);
	assert_true(rate_is(rate_at(&l, "a", 1730419199), 2 * USD, 1));
	assert_true(rate_is(rate_at(&l, "a", 1730419200), USD, 1));
	release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_example_is_read),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(every_fault_has_a_place_and_a_sentence),
		cmocka_unit_test(all_problems_are_told_at_once),
		cmocka_unit_test(other_documents_are_refused),
		cmocka_unit_test(discounts_are_exact_and_end),
		cmocka_unit_test(two_discounts_need_to_say_so),
		cmocka_unit_test(discounts_reach_down),
		cmocka_unit_test(a_discount_for_nothing_is_a_warning),
		cmocka_unit_test(what_looks_like_a_slip_is_a_warning),
		cmocka_unit_test(dated_rows_follow_each_other),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
