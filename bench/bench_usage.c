/* SPDX-License-Identifier: Apache-2.0 */
/* bench_usage - what it costs to ask a span for its usage: one that has none (most), a chat, and
 * one with the JSON of DynamoDB. */
#include "bench/bench.h"
#include "proto/usage.h"
#include "tests/support/shop.h"

enum { SPANS = 512 };

static void must(bool good)
{
	if (!good)
		abort();
}

static struct msg *chat_span(uint64_t i)
{
	struct msg *s = span_new("chat gpt-4o", i, 900000000);

	msg_attr_str(s, 9, "gen_ai.operation.name", "chat");
	msg_attr_str(s, 9, "gen_ai.provider.name", "openai");
	msg_attr_str(s, 9, "gen_ai.request.model", "gpt-4o");
	msg_attr_str(s, 9, "gen_ai.response.model", "gpt-4o-2024-08-06");
	msg_attr_str(s, 9, "server.address", "api.openai.com");
	msg_attr_int(s, 9, "gen_ai.usage.input_tokens", 1000);
	msg_attr_int(s, 9, "gen_ai.usage.output_tokens", 200);
	msg_attr_int(s, 9, "gen_ai.usage.cache_read.input_tokens", 400);
	return s;
}

static struct msg *dynamodb_span(uint64_t i)
{
	struct msg *s = span_new("DynamoDB.GetItem", i, 900000);

	msg_attr_str(s, 9, "rpc.system", "aws-api");
	msg_attr_str(s, 9, "rpc.service", "DynamoDB");
	msg_attr_str(s, 9, "rpc.method", "GetItem");
	msg_attr_str(s, 9, "aws.dynamodb.consumed_capacity",
	             "{\"TableName\": \"orders\", \"CapacityUnits\": 1.5}");
	return s;
}

static struct toll_batch *batch_of_spans(struct msg *(*make)(uint64_t i))
{
	static struct msg *spans[SPANS];

	for (uint64_t i = 0; i < SPANS; i++)
		spans[i] = make(i);
	return batch_of_request(request_of("shop", spans, SPANS));
}

static void run(void *ctx)
{
	struct toll_batch *b = ctx;
	struct toll_span_usage u;

	for (uint32_t i = 0; i < b->span_count; i++) {
		toll_usage_read(b, &b->spans[i], &u);
		must(u.has != UINT32_MAX);
	}
}

static void bench(const char *name, struct msg *(*make)(uint64_t i))
{
	struct toll_batch *b = batch_of_spans(make);

	bench_run(name, run, b, SPANS);
	toll_batch_unref(b);
}

int main(void)
{
	bench("usage_span_without", shop_span);
	bench("usage_chat_span", chat_span);
	bench("usage_dynamodb_span", dynamodb_span);
	return 0;
}
