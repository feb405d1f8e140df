/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - the budgets of a configuration, checked and named.
 *
 * What rules say they own: texts and calendars lie in counted memory that copies share, so that
 * they outlive the configuration they came from. Immutable but for toll_rules_succeed(). */
#ifndef TOLL_BUDGET_RULES_H
#define TOLL_BUDGET_RULES_H

#include "base/error.h"
#include "budget/settings.h"
#include "budget/subject.h"
#include "cost/budget.h"
#include "cost/window.h"

#define TOLL_RULES_MAX       64
#define TOLL_WINDOWS_MAX     16
#define TOLL_RULE_ID         20
#define TOLL_SETTING_MAX     128
#define TOLL_BUDGET_NAME_MAX 63

struct toll_rule {
	struct toll_slice name;                           /* "": none */
	uint32_t kind;                                    /* of the subjects it is for */
	struct toll_slice globs[TOLL_SUBJECT_DIMENSIONS]; /* in the order of the kind */
	int64_t limit_pico;
	uint32_t window; /* index into windows */
	enum toll_budget_mode mode;
	struct toll_budget_rule rule;
	uint64_t evaluation_ms;
	double fast_factor;    /* 0: no fast trip */
	uint32_t fast_window;  /* index into windows, of the time that is projected */
	char id[TOLL_RULE_ID]; /* "b:" and a hash of all that makes the rule: daemons with different
	                          rules do not disturb each other's state */
	char before[TOLL_RULE_ID]; /* the rule that this one has replaced here; "": none */
};

struct toll_rules {
	struct toll_rules_memory *memory; /* NULL: nothing is here */
	struct toll_subjects subjects;
	struct toll_rule at[TOLL_RULES_MAX];
	uint32_t count;
	struct toll_window windows[TOLL_WINDOWS_MAX]; /* [0] is 24h: published for every service */
	uint32_t window_count;
	uint64_t evaluation_ms; /* the shortest of all */
	uint64_t ttl_ms;
	uint32_t life;      /* how many rules of this process had their turn before */
	uint64_t settle_ms; /* sums younger than this may still be under reconstruction */
};

/* What no budget at all stands for. */
extern const struct toll_budget_config toll_default_budget;

/* TOLL_ECONFIG with a sentence, TOLL_ENOMEM; then there is nothing to release. */
int toll_rules_init(struct toll_rules *r, const struct toll_budget_settings *set,
                    struct toll_error *reterr) TOLL_MUST_CHECK;
/* The same, and at tells which setting the error is about: "budgets::0::match::tenat". */
int toll_rules_build(struct toll_rules *r, const struct toll_budget_settings *set,
                     char at[TOLL_SETTING_MAX], struct toll_error *reterr) TOLL_MUST_CHECK;
void toll_rules_copy(struct toll_rules *ret, const struct toll_rules *r);
void toll_rules_release(struct toll_rules *r);

/* Would they decide the same in the same way? */
bool toll_rules_equal(const struct toll_rules *a, const struct toll_rules *b);

/* Rules that a reload puts in the place of others for the same subjects and window take up their
 * averages and flags: notes whose, and that they come later. */
void toll_rules_succeed(struct toll_rules *r, const struct toll_rules *before);

/* Indexes of the rules that match a subject of this kind, most TOLL_RULES_MAX; returns their
 * number. values: decoded, in the order of the kind. Unverified spend (cost/name.h) has none, and
 * sums of many subjects only what names them. */
uint32_t toll_rules_match(const struct toll_rules *r, uint32_t kind,
                          const struct toll_slice *values, uint16_t *ret);

/* Is the subject one of the rule's, or a sum of many that has some of theirs? */
bool toll_rule_concerns(const struct toll_rules *r, const struct toll_rule *rule, uint32_t kind,
                        const struct toll_slice *values);

/* The next moment after now_ms at which some rule has to be decided: the end of an evaluation
 * window, or of a period. */
uint64_t toll_rules_next_ms(const struct toll_rules *r, uint64_t now_ms);

#endif
