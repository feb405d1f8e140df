/* SPDX-License-Identifier: Apache-2.0 */
/* key.c - a span's dimensions as one run of bytes: what tells series apart. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/spanmetrics/plan.h"
#include "proto/attr.h"

#define NUMBER_TEXT 32

static struct toll_slice kind_text(uint8_t kind)
{
	static const char *const names[] = { "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
		                             "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
		                             "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER" };

	return toll_slice_str(names[kind < TOLL_COUNT(names) ? kind : 0]);
}

static struct toll_slice status_text(uint8_t status)
{
	static const char *const names[] = { "STATUS_CODE_UNSET", "STATUS_CODE_OK",
		                             "STATUS_CODE_ERROR" };

	return toll_slice_str(names[status < TOLL_COUNT(names) ? status : 0]);
}

/* Arrays, maps and bytes are no labels. */
static struct toll_slice value_text(const struct toll_attr *a, char buf[NUMBER_TEXT])
{
	struct toll_value v = toll_value_decode(toll_attr_value(a));
	int len = 0;

	switch (v.type) {
	case TOLL_VALUE_STRING:
		return v.bytes;
	case TOLL_VALUE_BOOL:
		return v.integer ? TOLL_SLICE("true") : TOLL_SLICE("false");
	case TOLL_VALUE_INT:
		len = snprintf(buf, NUMBER_TEXT, "%" PRId64, v.integer);
		break;
	case TOLL_VALUE_DOUBLE:
		len = snprintf(buf, NUMBER_TEXT, "%.15g", v.number);
		break;
	default:
		break;
	}
	return toll_slice(buf, (size_t)len);
}

static struct toll_slice attribute(const struct toll_spanmetrics_dimension *d,
                                   const struct toll_batch *b, const struct toll_span *s,
                                   char buf[NUMBER_TEXT])
{
	const struct toll_attr *a = toll_node_find_name(&s->node, d->name);
	struct toll_slice text = { NULL, 0 };

	if (!a)
		a = toll_node_find_name(&b->resources[s->resource].node, d->name);
	if (a)
		text = value_text(a, buf);
	return text.len ? text : d->preset;
}

static struct toll_slice value_of(const struct toll_spanmetrics_dimension *d,
                                  const struct toll_batch *b, const struct toll_span *s,
                                  char buf[NUMBER_TEXT])
{
	switch (d->source) {
	case TOLL_SPANMETRICS_SERVICE:
		return b->resources[s->resource].service;
	case TOLL_SPANMETRICS_NAME:
		return s->name;
	case TOLL_SPANMETRICS_KIND:
		return kind_text(s->kind);
	case TOLL_SPANMETRICS_STATUS:
		return status_text(s->status);
	default:
		return attribute(d, b, s, buf);
	}
}

/* At most VALUE_MAX bytes, no half character at the end. */
static size_t cut(struct toll_slice s)
{
	size_t len = s.len;

	if (len <= TOLL_SPANMETRICS_VALUE_MAX)
		return len;
	len = TOLL_SPANMETRICS_VALUE_MAX;
	while (len && ((unsigned char)s.ptr[len] & 0xc0) == 0x80)
		len--;
	return len;
}

size_t toll_spanmetrics_key(const struct toll_spanmetrics_plan *p, const struct toll_batch *b,
                            const struct toll_span *s, char key[TOLL_SPANMETRICS_KEY_MAX])
{
	size_t at = 0;

	for (size_t i = 0; i < p->dimension_count; i++) {
		char buf[NUMBER_TEXT];
		struct toll_slice value = value_of(&p->dimensions[i], b, s, buf);
		size_t len = cut(value);

		key[at++] = (char)len;
		if (len)
			memcpy(key + at, value.ptr, len);
		at += len;
	}
	return at;
}
