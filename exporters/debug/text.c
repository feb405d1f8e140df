/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/debug/text.h"

#include <inttypes.h>
#include <stdbool.h>

#include "base/clock.h"
#include "cost/money.h"
#include "pipeline/component.h"
#include "proto/attr.h"

static const char *const kind_names[] = { "Unspecified", "Internal", "Server",
	                                  "Client",      "Producer", "Consumer" };
static const char *const status_names[] = { "Unset", "Ok", "Error" };
static const char *const cost_names[] = { "Unpriced", "Free", "Priced" };

#define NAME_OF(names, i) ((i) < TOLL_COUNT(names) ? (names)[i] : "?")

static bool is_control(struct toll_slice s)
{
	unsigned char c = (unsigned char)s.ptr[0];

	return c < 0x20 || c == 0x7f || (c == 0xc2 && s.len > 1 && (unsigned char)s.ptr[1] < 0xa0);
}

/* Bytes from the wire must not move the cursor or forge lines. */
static void put_safe(FILE *out, struct toll_slice s)
{
	while (s.len) {
		size_t n = is_control(s) && s.ptr[0] == '\xc2' ? 2 : 1;

		if (!is_control(s))
			fputc(s.ptr[0], out);
		for (size_t i = 0; is_control(s) && i < n; i++)
			fprintf(out, "\\x%02x", (unsigned char)s.ptr[i]);
		s = toll_slice(s.ptr + n, s.len - n);
	}
}

static void put_hex(FILE *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; bytes && i < len; i++)
		fprintf(out, "%02x", bytes[i]);
}

static const char *value_type(enum toll_value_type type)
{
	static const char *const names[] = { "Empty",  "Str",   "Bool", "Int",
		                             "Double", "Slice", "Map",  "Bytes" };

	return NAME_OF(names, type);
}

static void put_value(FILE *out, const struct toll_value *v)
{
	switch (v->type) {
	case TOLL_VALUE_STRING:
		put_safe(out, v->bytes);
		break;
	case TOLL_VALUE_BOOL:
		fputs(v->integer ? "true" : "false", out);
		break;
	case TOLL_VALUE_INT:
		fprintf(out, "%" PRId64, v->integer);
		break;
	case TOLL_VALUE_DOUBLE:
		fprintf(out, "%.15g", v->number);
		break;
	case TOLL_VALUE_NONE:
		break;
	default:
		fprintf(out, "%zu bytes", v->bytes.len);
	}
}

static void put_pairs(FILE *out, const struct toll_node *n)
{
	for (uint32_t i = 0; i < n->attr_count; i++) {
		const struct toll_attr *a = &n->attrs[i];
		struct toll_value v;

		if (a->state == TOLL_ATTR_DELETED)
			continue;
		v = toll_value_decode(toll_attr_value(a));
		fputc(' ', out);
		put_safe(out, toll_attr_key(a));
		fputc('=', out);
		put_value(out, &v);
	}
}

static void put_attributes(FILE *out, const char *head, const struct toll_node *n)
{
	fprintf(out, "%s:\n", head);
	for (uint32_t i = 0; i < n->attr_count; i++) {
		const struct toll_attr *a = &n->attrs[i];
		struct toll_value v;

		if (a->state == TOLL_ATTR_DELETED)
			continue;
		v = toll_value_decode(toll_attr_value(a));
		fputs("     -> ", out);
		put_safe(out, toll_attr_key(a));
		fprintf(out, ": %s(", value_type(v.type));
		put_value(out, &v);
		fputs(")\n", out);
	}
}

static void put_line(const struct toll_span *s, FILE *out)
{
	put_safe(out, s->name);
	fputc(' ', out);
	put_hex(out, s->trace_id, 16);
	fputc(' ', out);
	put_hex(out, s->span_id, 8);
	put_pairs(out, &s->node);
	fputc('\n', out);
}

void toll_debug_lines(const struct toll_part *part, FILE *out)
{
	const struct toll_batch *b = part->batch;
	uint32_t resource = UINT32_MAX;

	for (uint32_t i = part->first; i < part->first + part->count; i++) {
		const struct toll_span *s = &b->spans[i];

		if (s->dropped)
			continue;
		if (s->resource != resource) {
			resource = s->resource;
			fprintf(out, "ResourceTraces #%u", resource);
			put_pairs(out, &b->resources[resource].node);
			fputc('\n', out);
		}
		put_line(s, out);
	}
}

static void put_time(FILE *out, const char *head, uint64_t unix_nano)
{
	char when[32];

	fprintf(out, "    %-14s : %s (%" PRIu64 ")\n", head,
	        toll_clock_rfc3339(unix_nano, 1, when, sizeof(when)), unix_nano);
}

static void put_text(FILE *out, const char *head, struct toll_slice s)
{
	fprintf(out, "    %-14s : ", head);
	put_safe(out, s);
	fputc('\n', out);
}

static void put_id(FILE *out, const char *head, const uint8_t *id, size_t len)
{
	fprintf(out, "    %-14s : ", head);
	put_hex(out, id, len);
	fputc('\n', out);
}

static void put_cost(FILE *out, const struct toll_span *s)
{
	char amount[TOLL_MONEY_TEXT] = "";

	if (s->cost_state == TOLL_COST_PRICED)
		toll_money_print(s->cost_pico, amount);
	fprintf(out, "    %-14s : %s%s%s\n", "Cost", NAME_OF(cost_names, s->cost_state),
	        amount[0] ? " USD " : "", amount);
	if (s->cost_error.len)
		put_text(out, "Cost error", s->cost_error);
}

static void put_span(const struct toll_span *s, uint32_t number, FILE *out)
{
	fprintf(out, "Span #%u\n", number);
	put_id(out, "Trace ID", s->trace_id, 16);
	put_id(out, "Parent ID", s->parent_span_id, 8);
	put_id(out, "ID", s->span_id, 8);
	put_text(out, "Name", s->name);
	put_text(out, "Operation", s->operation);
	fprintf(out, "    %-14s : %s\n", "Kind", NAME_OF(kind_names, s->kind));
	put_time(out, "Start time", s->start_unix_nano);
	put_time(out, "End time", s->end_unix_nano);
	fprintf(out, "    %-14s : %s\n", "Status code", NAME_OF(status_names, s->status));
	put_cost(out, s);
	put_attributes(out, "Attributes", &s->node);
}

void toll_debug_details(const struct toll_part *part, FILE *out)
{
	const struct toll_batch *b = part->batch;
	uint32_t resource = UINT32_MAX, scope = UINT32_MAX, number = 0;

	for (uint32_t i = part->first; i < part->first + part->count; i++) {
		const struct toll_span *s = &b->spans[i];

		if (s->dropped)
			continue;
		if (s->resource != resource) {
			resource = s->resource;
			fprintf(out, "ResourceSpans #%u\n", resource);
			put_attributes(out, "Resource attributes", &b->resources[resource].node);
		}
		if (s->scope != scope) {
			scope = s->scope;
			number = 0;
			fprintf(out, "ScopeSpans #%u\n",
			        scope - b->resources[resource].scope_first);
			if (b->scopes[scope].node.attr_count)
				put_attributes(out, "InstrumentationScope attributes",
				               &b->scopes[scope].node);
		}
		put_span(s, number++, out);
	}
}
