/* SPDX-License-Identifier: Apache-2.0 */
/* Published price lists become rows by the text of their amounts; what cannot be said is told. */
#include <stdlib.h>
#include <string.h>

#include "cost/price_builder.h"
#include "prices/catalogue.h"
#include "prices/document.h"
#include "prices/import.h"
#include "tests/unit/unit.h"

struct run {
	char *out;
	char told[4096];
	struct toll_import im;
	struct toll_error why;
	int err;
};

static void note(void *context, struct toll_slice what, const char *why)
{
	struct run *r = context;
	size_t at = strlen(r->told);

	snprintf(r->told + at, sizeof(r->told) - at, "%.*s: %s\n", TOLL_FMT(what), why);
}

/* What was written is a price document without a fault. */
static void assert_valid(struct toll_slice text)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_findings findings = { 0 };
	struct toll_pricebook *book;
	struct toll_error why = { 0 };

	assert_non_null(builder);
	if (toll_prices_read(text, "out.yaml", 1, builder, &findings) != 0 || findings.count)
		fail_msg("%s in:\n%.*s", findings.count ? findings.at[0].text : "?",
		         TOLL_FMT(text));
	if (toll_pricebook_builder_finish(builder, TOLL_SLICE("1"), &book, &why) != 0)
		fail_msg("%s", why.text);
	toll_shared_unref(toll_pricebook_shared(book));
	toll_findings_release(&findings);
}

static void import_as(struct run *r, toll_import_run *format, const char *text, const char *region)
{
	size_t len;

	memset(r, 0, sizeof(*r));
	r->im = (struct toll_import){ .name = "list",
		                      .region = region,
		                      .checked_at = "2026-11-21",
		                      .left_out = note,
		                      .context = r };
	r->im.out = open_memstream(&r->out, &len);
	assert_non_null(r->im.out);
	r->err = format(&r->im, toll_slice_str(text), &r->why);
	fclose(r->im.out);
	if (!r->err)
		assert_valid(toll_slice(r->out, len));
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no <%s> in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("<%s> in:\n%s", part, text);
}

static const char litellm[] =
	"{\"sample_spec\": {\"input_cost_per_token\": 0},"
	" \"gpt-x\": {\"litellm_provider\": \"openai\", \"mode\": \"chat\","
	"  \"input_cost_per_token\": 2.5e-06, \"input_cost_per_token_above_200k_tokens\": 5e-06,"
	"  \"input_cost_per_token_flex\": 1.25e-06, \"output_cost_per_token\": 1e-05,"
	"  \"cache_read_input_token_cost\": 0.00000012500000000000000001},"
	" \"bedrock/us.Big-Model\": {\"litellm_provider\": \"bedrock_converse\","
	"  \"input_cost_per_token\": 3e-06, \"input_cost_per_token_batches\": 1.5e-06},"
	" \"painter\": {\"litellm_provider\": \"openai\", \"output_cost_per_image\": 0.04},"
	" \"odd\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": -1}}";

static void litellm_prices_go_over_by_their_text(void **state)
{
	struct run r;

	(void)state;
	import_as(&r, toll_import_litellm, litellm, NULL);
	assert_int_equal(r.err, 0);
	assert_has(r.out, "format: spantoll.prices/v1\n");
	assert_has(r.out, "defaults: {source: list, checked_at: 2026-11-21}\n");
	assert_has(r.out,
	           "{id: gpt-x, match: {provider: openai, "
	           "model: gpt-x}, price: [{meter: input_tokens, usd: 2.5e-06, per: 1, tiers: "
	           "[{over: 200000, of: context_tokens, usd: 5e-06}]}, {meter: cached_tokens, usd: "
	           "0.00000012500000000000000001, per: 1}, {meter: output_tokens, usd: 1e-05, per: "
	           "1}]}");
	/* A service tier: what it leaves out costs the same. */
	assert_has(r.out, "openai.response.service_tier: flex}, price: [{meter: input_tokens, usd: "
	                  "1.25e-06, per: 1}, {meter: cached_tokens");
	assert_has(r.out, "model: us.big-model, cost.service_tier: batch}, price: [{meter: "
	                  "input_tokens, usd: 1.5e-06");
	assert_has(r.told, "painter: has no price per token");
	assert_has(r.told, "odd: has no price per token");
	assert_int_equal(r.im.lost, 2);
	assert_int_equal(r.im.rules, 4);
	free(r.out);
}

static const char genai[] =
	"[{\"id\": \"openai\", \"model_match\": {\"starts_with\": \"m-\"}, \"models\": ["
	" {\"id\": \"m-one\", \"match\": {\"or\": [{\"equals\": \"M-One\"}, {\"equals\": \"m-1\"},"
	"   {\"starts_with\": \"m-one-\"}, {\"contains\": \"uno\"}, {\"contains\": \"UNO\"}, "
	"{\"regex\": \"^m\\\\d\"}]},"
	"  \"prices\": [{\"prices\": {\"input_mtok\": 3, \"output_mtok\": 15}},"
	"   {\"constraint\": {\"start_date\": \"2026-03-01\"}, \"prices\": {\"input_mtok\":"
	"    {\"base\": 2.50, \"tiers\": [{\"start\": 200000, \"price\": 5}]}, \"audio_hours\": "
	"1}},"
	"   {\"constraint\": {\"start_time\": \"01:00:00Z\", \"end_time\": \"02:00:00Z\"},"
	"    \"prices\": {\"input_mtok\": 1}}],"
	"  \"price_variants\": [{\"when\": {\"service_tier\": \"flex\"}, \"prices\": "
	"{\"input_mtok\": 1.25},"
	"   \"constraint\": {\"start_date\": \"2026-04-01\"}}]},"
	" {\"id\": \"free\", \"match\": {\"equals\": \"free\"}, \"prices\": {}},"
	" {\"id\": \"ear\", \"match\": {\"equals\": \"ear\"}, \"prices\": {\"audio_hours\": 1}}]},"
	" {\"id\": \"aws\", \"models\": [{\"id\": \"z\", \"match\": {\"ends_with\": \".z\"},"
	"  \"prices\": {\"input_mtok\": 1}}]}]";

static void genai_history_matching_and_tiers_become_rules(void **state)
{
	struct run r;

	(void)state;
	import_as(&r, toll_import_genai, genai, NULL);
	assert_int_equal(r.err, 0);
	assert_has(r.out,
	           "{id: openai/m-one, match: {model: {one_of: [m-one, m-1]}}, price: "
	           "[{meter: input_tokens, usd: 3, per: 1M}, {meter: output_tokens, usd: 15, "
	           "per: 1M}], valid_to: 2026-03-01}\n");
	assert_has(r.out,
	           "price: [{meter: input_tokens, usd: 2.50, per: 1M, tiers: [{over: 200000, of: "
	           "context_tokens, usd: 5}]}], valid_from: 2026-03-01}\n");
	assert_has(r.out, "{id: \"openai/m-one-*\", match: {model: {prefix: m-one-}}");
	assert_has(r.out, "{id: \"openai/*uno*\", match: {model: {glob: \"*uno*\"}}");
	assert_has(r.out, "{id: \"openai/m-one@flex\", match: {model: {one_of: [m-one, m-1]}, "
	                  "openai.response.service_tier: flex}, price: [{meter: input_tokens, usd: "
	                  "1.25, per: 1M}], valid_from: 2026-04-01}\n");
	assert_has(r.out, "{id: openai/free, match: {model: {one_of: [free]}}, free: true}\n");
	assert_has(r.out, "match: {provider: aws, model: {suffix");
	assert_has(r.out, "model: {suffix: \".z\"}");
	assert_has(r.told, "m-one: prices at certain hours of the day\n");
	assert_has(r.told, "m-one: a way to match its name that is no text");
	assert_has(r.told, "m-one: no meter for audio_hours\n");
	assert_has(r.told, "ear: no price by which a span could be charged\n");
	free(r.out);
}

static void opencost_prices_become_units(void **state)
{
	struct run r;

	(void)state;
	import_as(&r, toll_import_opencost,
	          "{\"description\": \"x\", \"CPU\": \"0.031611\", \"RAM\": \"0.004237\", \"GPU\": "
	          "\"-1\","
	          " \"internetNetworkEgress\": \"0.12\", \"newThing\": \"0.5\"}",
	          NULL);
	assert_int_equal(r.err, 0);
	assert_has(r.out,
	           "{id: compute/default, match: {kind: {one_of: [server, consumer]}}, price: "
	           "[{meter: duration, usd: 0.031611, per: 1h}]}\n");
	assert_has(r.out, "units:\n  vcpu_hour:\n    - {usd: 0.031611, per: 1}\n"
	                  "  ram_gib_hour:\n    - {usd: 0.004237, per: 1}\n");
	assert_has(r.told, "GPU: is no amount of money\n");
	assert_has(r.told, "newThing: no unit stands for this price\n");
	free(r.out);
}

#define PRODUCT(sku, region, usage)                                 \
	"\"" sku "\": {\"sku\": \"" sku                             \
	"\", \"productFamily\": \"API Request\", \"attributes\": {" \
	"\"regionCode\": \"" region "\", \"usagetype\": \"" usage "\"}}"
#define TERM(sku, usd)                                                                             \
	"\"" sku "\": {\"" sku ".JRTCKXETXF\": {\"sku\": \"" sku "\", \"effectiveDate\": "         \
	"\"2026-07-01T00:00:00Z\", \"priceDimensions\": {\"a\": {\"beginRange\": \"1000000000\", " \
	"\"endRange\": \"Inf\", \"pricePerUnit\": {\"USD\": \"0.0000000001\"}}, \"b\": {"          \
	"\"beginRange\": \"0\", \"endRange\": \"1000000000\", \"unit\": \"Requests\", "            \
	"\"pricePerUnit\": {\"USD\": \"" usd "\"}}}}}"

static const char s3[] =
	"{\"formatVersion\": \"v1.0\", \"offerCode\": \"AmazonS3\", \"products\": "
	"{" PRODUCT("A", "eu-west-1", "EUW1-Requests-Tier1") ", " PRODUCT("B", "eu-west-1", "EU-Requests-Tier2") ", " PRODUCT("C", "eu-west-1", "EUW1-TimedStorage-ByteHrs") ", " PRODUCT(
		"D", "eu-west-2",
		"EUW2-Requests-"
		"Tier1") "},"
			 " \"terms\""
			 ": "
			 "{\"OnDeman"
			 "d\": "
			 "{" TERM(
				 "A",
				 "0."
				 "0000050000") ", " TERM("B",
                                                         "0.0000004000") ", " TERM("C",
                                                                                   "0."
                                                                                   "02"
                                                                                   "30"
                                                                                   "00"
                                                                                   "00"
                                                                                   "0"
                                                                                   "0") ", " TERM("D",
                                                                                                  "0."
                                                                                                  "000"
                                                                                                  "005"
                                                                                                  "300"
                                                                                                  "0") "}}}";

static void a_list_of_aws_prices_what_the_catalogue_prices_in_its_region(void **state)
{
	struct run r;

	(void)state;
	import_as(&r, toll_import_aws_offer, s3, "eu-west-1");
	assert_int_equal(r.err, 0);
	assert_has(r.out,
	           "{id: \"aws/s3/put@eu-west-1\", match: {rpc.system: aws-api, rpc.service: ");
	assert_has(r.out,
	           ", region: eu-west-1}, price: [{meter: calls, usd: 0.0000050000, per: 1}], "
	           "valid_from: 2026-07-01}\n");
	assert_has(r.out, "usd: 0.0000004000");
	assert_has(r.out, "units:\n  s3_put:\n    - {usd: 0.0000050000, per: 1}\n");
	assert_lacks(r.out, "0.0000053");
	assert_has(r.told, "EUW1-TimedStorage-ByteHrs: no rule or unit stands for this product\n");
	free(r.out);
}

static void a_list_of_several_regions_needs_to_be_told_which(void **state)
{
	struct run r;

	(void)state;
	import_as(&r, toll_import_aws_offer, s3, NULL);
	assert_int_equal(r.err, TOLL_EINVALID);
	assert_has(r.why.text, "say which with --region");
	free(r.out);
}

static void machines_are_priced_by_the_hour(void **state)
{
	struct run r;

	(void)state;
	import_as(
		&r, toll_import_aws_offer,
		"{\"offerCode\": \"AmazonEC2\", \"products\": {\"A\": {\"attributes\": "
		"{\"usagetype\": "
		"\"EUW1-BoxUsage:m5.large\", \"instanceType\": \"m5.large\", \"operatingSystem\": "
		"\"Linux\", \"tenancy\": \"Shared\", \"preInstalledSw\": \"NA\", "
		"\"capacitystatus\": "
		"\"Used\"}}}, \"terms\": {\"OnDemand\": {" TERM("A", "0.1070000000") "}}}",
		"eu-west-1");
	assert_int_equal(r.err, 0);
	assert_has(r.out,
	           "{id: \"compute/aws/m5.large@eu-west-1\", match: {host.type: m5.large, kind: "
	           "{one_of: [server, consumer]}, region: eu-west-1}, price: [{meter: duration, "
	           "usd: 0.1070000000, per: 1h}]}\n");
	free(r.out);
}

/* Each row of import_aws.def has a row in the catalogue to take its conditions from. */
static void every_known_price_of_aws_has_its_rule(void **state)
{
#define TOLL_AWS_METER(offer, rule, usage, meter, per, more) rule,
#define TOLL_AWS_UNIT(offer, unit, usage)
	static const char *const rules[] = {
#include "prices/import_aws.def"
	};
	const char *name = "";
	struct toll_slice text = { NULL, 0 };

	(void)state;
	for (unsigned i = 0; strcmp(name, "aws") != 0; i++)
		text = toll_catalogue_document(i, &name);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		char head[96];

		snprintf(head, sizeof(head), "{id: %s, match: {", rules[i]);
		assert_has(text.ptr, head);
	}
}

static void a_table_becomes_rules_and_units(void **state)
{
	struct run r;

	(void)state;
	import_as(&r, toll_import_csv,
	          "id,service,model,meter,usd,per,valid_from,valid_to,unit\r\n"
	          "a,shop,\"glob:m-*, \"\"x\"\"\",input_tokens,2.5,1M,2026-01-01,,\n"
	          "a,shop,\"glob:m-*, \"\"x\"\"\",output_tokens,10,1M,2026-01-01,,\n"
	          "\n"
	          ",,,,0.4,1M,,2025-01-01,s3_get\n"
	          ",,,,0.3,1M,2025-01-01,,s3_get\n"
	          "b,one_of:x|y,,calls,1e-6,1,,,\n"
	          "c,,,calls,1,1,,,\n"
	          "d,shop,,calls,one,1,,,\n"
	          "e,,m1,input_tokens,1,1M,,,\n"
	          "e,,m2,output_tokens,9,1M,,,\n",
	          NULL);
	assert_int_equal(r.err, 0);
	assert_has(r.out,
	           "  - {id: a, match: {service: shop, model: {glob: \"m-*, \\\"x\\\"\"}}, "
	           "price: [{meter: input_tokens, usd: 2.5, per: 1M}, {meter: output_tokens, usd: "
	           "10, per: 1M}], valid_from: 2026-01-01}\n");
	assert_has(r.out, "  - {id: b, match: {service: {one_of: [x, \"y\"]}}, price: [{meter: "
	                  "calls, usd: 1e-6, per: 1}]}\n");
	assert_has(r.out, "units:\n  s3_get:\n    - {usd: 0.4, per: 1M, valid_to: 2025-01-01}\n    "
	                  "- {usd: 0.3, per: 1M, valid_from: 2025-01-01}\n");
	assert_has(r.told, "c,,,calls,1,1,,,: matches every span");
	assert_has(r.told, "d,shop,,calls,one,1,,,: usd is no amount of money");
	assert_has(r.told, "e,,m2,output_tokens,9,1M,,,: has the id of the line before and asks");
	assert_lacks(r.out, "usd: 9");
	assert_int_equal(r.im.lost, 3);
	free(r.out);
}

static void too_long_a_list_is_not_cut_short(void **state)
{
	char text[400] = "id,model,meter,usd,per\na,one_of:0";
	struct run r;

	(void)state;
	for (int i = 1; i < 65; i++)
		snprintf(text + strlen(text), 8, "|%d", i);
	snprintf(text + strlen(text), 32, ",calls,1,1\nb,x,calls,1,1\n");
	import_as(&r, toll_import_csv, text, NULL);
	assert_has(r.told, "one_of takes 64 texts");
	assert_int_equal(r.im.lost, 1);
	free(r.out);
}

static void what_is_no_such_list_is_refused_with_a_sentence(void **state)
{
	static const struct {
		toll_import_run *run;
		const char *text, *why;
	} cases[] = {
		{ toll_import_litellm, "[]", "must be a JSON object" },
		{ toll_import_litellm, "{\"a\": ", "ends in the middle" },
		{ toll_import_litellm, "{}", "has no price" },
		{ toll_import_genai, "{}", "must be a JSON array" },
		{ toll_import_aws_offer, "{\"offerCode\": \"AmazonS3\"}",
		  "no price list file of AWS" },
		{ toll_import_opencost, "{\"CPU\": {}}", "has no price" },
		{ toll_import_csv, "", "has no line of names" },
		{ toll_import_csv, "id,price\na,1\n", "must name the columns" },
		{ toll_import_csv, "id,usd,per\n\"a,1,1\n", "list:2: ends within quotes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run r;

		import_as(&r, cases[i].run, cases[i].text, NULL);
		assert_int_equal(r.err, TOLL_EINVALID);
		assert_has(r.why.text, cases[i].why);
		free(r.out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(litellm_prices_go_over_by_their_text),
		cmocka_unit_test(genai_history_matching_and_tiers_become_rules),
		cmocka_unit_test(opencost_prices_become_units),
		cmocka_unit_test(a_list_of_aws_prices_what_the_catalogue_prices_in_its_region),
		cmocka_unit_test(a_list_of_several_regions_needs_to_be_told_which),
		cmocka_unit_test(machines_are_priced_by_the_hour),
		cmocka_unit_test(every_known_price_of_aws_has_its_rule),
		cmocka_unit_test(a_table_becomes_rules_and_units),
		cmocka_unit_test(too_long_a_list_is_not_cut_short),
		cmocka_unit_test(what_is_no_such_list_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
