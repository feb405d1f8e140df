/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h - the values of a span by field of a price book: just those that its rules ask for. */
#ifndef TOLL_PROCESSORS_PRICING_FIELDS_H
#define TOLL_PROCESSORS_PRICING_FIELDS_H

#include "cost/pricebook.h"
#include "proto/batch.h"

enum { TOLL_FIELD_TEXT = 32 }; /* bytes of a number's text */

/* The texts of numbers, by field. */
struct toll_field_texts {
	char at[TOLL_PRICEBOOK_FIELDS][TOLL_FIELD_TEXT];
};

/* Where the values of the reserved fields go: an index in the book, or TOLL_PRICEBOOK_FIELDS. */
struct toll_reserved_fields {
	uint8_t service, operation, region, provider, model, kind, name;
};

/* For one batch and one book, on the stack of whoever prices it. */
struct toll_field_reader {
	const struct toll_pricebook *book;
	struct toll_reserved_fields reserved;
	uint8_t of_key[TOLL_KEY_COUNT];        /* 1 + index in the book; 0: no rule asks */
	uint64_t known;                        /* bits of the well-known keys that rules ask for */
	uint8_t others[TOLL_PRICEBOOK_FIELDS]; /* fields that are keys known to nobody else */
	uint32_t other_count;
	/* What the resource says, and what the last span said over it. */
	uint64_t resource_has, overlaid;
	struct toll_slice resource_values[TOLL_PRICEBOOK_FIELDS];
	struct toll_field_texts resource_texts, texts;
	struct toll_price_lookup lookup; /* of the span read last */
};

void toll_fields_init(struct toll_field_reader *f, const struct toll_pricebook *book);
/* Before the spans of a resource. */
void toll_fields_resource(struct toll_field_reader *f, const struct toll_resource *r);
/* The attributes of a span over those of its resource, and its kind and name. The other reserved
 * fields are up to the caller: toll_fields_set(). */
void toll_fields_span(struct toll_field_reader *f, const struct toll_span *s);

/* Sets a reserved field, if any rule asks for it; ptr NULL: the span does not have it. */
static inline void toll_fields_set(struct toll_field_reader *f, uint8_t field,
                                   struct toll_slice value)
{
	if (field == TOLL_PRICEBOOK_FIELDS || !value.ptr)
		return;
	f->lookup.has |= UINT64_C(1) << field;
	f->lookup.values[field] = value;
}

#endif
