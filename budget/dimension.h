/* SPDX-License-Identifier: Apache-2.0 */
/* dimension.h - names by which spend is told apart, and the value that a span has of each.
 *
 * Some are built in; `dimensions:` adds others, or says anew where the values of a built-in one
 * come from. A span's own attributes beat its resource's. Values are borrowed from the batch. */
#ifndef TOLL_BUDGET_DIMENSION_H
#define TOLL_BUDGET_DIMENSION_H

#include "base/arena.h"
#include "base/error.h"
#include "budget/settings.h"
#include "proto/batch.h"

#define TOLL_DIMENSION_NAME_MAX 32
#define TOLL_DIMENSION_KEYS_MAX 8

/* Spend that nobody claimed, for dimensions where that is worth a line of its own. No glob reaches
 * it: a budget must name it. */
#define TOLL_VALUE_UNATTRIBUTED "__unattributed__"

enum toll_dimension_source {
	TOLL_FROM_SERVICE = 0, /* the resource's service, or the attributes that make its key */
	TOLL_FROM_RECORD,      /* a dimension of cost records (proto/batch.h) */
	TOLL_FROM_OPERATION,   /* name or route with its variable parts folded */
	TOLL_FROM_REGION,      /* of the price, else where the resource is */
	TOLL_FROM_ATTRIBUTES,
};

struct toll_dimension_key {
	struct toll_slice name;
	uint16_t id, twin; /* enum toll_key; 0: none that is known */
};

struct toll_budget_dimension {
	struct toll_slice name;
	enum toll_dimension_source source;
	enum toll_dimension record; /* FROM_RECORD */
	uint32_t key_count;
	struct toll_dimension_key keys[TOLL_DIMENSION_KEYS_MAX]; /* best first */
	bool by_span;      /* spans of one resource may differ */
	bool unattributed; /* without a value: TOLL_VALUE_UNATTRIBUTED */
};

/* The dimension of this name, as configured or built in. TOLL_ECONFIG with a sentence ("did you
 * mean"). Texts are borrowed from set. */
int toll_dimension_find(const struct toll_budget_settings *set, struct toll_slice name,
                        struct toll_budget_dimension *ret, struct toll_error *reterr);

/* Are set's own dimensions and its service key well made? at: the setting that is not. */
int toll_dimensions_check(const struct toll_budget_settings *set, char at[64],
                          struct toll_error *reterr);

/* By the place in keys: organisation, namespace, tenant, service, feature, model, others by name.
 * As for qsort(). */
int toll_dimension_order(struct toll_slice a, struct toll_slice b);

/* What span s has; s NULL: what its resource has. Empty: nothing. Text that had to be made lies in
 * buf. The batch is sealed. */
#define TOLL_DIMENSION_TEXT 2400
struct toll_slice toll_dimension_value(const struct toll_budget_dimension *d,
                                       const struct toll_batch *b, const struct toll_resource *res,
                                       const struct toll_span *s, char buf[TOLL_DIMENSION_TEXT]);

#endif
