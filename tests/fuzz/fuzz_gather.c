/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of Kafka, in the encoding that the first byte says, one a line (protobuf, which has
 * line feeds in it: up to each byte 0xff): what is taken becomes a
 * batch with amounts, whole or (of OTLP) one message at a time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/cost_record.h"
#include "receivers/kafka/gather.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_lines(struct toll_gather *g, const char *at, const char *end)
{
	int separator = g->encoding == TOLL_KAFKA_OTLP_PROTO ? 0xff : '\n';

	for (int64_t offset = 0; at < end; offset++) {
		const char *stop = memchr(at, separator, (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);
		struct toll_kafka_message m = { malloc(len + 1), len, 1, offset, 1795000000000 };
		int err;

		if (!m.value)
			abort();
		memcpy(m.value, at, len);
		err = toll_gather_add(g, &m, NULL);
		if (err && err != TOLL_EINVALID)
			abort();
		free(m.value);
		at += len + 1;
	}
}

static void use(struct toll_batch *b)
{
	toll_batch_seal(b);
	for (uint32_t i = 0; i < b->span_count; i++) {
		const struct toll_span *s = &b->spans[i];
		char *out;

		if (s->dropped)
			continue;
		if (s->cost_pico < 0 || (s->cost_pico && s->cost_state != TOLL_COST_PRICED))
			abort();
		out = malloc(toll_cost_record_bound(b, s));
		if (!out)
			abort();
		toll_cost_record(b, s, out);
		free(out);
	}
	toll_batch_unref(b);
}

static void try_alone(const struct toll_gather *g)
{
	for (uint32_t i = 0; i < g->messages; i++) {
		struct toll_gather one;
		struct toll_batch *b;
		int64_t offset;

		toll_gather_init(&one, g->encoding, g->priced);
		if (toll_gather_single(g, i, &one, &offset) < 0)
			abort();
		if (toll_gather_batch(&one, NULL, &b, NULL) == 0)
			use(b);
		toll_gather_release(&one);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_gather g;
	struct toll_batch *b;

	if (size < 1)
		return 0;
	toll_gather_init(&g, (enum toll_kafka_encoding)(data[0] % 3), true);
	add_lines(&g, (const char *)data + 1, (const char *)data + size);
	if (toll_gather_close(&g) < 0)
		abort();
	if (g.messages && toll_gather_batch(&g, NULL, &b, NULL) == 0)
		use(b);
	else if (g.encoding != TOLL_KAFKA_JSON)
		try_alone(&g);
	else if (g.messages)
		abort(); /* what we have written ourselves can be read */
	toll_gather_release(&g);
	return 0;
}
