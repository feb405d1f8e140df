/* SPDX-License-Identifier: Apache-2.0 */
#include "processors/pricing/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/attr.h"

static struct toll_slice kind_of(const struct toll_span *s)
{
	/* opentelemetry-proto, Span.SpanKind; unspecified counts as internal. */
	static const struct toll_slice kinds[] = { { "internal", 8 }, { "internal", 8 },
		                                   { "server", 6 },   { "client", 6 },
		                                   { "producer", 8 }, { "consumer", 8 } };

	return kinds[s->kind < TOLL_COUNT(kinds) ? s->kind : 0];
}

/* ---- once per batch ---- */

static bool is_reserved(struct toll_field_reader *f, struct toll_slice field, uint8_t i)
{
	const struct {
		const char *name;
		uint8_t *at;
	} names[] = { { "service", &f->reserved.service }, { "operation", &f->reserved.operation },
		      { "region", &f->reserved.region },   { "provider", &f->reserved.provider },
		      { "model", &f->reserved.model },     { "kind", &f->reserved.kind },
		      { "name", &f->reserved.name } };

	for (size_t n = 0; n < TOLL_COUNT(names); n++)
		if (toll_slice_is(field, names[n].name)) {
			*names[n].at = i;
			return true;
		}
	return false;
}

/* A key that no field names is read for the field of its other name. */
static void add_twins(struct toll_field_reader *f)
{
	for (uint32_t i = 0; i < toll_pricebook_field_count(f->book); i++) {
		enum toll_key key = toll_key_of(toll_pricebook_field(f->book, i));
		enum toll_key twin = toll_key_twin(key);

		if (twin == TOLL_KEY_OTHER || f->of_key[twin])
			continue;
		f->of_key[twin] = f->of_key[key];
		f->known |= TOLL_KNOWN(twin);
	}
}

void toll_fields_init(struct toll_field_reader *f, const struct toll_pricebook *book)
{
	f->book = book;
	memset(&f->reserved, TOLL_PRICEBOOK_FIELDS, sizeof(f->reserved));
	memset(f->of_key, 0, sizeof(f->of_key));
	f->known = 0;
	f->other_count = 0;
	f->overlaid = 0;
	f->resource_has = 0;
	for (uint32_t i = 0; i < toll_pricebook_field_count(book); i++) {
		struct toll_slice field = toll_pricebook_field(book, i);
		enum toll_key key = toll_key_of(field);

		if (is_reserved(f, field, (uint8_t)i))
			continue;
		if (key == TOLL_KEY_OTHER) {
			f->others[f->other_count++] = (uint8_t)i;
			continue;
		}
		f->of_key[key] = (uint8_t)(i + 1);
		f->known |= TOLL_KNOWN(key);
	}
	add_twins(f);
}

/* ---- values ---- */

/* The shortest text that reads as this double. */
static struct toll_slice print_double(double number, char text[TOLL_FIELD_TEXT])
{
	int len = 0;

	for (int digits = 15; digits <= 17; digits++) {
		len = snprintf(text, TOLL_FIELD_TEXT, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	return toll_slice(text, (size_t)len);
}

/* The text that a condition is compared with; "" of what has none. */
static struct toll_slice text_of(const struct toll_attr *a, char text[TOLL_FIELD_TEXT])
{
	struct toll_value v = toll_value_decode(toll_attr_value(a));

	switch (v.type) {
	case TOLL_VALUE_STRING:
		return v.bytes.ptr ? v.bytes : TOLL_SLICE("");
	case TOLL_VALUE_BOOL:
		return v.integer ? TOLL_SLICE("true") : TOLL_SLICE("false");
	case TOLL_VALUE_INT:
		return toll_slice(text,
		                  (size_t)snprintf(text, TOLL_FIELD_TEXT, "%" PRId64, v.integer));
	case TOLL_VALUE_DOUBLE:
		return print_double(v.number, text);
	case TOLL_VALUE_ARRAY:
		v.bytes = toll_attr_text(a);
		return v.bytes.ptr ? v.bytes : TOLL_SLICE("");
	default:
		return TOLL_SLICE("");
	}
}

/* The field an attribute is, or TOLL_PRICEBOOK_FIELDS. */
static uint32_t field_of(const struct toll_field_reader *f, const struct toll_attr *a)
{
	struct toll_slice key;

	if (a->key_id != TOLL_KEY_OTHER && a->key_id < TOLL_KEY_COUNT)
		return f->of_key[a->key_id] ? f->of_key[a->key_id] - 1u : TOLL_PRICEBOOK_FIELDS;
	key = toll_attr_key(a);
	for (uint32_t i = 0; i < f->other_count; i++)
		if (toll_slice_eq(toll_pricebook_field(f->book, f->others[i]), key))
			return f->others[i];
	return TOLL_PRICEBOOK_FIELDS;
}

/* Of two attributes with one key the first counts, as everywhere. Returns the fields found. */
static uint64_t read_node(const struct toll_field_reader *f, const struct toll_node *n,
                          struct toll_slice *values, struct toll_field_texts *texts)
{
	uint64_t found = 0;

	if (!f->other_count && !(n->known & f->known))
		return 0;
	for (uint32_t i = 0; i < n->attr_count; i++) {
		const struct toll_attr *a = &n->attrs[i];
		uint32_t field =
			a->state == TOLL_ATTR_DELETED ? TOLL_PRICEBOOK_FIELDS : field_of(f, a);

		if (field == TOLL_PRICEBOOK_FIELDS || found >> field & 1)
			continue;
		values[field] = text_of(a, texts->at[field]);
		found |= UINT64_C(1) << field;
	}
	return found;
}

/* ---- once per resource and span ---- */

void toll_fields_resource(struct toll_field_reader *f, const struct toll_resource *r)
{
	f->resource_has = read_node(f, &r->node, f->resource_values, &f->resource_texts);
	f->overlaid = f->resource_has; /* to be copied for the first span */
}

void toll_fields_span(struct toll_field_reader *f, const struct toll_span *s)
{
	/* The resource's values that the span before has covered come back. */
	for (uint64_t left = f->overlaid & f->resource_has; left; left &= left - 1) {
		int field = __builtin_ctzll(left);

		f->lookup.values[field] = f->resource_values[field];
	}
	f->overlaid = read_node(f, &s->node, f->lookup.values, &f->texts);
	f->lookup.has = f->resource_has | f->overlaid;
	toll_fields_set(f, f->reserved.kind, kind_of(s));
	toll_fields_set(f, f->reserved.name, s->name);
}
