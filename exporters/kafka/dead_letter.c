/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/dead_letter.h"

#include "cost/money.h"
#include "proto/cost_record.h"
#include "proto/json_write.h"

/* Of any one string. */
#define TEXT_MAX ((size_t)1024)

static size_t cut(size_t len, size_t max)
{
	return len < max ? len : max;
}

static char *write_text(char *out, struct toll_slice key, struct toll_slice s)
{
	return toll_json_string(toll_json_raw(out, key), toll_slice(s.ptr, cut(s.len, TEXT_MAX)));
}

static char *write_number(char *out, struct toll_slice key, uint64_t n)
{
	return toll_json_uint(toll_json_raw(out, key), n);
}

static struct toll_slice service_of(const struct toll_kafka_dead_letter *l)
{
	return l->batch->resources[l->span->resource].service;
}

/* As in the cost record. */
static struct toll_slice cost_error_of(const struct toll_kafka_dead_letter *l)
{
	return l->span->cost_error.len ? l->span->cost_error : TOLL_SLICE("no cost processor");
}

size_t toll_kafka_dead_letter_bound(const struct toll_kafka_dead_letter *l)
{
	const size_t fixed = 512; /* keys, punctuation, ids, numbers */
	size_t text = cut(service_of(l).len, TEXT_MAX) + cut(l->span->operation.len, TEXT_MAX) +
	              cut(l->topic.len, TEXT_MAX) + cut(l->encoding.len, TEXT_MAX) +
	              cut(l->reason.len, TEXT_MAX) + cut(cost_error_of(l).len, TEXT_MAX);

	return fixed + toll_json_string_bound(text) +
	       (cut(l->message.len, TOLL_KAFKA_DEAD_LETTER_DATA) + 2) / 3 * 4;
}

char *toll_kafka_dead_letter_write(const struct toll_kafka_dead_letter *l, char *out)
{
	char amount[TOLL_MONEY_TEXT];
	bool unpriced = l->span->cost_state == TOLL_COST_UNPRICED;
	int64_t pico = l->span->cost_state == TOLL_COST_PRICED ? l->span->cost_pico : 0;
	int len = toll_money_print(pico, amount);
	size_t kept = cut(l->message.len, TOLL_KAFKA_DEAD_LETTER_DATA);

	out = write_text(out, TOLL_SLICE("{\"reason\":"), l->reason);
	out = toll_json_raw(out, TOLL_SLICE(",\"trace_id\":"));
	out = toll_json_hex(out, l->span->trace_id, 16);
	out = toll_json_raw(out, TOLL_SLICE(",\"span_id\":"));
	out = toll_json_hex(out, l->span->span_id, 8);
	out = write_text(out, TOLL_SLICE(",\"service\":"), service_of(l));
	out = write_text(out, TOLL_SLICE(",\"operation\":"), l->span->operation);
	out = toll_json_raw(out, TOLL_SLICE(",\"cost_amount\":"));
	out = toll_json_raw(out, toll_slice(amount, (size_t)len));
	if (unpriced)
		out = write_text(out, TOLL_SLICE(",\"cost_error\":"), cost_error_of(l));
	out = write_number(out, TOLL_SLICE(",\"timestamp\":"),
	                   toll_span_timestamp_ms(l->batch, l->span));
	out = write_number(out, TOLL_SLICE(",\"received_ms\":"),
	                   toll_resource_received_ms(l->batch, l->span->resource));
	out = write_number(out, TOLL_SLICE(",\"spans\":"), l->span_count);
	out = write_number(out, TOLL_SLICE(",\"size\":"), l->size);
	out = write_text(out, TOLL_SLICE(",\"topic\":"), l->topic);
	out = write_text(out, TOLL_SLICE(",\"encoding\":"), l->encoding);
	out = toll_json_raw(out, TOLL_SLICE(",\"data_base64\":"));
	out = toll_json_base64(out, toll_slice(l->message.ptr, kept));
	*out++ = '}';
	return out;
}
