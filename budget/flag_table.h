/* SPDX-License-Identifier: Apache-2.0 */
/* flag_table.h - flags by subject, immutable once made: what toll_flags_publish() publishes. */
#ifndef TOLL_BUDGET_FLAG_TABLE_H
#define TOLL_BUDGET_FLAG_TABLE_H

#include "base/hash.h"
#include "budget/flags.h"

#define TOLL_FLAG_KINDS_MAX                                                   \
	64 /* combinations of dimensions; flags of further ones are not found \
	    */
#define TOLL_KIND_DIMENSIONS_MAX 4

/* Which dimensions the subjects of a kind are made of, in the order of their keys. */
struct toll_flag_kind {
	struct toll_slice dimensions[TOLL_KIND_DIMENSIONS_MAX];
	unsigned count;
};

struct toll_flag_table {
	struct toll_shared shared; /* first */
	struct toll_flag *flags;
	char *text; /* the subjects */
	struct toll_table by_subject;
	struct toll_flag_kind kinds[TOLL_FLAG_KINDS_MAX];
	uint32_t count;
	unsigned kind_count;
};

/* NULL: out of memory. */
struct toll_flag_table *toll_flag_table_new(const struct toll_flag *flags, uint32_t count);
const struct toll_flag *toll_flag_table_find(const struct toll_flag_table *t,
                                             struct toll_slice subject);

/* The key of a subject out of its kind and values (not encoded). Returns its length; out has room
 * for TOLL_SUBJECT_MAX bytes. */
size_t toll_flag_key(const struct toll_flag_kind *kind, const struct toll_slice *values, char *out);

#endif
