/* SPDX-License-Identifier: Apache-2.0 */
/* dimension_value.c - what a span has of a dimension. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "budget/dimension.h"
#include "cost/name.h"
#include "proto/attr.h"
#include "proto/cost_record.h"

#define PART_MAX 256 /* bytes of one of the values that make a service's key */

static const struct toll_attr *find_attr(const struct toll_node *n,
                                         const struct toll_dimension_key *k)
{
	const struct toll_attr *a =
		k->id ? toll_node_find(n, (enum toll_key)k->id) : toll_node_find_name(n, k->name);

	return a || !k->twin ? a : toll_node_find(n, (enum toll_key)k->twin);
}

/* Whole numbers and truth values count as their text. */
static struct toll_slice text_of(const struct toll_attr *a, char buf[TOLL_DIMENSION_TEXT])
{
	struct toll_slice text = toll_attr_text(a);
	struct toll_value v;

	if (text.len || !a)
		return text;
	v = toll_value_decode(toll_attr_value(a));
	if (v.type == TOLL_VALUE_BOOL)
		return v.integer ? TOLL_SLICE("true") : TOLL_SLICE("false");
	if (v.type != TOLL_VALUE_INT)
		return toll_slice(NULL, 0);
	return toll_slice(buf, (size_t)snprintf(buf, TOLL_DIMENSION_TEXT, "%" PRId64, v.integer));
}

static struct toll_slice first_of(const struct toll_budget_dimension *d, const struct toll_node *n,
                                  char buf[TOLL_DIMENSION_TEXT])
{
	for (uint32_t i = 0; i < d->key_count; i++) {
		struct toll_slice text = text_of(find_attr(n, &d->keys[i]), buf);

		if (text.len)
			return text;
	}
	return toll_slice(NULL, 0);
}

static struct toll_slice from_attributes(const struct toll_budget_dimension *d,
                                         const struct toll_resource *res, const struct toll_span *s,
                                         char buf[TOLL_DIMENSION_TEXT])
{
	struct toll_slice own = s && d->by_span ? first_of(d, &s->node, buf) : toll_slice(NULL, 0);

	return own.len ? own : first_of(d, &res->node, buf);
}

/* One of the values of a service's key: a long one shortened, and told apart by its hash. */
static size_t put_part(char *out, struct toll_slice part)
{
	size_t head = PART_MAX - 17;

	if (part.len <= PART_MAX) {
		memcpy(out, part.ptr, part.len);
		return part.len;
	}
	memcpy(out, part.ptr, head);
	snprintf(out + head, 18, "~%016" PRIx64, toll_hash(part));
	return PART_MAX;
}

/* service.name is who pays; attributes that the resource lacks are left out. */
static struct toll_slice from_service(const struct toll_budget_dimension *d,
                                      const struct toll_resource *res,
                                      char buf[TOLL_DIMENSION_TEXT])
{
	char number[TOLL_DIMENSION_TEXT];
	size_t len = 0;

	if (d->key_count == 0 || toll_name_is_unverified(res->service))
		return res->service;
	for (uint32_t i = 0; i < d->key_count; i++) {
		struct toll_slice part =
			toll_slice_is(d->keys[i].name, "service.name")
				? res->service
				: text_of(find_attr(&res->node, &d->keys[i]), number);

		if (part.len == 0)
			continue;
		if (len)
			buf[len++] = '/';
		len += put_part(buf + len, part);
	}
	return len ? toll_slice(buf, len) : res->service;
}

static struct toll_slice from_operation(const struct toll_span *s)
{
	if (!s)
		return toll_slice(NULL, 0);
	return s->operation.len ? s->operation : s->name;
}

static struct toll_slice from_record(const struct toll_budget_dimension *d,
                                     const struct toll_batch *b, const struct toll_resource *res,
                                     const struct toll_span *s)
{
	return s ? toll_span_dimension(b, s, d->record) : res->dimensions[d->record];
}

struct toll_slice toll_dimension_value(const struct toll_budget_dimension *d,
                                       const struct toll_batch *b, const struct toll_resource *res,
                                       const struct toll_span *s, char buf[TOLL_DIMENSION_TEXT])
{
	struct toll_slice value = { 0 };

	switch (d->source) {
	case TOLL_FROM_SERVICE:
		return from_service(d, res, buf);
	case TOLL_FROM_RECORD:
		value = from_record(d, b, res, s);
		break;
	case TOLL_FROM_OPERATION:
		value = from_operation(s);
		break;
	case TOLL_FROM_REGION:
		value = s && s->region.len ? s->region : from_attributes(d, res, s, buf);
		break;
	case TOLL_FROM_ATTRIBUTES:
		value = from_attributes(d, res, s, buf);
		break;
	}
	if (value.len == 0 && d->unattributed)
		return TOLL_SLICE(TOLL_VALUE_UNATTRIBUTED);
	return value;
}
