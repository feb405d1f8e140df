/* SPDX-License-Identifier: Apache-2.0 */
/* subject.h - what a budget is about: one value for each of up to four dimensions, and its key.
 *
 * The key of a service alone is its encoded name (cost/name.h). Every other key is dimension:value,
 * joined by ':', in the order of toll_dimension_order(): "tenant:acme:service:payment-svc". ':' in
 * values is encoded, so nothing collides and a key can always be read. */
#ifndef TOLL_BUDGET_SUBJECT_H
#define TOLL_BUDGET_SUBJECT_H

#include "budget/dimension.h"
#include "budget/subject_max.h"

#define TOLL_SUBJECT_DIMENSIONS 4
#define TOLL_DIMENSIONS_MAX     16 /* that budgets name */
#define TOLL_KINDS_MAX          16

/* Values are encoded, and cut as names are where the key would be longer than TOLL_SUBJECT_MAX.
 * Dimensions in the order of keys. Returns the length; 0: their names are too long for a key. */
size_t toll_subject_key(const struct toll_slice *dimensions, const struct toll_slice *values,
                        uint32_t count, char out[TOLL_SUBJECT_MAX]);

/* What a key is up to its next ':', which is passed over with it. */
struct toll_slice toll_subject_part(struct toll_slice *rest);

/* A combination of dimensions that some budget is for. */
struct toll_subject_kind {
	uint8_t at[TOLL_SUBJECT_DIMENSIONS]; /* indexes of dimensions, in the order of keys */
	uint32_t count;
	bool by_span;            /* spans of one resource may be of different subjects */
	struct toll_slice label; /* "tenant,service" */
};

struct toll_subjects {
	struct toll_budget_dimension dimensions[TOLL_DIMENSIONS_MAX]; /* [0] is service */
	uint32_t dimension_count;
	struct toll_subject_kind kinds[TOLL_KINDS_MAX]; /* [0] is service alone */
	uint32_t kind_count;
	bool by_span; /* some kind is */
};

/* Texts are copied into the arena. TOLL_ECONFIG with a sentence; at: which setting it is about. */
int toll_subjects_init(struct toll_subjects *s, const struct toll_budget_settings *set,
                       struct toll_arena *arena, char at[64],
                       struct toll_error *reterr) TOLL_MUST_CHECK;

/* The kind that this match is about, added when new, and its globs in the order of the kind.
 * No match at all is every service. at: which of its keys the error is about, "" none of them. */
int toll_subjects_add(struct toll_subjects *s, const struct toll_budget_settings *set,
                      const struct toll_pair_list *match, struct toll_arena *arena,
                      uint32_t *ret_kind, struct toll_slice globs[TOLL_SUBJECT_DIMENSIONS],
                      struct toll_slice *at, struct toll_error *reterr) TOLL_MUST_CHECK;

size_t toll_subjects_key(const struct toll_subjects *s, uint32_t kind,
                         const struct toll_slice *values, char out[TOLL_SUBJECT_MAX]);
/* That of the money beyond the cap on names. */
size_t toll_subjects_overflow_key(const struct toll_subjects *s, uint32_t kind,
                                  char out[TOLL_SUBJECT_MAX]);

/* Kind and decoded values, in text, of a key. False: it is none of ours. */
struct toll_subject {
	uint32_t kind;
	struct toll_slice values[TOLL_SUBJECT_DIMENSIONS];
};
bool toll_subjects_read(const struct toll_subjects *s, struct toll_slice key,
                        struct toll_subject *ret, char text[TOLL_SUBJECT_MAX]) TOLL_MUST_CHECK;

/* Why toll_subjects_read() knows no such key: TOLL_EINVALID with a sentence for whoever wrote it.
 * 0: it does. */
int toll_subjects_check(const struct toll_subjects *s, struct toll_slice key,
                        struct toll_error *reterr) TOLL_MUST_CHECK;

/* Does the glob reach this value? What nobody claimed, and what is beyond the cap, is many
 * subjects' money: only a budget that names it is for it. */
bool toll_subject_match(struct toll_slice glob, struct toll_slice value);
/* Or is the value such a sum, that people with this glob may want to see? */
bool toll_subject_concerns(struct toll_slice glob, struct toll_slice value);

#endif
