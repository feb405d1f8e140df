/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/usage.h"

#include <stdio.h>

#include "cost/provider.h"
#include "proto/attr.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

/* ---- spans and usage as text ---- */

/* "key=i12 key=d0.5 key=stext key=[text": int, double, string, array of that one string. Texts have
 * '_' for blanks. */
static void add_attr(struct msg *m, uint32_t field, char *pair)
{
	char *value = strchr(pair, '='), *end;
	struct msg *kv, *any, *array;

	*value++ = '\0';
	for (char *c = value; *value == '[' && *c; c++)
		if (*c == '_')
			*c = ' ';
	switch (*value) {
	case 'i':
		msg_attr_int(m, field, pair, strtoll(value + 1, NULL, 10));
		return;
	case 'd':
		end = toll_write_kv_double(m->bytes + m->len, TOLL_TAG(field, TOLL_WIRE_BYTES),
		                           toll_slice_str(pair), strtod(value + 1, NULL), NULL);
		m->len = (size_t)(end - m->bytes);
		return;
	case 's':
		msg_attr_str(m, field, pair, value + 1);
		return;
	default:
		kv = msg_new(), any = msg_new(), array = msg_new();
		msg_text(any, 1, value + 1);
		msg_add(array, 1, any);
		any = msg_new();
		msg_add(any, 5, array);
		msg_text(kv, 1, pair);
		msg_add(kv, 2, any);
		msg_add(m, field, kv);
	}
}

static void add_attrs(struct msg *m, uint32_t field, const char *attrs)
{
	char *copy = strdup(attrs), *rest = copy, *pair;

	while ((pair = strsep(&rest, " ")))
		if (*pair)
			add_attr(m, field, pair);
	free(copy);
}

static struct toll_batch *batch_with(const char *scope, const char *resource, const char *attrs)
{
	struct msg *req = msg_new(), *rs = msg_new(), *ss = scope_spans_new(scope);
	struct msg *span = span_new("GetItem", 1, 2000000000), *res = resource_new("shop");

	add_attrs(span, 9, attrs);
	add_attrs(res, 1, resource);
	msg_add(ss, 2, span);
	msg_add(rs, 1, res);
	msg_add(rs, 2, ss);
	msg_add(req, 1, rs);
	return batch_of_request(req);
}

/* "provider/model agg? known? poison? quantity=n ..." */
static void print_usage(const struct toll_span_usage *u, char *out, size_t size)
{
	char number[TOLL_QUANTITY_TEXT];
	int at = snprintf(out, size, "%.*s/%.*s%s%s%s", TOLL_FMT(u->provider), TOLL_FMT(u->model),
	                  u->known ? " known" : "", u->aggregate ? " aggregate" : "",
	                  u->poison ? " poison=" : "");

	if (u->poison)
		at += snprintf(out + at, size - (size_t)at, "%s", u->poison);
	for (int k = 0; k < TOLL_QUANTITY_COUNT; k++) {
		if (!(u->has & 1u << k))
			continue;
		number[toll_quantity_print(u->quantities[k], number)] = '\0';
		at += snprintf(out + at, size - (size_t)at, " %s=%s",
		               toll_quantity_info((enum toll_quantity_kind)k)->name, number);
	}
}

struct one {
	const char *scope, *attrs, *want;
};

static void check(const char *scope, const char *resource, const char *attrs, const char *want)
{
	struct toll_batch *b = batch_with(scope, resource, attrs);
	struct toll_span_usage u;
	char got[512];

	memset(&u, 0xff, sizeof(u));
	toll_usage_read(b, &b->spans[0], &u);
	print_usage(&u, got, sizeof(got));
	if (strcmp(got, want) != 0)
		fail_msg("%s\n  is   \"%s\"\n  want \"%s\"", attrs, got, want);
	toll_batch_unref(b);
}

static void check_all(const struct one *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(cases[i].scope, "", cases[i].attrs, cases[i].want);
}

#define CHECK_ALL(cases) check_all(cases, TOLL_COUNT(cases))

/* ---- who and what ---- */

static void names_of_every_convention_are_read(void **state TOLL_UNUSED)
{
	static const struct one cases[] = {
		{ "x", "http.route=s/a", "/" },
		{ "x", "gen_ai.provider.name=sOpenAI gen_ai.request.model=sGPT-4o",
		  "openai/gpt-4o" },
		{ "x", "gen_ai.request.model=sa gen_ai.response.model=sb", "/b" },
		{ "x", "gen_ai.request.model=sa gen_ai.response.model=s", "/a" },
		{ "x", "gen_ai.system=sgcp.vertex_ai gen_ai.request.model=smodels/gemini-2.5-pro",
		  "google/gemini-2.5-pro" },
		{ "x", "gen_ai.system=saws.bedrock gen_ai.request.model=sus.anthropic.claude-v1:0",
		  "aws/us.anthropic.claude-v1:0" },
		{ "x",
		  "gen_ai.system=saz.ai.openai "
		  "gen_ai.request.model=sarn:aws:bedrock:us-east-1:1:inference-profile/eu.x",
		  "azure/eu.x" },
		{ "x", "gen_ai.request.model=saccounts/fireworks/models/a",
		  "/accounts/fireworks/models/a" },
		{ "x", "llm.provider=sAzure llm.system=sopenai llm.model_name=sgpt-4",
		  "azure/gpt-4" },
		{ "x", "ai.model.provider=santhropic.messages ai.model.id=sclaude",
		  "anthropic/claude" },
		{ "x", "gen_ai.system=sLangchain", "langchain/" },
		{ "x", "gen_ai.system=scustom.Thing", "custom.thing/" },
	};

	CHECK_ALL(cases);
}

static void aliases_are_sorted_and_lower_case(void **state TOLL_UNUSED)
{
	static const char *const names[] = {
#define TOLL_PROVIDER(name, id) name,
#include "cost/provider.def"
	};

	for (size_t i = 0; i < TOLL_COUNT(names); i++) {
		assert_true(toll_provider_id(toll_slice_str(names[i])).len > 0);
		assert_true(i == 0 || strcmp(names[i - 1], names[i]) < 0);
	}
	assert_int_equal(toll_provider_id(TOLL_SLICE("")).len, 0);
	assert_int_equal(toll_provider_id(TOLL_SLICE("...")).len, 0);
	assert_int_equal(toll_provider_id(TOLL_SLICE("nobody.openai")).len, 0);
	assert_true(toll_slice_is(toll_provider_id(TOLL_SLICE("openai.chat.x")), "openai"));
}

/* ---- tokens ---- */

static void tokens_of_every_convention_are_read(void **state TOLL_UNUSED)
{
	static const struct one cases[] = {
		{ "x", "gen_ai.usage.input_tokens=i100 gen_ai.usage.output_tokens=i7",
		  "/ known input_tokens=100 output_tokens=7 context_tokens=100" },
		{ "x", "gen_ai.usage.prompt_tokens=i100 gen_ai.usage.completion_tokens=i7",
		  "/ known input_tokens=100 output_tokens=7 context_tokens=100" },
		{ "x", "llm.token_count.prompt=i100 llm.token_count.completion=i7",
		  "/ known input_tokens=100 output_tokens=7 context_tokens=100" },
		{ "x", "ai.usage.promptTokens=i100 ai.usage.completionTokens=i7",
		  "/ known input_tokens=100 output_tokens=7 context_tokens=100" },
		{ "x", "ai.usage.tokens=i100",
		  "/ known input_tokens=100 output_tokens=0 context_tokens=100" },
		/* the better of two names; numbers in other types */
		{ "x", "gen_ai.usage.prompt_tokens=i1 gen_ai.usage.input_tokens=i2",
		  "/ known input_tokens=2 output_tokens=0 context_tokens=2" },
		{ "x", "gen_ai.usage.input_tokens=d12 gen_ai.usage.output_tokens=s3",
		  "/ known input_tokens=12 output_tokens=3 context_tokens=12" },
		/* what is missing follows from the total; a total alone tells no price */
		{ "x", "gen_ai.usage.input_tokens=i10 gen_ai.usage.total_tokens=i12",
		  "/ known input_tokens=10 output_tokens=2 context_tokens=10" },
		{ "x", "gen_ai.usage.output_tokens=i10 llm.usage.total_tokens=i12",
		  "/ known input_tokens=2 output_tokens=10 context_tokens=2" },
		{ "x", "llm.usage.total_tokens=i12", "/" },
		{ "x", "gen_ai.usage.input_tokens=sunknown", "/" },
		/* Not 0 beside a count: the span would be charged for a part of it. */
		{ "x", "gen_ai.usage.input_tokens=sunknown gen_ai.usage.output_tokens=i5",
		  "/ known poison=tokens" },
		{ "x", "gen_ai.usage.input_tokens=i0",
		  "/ known input_tokens=0 output_tokens=0 context_tokens=0" },
	};

	CHECK_ALL(cases);
}

#define GEN_AI(i, o) "gen_ai.usage.input_tokens=i" #i " gen_ai.usage.output_tokens=i" #o " "
#define READ(n)      "gen_ai.usage.cache_read.input_tokens=i" #n " "
#define WRITE(n)     "gen_ai.usage.cache_creation.input_tokens=i" #n " "
#define TOTAL(n)     "gen_ai.usage.total_tokens=i" #n " "

static void cached_tokens_are_part_of_the_input_or_on_top(void **state TOLL_UNUSED)
{
	static const char included[] = "anthropic/ known input_tokens=20 output_tokens=5 "
				       "cached_tokens=70 cache_write_tokens=10 context_tokens=100";
	static const char on_top[] = "anthropic/ known input_tokens=100 output_tokens=5 "
				     "cached_tokens=70 cache_write_tokens=10 context_tokens=180";
	static const char aws[] = "aws/ known input_tokens=100 output_tokens=5 "
				  "cached_tokens=70 cache_write_tokens=10 context_tokens=180";
	static const struct one cases[] = {
		/* the convention's rule */
		{ "x", "gen_ai.system=santhropic " GEN_AI(100, 5) READ(70) WRITE(10), included },
		{ "x", "gen_ai.system=santhropic " GEN_AI(100, 5) READ(70) WRITE(10) TOTAL(105),
		  included },
		/* the numbers say otherwise */
		{ "x", "gen_ai.system=santhropic " GEN_AI(100, 5) READ(70) WRITE(10) TOTAL(185),
		  on_top },
		{ "x", GEN_AI(100, 5) READ(170),
		  "/ known input_tokens=100 output_tokens=5 cached_tokens=170 context_tokens=270" },
		/* who wrote them is known to report what the API says */
		{ "openlit.otel.tracing",
		  "gen_ai.system=santhropic " GEN_AI(100, 5) READ(70) WRITE(10), on_top },
		{ "openlit.otel.tracing", "gen_ai.system=sopenai " GEN_AI(100, 5) READ(70),
		  "openai/ known input_tokens=30 output_tokens=5 cached_tokens=70 "
		  "context_tokens=100" },
		{ "opentelemetry.instrumentation.botocore.bedrock-runtime",
		  "gen_ai.system=saws.bedrock " GEN_AI(100, 5) READ(70) WRITE(10), aws },
		/* Vercel AI SDK: before 6 as the API, from 6 included */
		{ "ai",
		  "ai.model.provider=santhropic.messages " GEN_AI(
			  100, 5) "ai.usage.cachedInputTokens=i70",
		  "anthropic/ known input_tokens=100 output_tokens=5 cached_tokens=70 "
		  "context_tokens=170" },
		{ "ai",
		  "ai.model.provider=santhropic.messages " GEN_AI(
			  100, 5) "ai.usage.cachedInputTokens=i70 "
		                  "ai.usage.inputTokenDetails.noCacheTokens=i30",
		  "anthropic/ known input_tokens=30 output_tokens=5 cached_tokens=70 "
		  "context_tokens=100" },
		{ "ai",
		  "ai.model.provider=sopenai.chat " GEN_AI(100, 5) "ai.usage.cachedInputTokens=i70",
		  "openai/ known input_tokens=30 output_tokens=5 cached_tokens=70 "
		  "context_tokens=100" },
		/* without an input there is nothing to be part of: they are still read */
		{ "x", READ(70) "gen_ai.usage.output_tokens=i5",
		  "/ known input_tokens=0 output_tokens=5 cached_tokens=70 context_tokens=70" },
	};

	CHECK_ALL(cases);
}

static void parts_are_never_more_than_the_whole(void **state TOLL_UNUSED)
{
	static const struct one cases[] = {
		/* audio that was cached is not counted again */
		{ "x",
		  "llm.token_count.prompt=i100 llm.token_count.completion=i50 "
		  "llm.token_count.prompt_details.cache_read=i80 "
		  "llm.token_count.prompt_details.audio=i40 "
		  "llm.token_count.completion_details.audio=i30 "
		  "llm.token_count.completion_details.reasoning=i10",
		  "/ known input_tokens=0 output_tokens=20 cached_tokens=80 reasoning_tokens=10 "
		  "input_audio_tokens=20 output_audio_tokens=30 context_tokens=100" },
		{ "x", GEN_AI(10, 50) "gen_ai.usage.reasoning.output_tokens=i20",
		  "/ known input_tokens=10 output_tokens=50 reasoning_tokens=20 "
		  "context_tokens=10" },
		/* reasoning beside the answer, as Gemini's API counts it */
		{ "x", GEN_AI(10, 50) "gen_ai.usage.reasoning_tokens=i20 " TOTAL(80),
		  "/ known input_tokens=10 output_tokens=70 reasoning_tokens=20 "
		  "context_tokens=10" },
		{ "x", GEN_AI(10, 5) "gen_ai.usage.reasoning_tokens=i20",
		  "/ known input_tokens=10 output_tokens=25 reasoning_tokens=20 "
		  "context_tokens=10" },
	};

	CHECK_ALL(cases);
}

static void json_details_are_read(void **state TOLL_UNUSED)
{
	static const struct one cases[] = {
		{ "langfuse-sdk",
		  "langfuse.observation.usage_details=s{\"input\":30,\"output\":5,"
		  "\"cache_read_input_tokens\":70,\"output_reasoning_tokens\":2,\"total\":107}",
		  "/ known input_tokens=30 output_tokens=7 cached_tokens=70 reasoning_tokens=2 "
		  "context_tokens=100" },
		{ "langfuse-sdk",
		  "langfuse.observation.usage_details=s{\"prompt_tokens\":100,\"completion_"
		  "tokens\":5,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":70,\"x\":[{}]}}",
		  "/ known input_tokens=30 output_tokens=5 cached_tokens=70 context_tokens=100" },
		{ "langsmith",
		  GEN_AI(100,
		         9) "gen_ai.usage.input_token_details=s{\"cache_read\":60,"
		            "\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20} "
		            "gen_ai.usage.output_token_details=s{\"reasoning\":4}",
		  "/ known input_tokens=10 output_tokens=9 cached_tokens=60 cache_write_tokens=10 "
		  "cache_write_1h_tokens=20 reasoning_tokens=4 context_tokens=100" },
		{ "x", GEN_AI(1, 2) "gen_ai.usage.input_token_details=s{\"cache_read\":-1}",
		  "/ known poison=tokens" },
		{ "x", GEN_AI(1, 2) "gen_ai.usage.input_token_details=s{\"cache_read\"",
		  "/ known input_tokens=1 output_tokens=2 context_tokens=1" },
	};

	CHECK_ALL(cases);
}

static void what_no_span_has_is_poison(void **state TOLL_UNUSED)
{
	static const struct one cases[] = {
		{ "x", "gen_ai.usage.input_tokens=i-1", "/ poison=tokens" },
		{ "x", GEN_AI(1, -1), "/ known poison=tokens" },
		{ "x", "gen_ai.usage.input_tokens=dnan", "/ poison=tokens" },
		{ "x", "gen_ai.usage.input_tokens=dinf", "/ poison=tokens" },
		{ "x", "gen_ai.usage.input_tokens=d-0.5", "/ poison=tokens" },
		{ "x", "gen_ai.usage.input_tokens=d1.5", "/ poison=tokens" },
		{ "x", "gen_ai.usage.input_tokens=i100000001", "/ poison=tokens" },
		{ "x", "gen_ai.usage.input_tokens=s100000001", "/ poison=tokens" },
		{ "x", "gen_ai.usage.input_tokens=i100000000",
		  "/ known input_tokens=100000000 output_tokens=0 context_tokens=100000000" },
		{ "x", GEN_AI(1, 1) "gen_ai.usage.reasoning_tokens=i-9223372036854775808",
		  "/ known poison=tokens" },
		{ "x", "http.request.body.size=i-1 http.response.body.size=i5", "/ poison=bytes" },
		{ "x", "faas.trigger=shttp faas.max_memory=i-5", "/ poison=memory" },
		{ "x", "aws.dynamodb.consumed_capacity=[{\"CapacityUnits\":-1}",
		  "/ poison=capacity" },
		{ "x", "aws.dynamodb.consumed_capacity=[{\"CapacityUnits\":1e300}",
		  "/ poison=capacity" },
	};

	CHECK_ALL(cases);
}

/* ---- leaves ---- */

static void what_repeats_its_children_is_an_aggregate(void **state TOLL_UNUSED)
{
	static const struct one cases[] = {
		{ "x", "gen_ai.operation.name=schat", "/" },
		{ "x", "gen_ai.operation.name=sgenerate_content", "/" },
		{ "x", "gen_ai.operation.name=sembeddings", "/" },
		{ "x", "gen_ai.operation.name=ssomething_new", "/" },
		{ "x", "gen_ai.operation.name=sinvoke_agent", "/ aggregate" },
		{ "x", "gen_ai.operation.name=sexecute_tool", "/ aggregate" },
		{ "x", "gen_ai.operation.name=sinvoke_workflow", "/ aggregate" },
		{ "x", "gen_ai.operation.name=screate_agent", "/ aggregate" },
		{ "x", "gen_ai.operation.name=schat gen_ai.agent.name=sa gen_ai.tool.name=st",
		  "/" },
		{ "x", "gen_ai.agent.name=sa", "/ aggregate" },
		{ "x", "openinference.span.kind=sLLM", "/" },
		{ "x", "openinference.span.kind=sAGENT", "/ aggregate" },
		{ "x", "openinference.span.kind=sCHAIN", "/ aggregate" },
		{ "x", "openinference.span.kind=sUNKNOWN traceloop.span.kind=sworkflow",
		  "/ aggregate" },
		{ "x", "traceloop.span.kind=stask", "/ aggregate" },
		{ "x", "traceloop.span.kind=stask llm.request.type=schat", "/" },
		{ "ai", "ai.operationId=sai.generateText", "/ aggregate" },
		{ "ai", "ai.operationId=sai.generateText.doGenerate", "/" },
		{ "ai", "ai.operationId=sai.toolCall", "/ aggregate" },
		{ "ai", "operation.name=[ai.streamText_my-function", "/ aggregate" },
		{ "ai", "operation.name=[ai.streamText.doStream_my-function", "/" },
		{ "x", "operation.name=sGET", "/" },
		{ "x", "langfuse.observation.type=sgeneration", "/" },
		{ "x", "langfuse.observation.type=sagent", "/ aggregate" },
		{ "x", "langsmith.span.kind=sLLM", "/" },
		{ "x", "langsmith.span.kind=schain", "/ aggregate" },
		{ "x", "gen_ai.operation.name=sinvoke_agent " GEN_AI(3, 4),
		  "/ known aggregate input_tokens=3 output_tokens=4 context_tokens=3" },
	};

	CHECK_ALL(cases);
}

/* ---- bytes, memory, capacity ---- */

static void sizes_and_capacity_are_read(void **state TOLL_UNUSED)
{
	static const struct one cases[] = {
		{ "x", "http.request.body.size=i10 http.response.body.size=s20",
		  "/ request_bytes=10 response_bytes=20" },
		{ "x", "http.request_content_length=i10", "/ request_bytes=10" },
		{ "x", "messaging.message_payload_size_bytes=i65536", "/ request_bytes=65536" },
		{ "x",
		  "aws.dynamodb.consumed_capacity=[{\"TableName\":\"t\",\"CapacityUnits\":1.5}",
		  "/ read_capacity_units=1.5" },
		{ "x",
		  "rpc.method=sDynamoDB/PutItem aws.dynamodb.consumed_capacity=[{\"Table\":"
		  "{\"CapacityUnits\":9},\"CapacityUnits\":2}",
		  "/ write_capacity_units=2" },
		{ "x",
		  "db.operation=sTransactGetItems "
		  "aws.dynamodb.consumed_capacity=[{\"CapacityUnits\":4,\"ReadCapacityUnits\":4.0}",
		  "/ read_capacity_units=4" },
		{ "x",
		  "rpc.method=sExecuteStatement "
		  "aws.dynamodb.consumed_capacity=[{\"CapacityUnits\":4}",
		  "/" },
		{ "x", "aws.dynamodb.consumed_capacity=s{\"CapacityUnits\":0.5}",
		  "/ read_capacity_units=0.5" },
		{ "x", "aws.dynamodb.consumed_capacity=[nonsense", "/" },
	};

	CHECK_ALL(cases);
}

static void memory_is_charged_to_the_invocation(void **state TOLL_UNUSED)
{
	/* 128 MiB for 2 s */
	static const char want[] = "/ gb_seconds=268435456000000000";

	check("x", "faas.max_memory=i134217728", "faas.invocation_id=sa", want);
	check("x", "faas.max_memory=i128", "faas.execution=sa", want);
	check("x", "faas.max_memory=s128", "faas.trigger=shttp", want);
	check("x", "", "faas.max_memory=i134217728 faas.coldstart=strue", want);
	check("x", "faas.max_memory=i134217728", "http.route=s/", "/");
	check("x", "faas.max_memory=i134217728", "http.request.body.size=i1", "/ request_bytes=1");
}

static void a_deleted_attribute_tells_nothing(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with("x", "", "gen_ai.usage.input_tokens=i1");
	struct toll_span_usage u;

	b->spans[0].node.attrs[0].state = TOLL_ATTR_DELETED;
	toll_usage_read(b, &b->spans[0], &u);
	assert_false(u.known);
	toll_batch_unref(b);
}

static void a_key_is_found_by_its_other_name(void **state TOLL_UNUSED)
{
	struct toll_batch *b =
		batch_with("x", "", "http.method=sGET db.system=sredis db.system.name=sx");
	const struct toll_node *n = &b->spans[0].node;

	assert_ptr_equal(toll_node_find_field(n, TOLL_SLICE("http.request.method")), &n->attrs[0]);
	assert_ptr_equal(toll_node_find_field(n, TOLL_SLICE("http.method")), &n->attrs[0]);
	assert_ptr_equal(toll_node_find_field(n, TOLL_SLICE("db.system.name")), &n->attrs[2]);
	assert_null(toll_node_find_field(n, TOLL_SLICE("url.full")));
	assert_null(toll_node_find_field(n, TOLL_SLICE("nobody.s.key")));
	assert_int_equal(toll_key_twin(TOLL_KEY_OTHER), TOLL_KEY_OTHER);
	assert_int_equal(toll_key_twin(TOLL_KEY_SERVICE_NAME), TOLL_KEY_OTHER);
	toll_batch_unref(b);
}

/* A collision would cost every span without usage a pass over its attributes. */
static void other_keys_share_no_bit_with_usage(void **state TOLL_UNUSED)
{
	for (int id = 1; id < TOLL_KEY_COUNT; id++) {
		bool usage =
			TOLL_KNOWN(id) == TOLL_KNOWN_MODEL || TOLL_KNOWN(id) == TOLL_KNOWN_MEASURED;

		assert_int_equal(usage, id >= TOLL_KEY_MEASURED_FIRST);
	}
	assert_false(TOLL_KNOWN(TOLL_KEY_COST_UNITS) & (TOLL_KNOWN_MODEL | TOLL_KNOWN_MEASURED));
	assert_int_equal(toll_key_of(TOLL_SLICE("faas.max_memory")), TOLL_KEY_FAAS_MAX_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_every_convention_are_read),
		cmocka_unit_test(aliases_are_sorted_and_lower_case),
		cmocka_unit_test(tokens_of_every_convention_are_read),
		cmocka_unit_test(cached_tokens_are_part_of_the_input_or_on_top),
		cmocka_unit_test(parts_are_never_more_than_the_whole),
		cmocka_unit_test(json_details_are_read),
		cmocka_unit_test(what_no_span_has_is_poison),
		cmocka_unit_test(what_repeats_its_children_is_an_aggregate),
		cmocka_unit_test(sizes_and_capacity_are_read),
		cmocka_unit_test(memory_is_charged_to_the_invocation),
		cmocka_unit_test(a_deleted_attribute_tells_nothing),
		cmocka_unit_test(a_key_is_found_by_its_other_name),
		cmocka_unit_test(other_keys_share_no_bit_with_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
