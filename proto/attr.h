/* SPDX-License-Identifier: Apache-2.0 */
/* attr.h - find and decode attributes. Borrowed results: they live as long as the batch. */
#ifndef TOLL_PROTO_ATTR_H
#define TOLL_PROTO_ATTR_H

#include "proto/batch.h"

/* The first attribute with this key that is not deleted, or NULL. */
const struct toll_attr *toll_node_find(const struct toll_node *n, enum toll_key key);
const struct toll_attr *toll_node_find_name(const struct toll_node *n, struct toll_slice key);

/* What a user means by a key: the attribute of that name, else of the name that the conventions
 * gave it before or since (twins.def). */
const struct toll_attr *toll_node_find_field(const struct toll_node *n, struct toll_slice key);
enum toll_key toll_key_twin(enum toll_key key); /* TOLL_KEY_OTHER: it has none */

/* The span's own attribute, else its resource's. */
const struct toll_attr *toll_span_find(const struct toll_batch *b, const struct toll_span *s,
                                       enum toll_key key);

/* Which well-known key this is, or TOLL_KEY_OTHER; and back ("" for OTHER). */
enum toll_key toll_key_of(struct toll_slice key);
struct toll_slice toll_key_text(enum toll_key key);

enum toll_value_type {
	TOLL_VALUE_NONE = 0, /* empty or malformed AnyValue */
	TOLL_VALUE_STRING,
	TOLL_VALUE_BOOL,
	TOLL_VALUE_INT,
	TOLL_VALUE_DOUBLE,
	TOLL_VALUE_ARRAY,  /* bytes: encoded ArrayValue */
	TOLL_VALUE_KVLIST, /* bytes: encoded KeyValueList */
	TOLL_VALUE_BYTES,
};

struct toll_value {
	enum toll_value_type type;
	struct toll_slice bytes; /* STRING, BYTES, ARRAY, KVLIST */
	int64_t integer;         /* INT, BOOL */
	double number;           /* DOUBLE */
};

struct toll_value toll_value_decode(struct toll_slice any_value);
/* A length-delimited field of a message, the last one where there are several; {NULL, 0}: absent or
 * malformed. For what no view holds: a scope's name, a status' message. */
struct toll_slice toll_message_field(struct toll_slice message, uint32_t field);

/* The string of a STRING attribute; the first element of an ARRAY of strings (header attributes);
 * {NULL, 0} otherwise, also for a == NULL. */
struct toll_slice toll_attr_text(const struct toll_attr *a);

#endif
