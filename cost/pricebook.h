/* SPDX-License-Identifier: Apache-2.0 */
/* pricebook.h - an immutable, versioned price book, and where components find the current one.
 *
 * A rule is a conjunction of conditions on fields of a span and the meters it is then charged by.
 * Reserved fields: service, operation, region, provider, model, kind, name; any other is the key of
 * an attribute (the span's own, else its resource's). Numbers and booleans match by their text.
 *
 * Of the rules that match and are valid the first counts: higher priority; class (1 service and
 * operation exactly, 2 an operation or route otherwise, 3 a service, 4 the rest); higher layer;
 * more exact conditions; more conditions; longer literal text; the earlier one. docs/prices.md
 * tells it to users. Building: price_builder.h. */
#ifndef TOLL_COST_PRICEBOOK_H
#define TOLL_COST_PRICEBOOK_H

#include "base/snapshot.h"
#include "cost/rate.h"

enum toll_match_op {
	TOLL_MATCH_EXACT = 0,
	TOLL_MATCH_ONE_OF,
	TOLL_MATCH_PREFIX,
	TOLL_MATCH_SUFFIX,
	TOLL_MATCH_GLOB, /* '*' any run of bytes, '?' one byte */
	TOLL_MATCH_EXISTS,
	TOLL_MATCH_ABSENT,
};

struct toll_condition {
	struct toll_slice field;
	enum toll_match_op op;
	const struct toll_slice *texts; /* ONE_OF: one or more; EXISTS, ABSENT: none; else one */
	uint32_t text_count;
};

/* The whole quantity is charged at the rate of the tier with the highest `over` below `of`. */
struct toll_tier {
	enum toll_quantity_kind of;
	uint64_t over; /* base units; more than this */
	struct toll_rate rate;
};

struct toll_meter {
	struct toll_rate rate;       /* per base unit, also where there is a step */
	struct toll_slice attribute; /* its key, for TOLL_QUANTITY_ATTRIBUTE */
	uint64_t at_least;           /* base units; 0: none. Before step */
	uint64_t step;               /* rounded up to a multiple of this many base units; 0: not */
	const struct toll_tier *tiers;
	uint32_t tier_count;
	enum toll_quantity_kind kind;
};

#define TOLL_TIME_OPEN_FROM INT64_MIN
#define TOLL_TIME_OPEN_TO   INT64_MAX

struct toll_price_rule {
	struct toll_slice id, source, checked_at;
	struct toll_slice discount; /* what its rates were multiplied by: "edp", "edp + volume" */
	const struct toll_condition *conditions;
	uint32_t condition_count;
	const struct toll_meter *meters;
	uint32_t meter_count;
	bool free; /* explicitly; so is a rule whose rates are all 0 */
	int32_t priority;
	uint32_t layer, order;            /* order: place in its document */
	int64_t valid_from_s, valid_to_s; /* Unix seconds, [from, to) */
};

enum {
	TOLL_PRICEBOOK_RULES = 1000000, /* most rows in a book */
	TOLL_PRICEBOOK_FIELDS = 64,     /* most fields that conditions of one book name */
	TOLL_PRICE_CONDITIONS = 16,     /* most conditions of a rule */
	TOLL_PRICE_METERS = 24,         /* most meters of a rule */
};

struct toll_pricebook; /* begins with struct toll_shared */

/* A compiled rule. Lives as long as its book. */
struct toll_price {
	const struct toll_pricebook *book;
	const struct toll_price_rule *rule; /* NULL in toll_pricebook_no_rule() */
	const uint8_t *fields;              /* of each condition: its field's index in the book */
	uint32_t kinds;                     /* bit per toll_quantity_kind that has a meter */
	uint32_t reads;                     /* the same, and what tiers go by */
	uint8_t class;                      /* of the order above, 1 to 4 */
	bool free;                          /* nothing it charges */
	bool uses_model; /* meters of family USAGE: the span must tell what was used */
	/* Per kind of quantity: 1 + index of the meter that charges it, fallbacks resolved; or 0.
	 */
	uint8_t meter_of[TOLL_QUANTITY_COUNT];
};

/* The values of a span by field of the book; one is there where its bit is set. */
struct toll_price_lookup {
	uint64_t has;
	struct toll_slice values[TOLL_PRICEBOOK_FIELDS];
};

/* ---- reading, any thread ---- */

struct toll_shared *toll_pricebook_shared(struct toll_pricebook *b);
const struct toll_pricebook *toll_pricebook_of(const struct toll_shared *shared); /* NULL: NULL */

/* The fields that conditions name: who looks up gathers just these. */
uint32_t toll_pricebook_field_count(const struct toll_pricebook *b);
struct toll_slice toll_pricebook_field(const struct toll_pricebook *b, uint32_t i);
/* Its index; TOLL_PRICEBOOK_FIELDS: no condition names it. */
uint32_t toll_pricebook_field_index(const struct toll_pricebook *b, struct toll_slice field);

/* The first rule that matches and is valid at at_s (Unix seconds), or NULL. */
const struct toll_price *toll_pricebook_find(const struct toll_pricebook *b,
                                             const struct toll_price_lookup *l, int64_t at_s);
/* The price of cost.units.<name>, with one meter of kind ATTRIBUTE; NULL: it has none. */
const struct toll_price *toll_pricebook_unit(const struct toll_pricebook *b, struct toll_slice name,
                                             int64_t at_s);
/* What a span is priced with that matches no rule but has units, or may be free: has no meters. */
const struct toll_price *toll_pricebook_no_rule(const struct toll_pricebook *b);

const char *toll_pricebook_version(const struct toll_pricebook *b);
/* Any thread, also while the book is read: its source said again that these prices hold. */
void toll_pricebook_set_sync(struct toll_pricebook *b, uint64_t wall_ns);
uint64_t toll_pricebook_sync(const struct toll_pricebook *b); /* wall ns of the last good refresh */

/* Every row, rules in the order in which they are tried, units by name and time. */
uint32_t toll_pricebook_count(const struct toll_pricebook *b); /* rules and units */
uint32_t toll_pricebook_rule_count(const struct toll_pricebook *b);
const struct toll_price *toll_pricebook_rule(const struct toll_pricebook *b, uint32_t i);
uint32_t toll_pricebook_unit_count(const struct toll_pricebook *b);
const struct toll_price *toll_pricebook_unit_row(const struct toll_pricebook *b, uint32_t i);

/* Whether one condition holds; has: the span has the field. */
bool toll_condition_holds(const struct toll_condition *c, bool has, struct toll_slice value);

/* ---- the named service "pricebook" of the host ---- */

/* current holds a toll_pricebook, NULL until one was loaded. ttl_ns: a book older than that since
 * its sync is stale (0: never, e.g. a file). Any thread. */
struct toll_pricebook_source {
	struct toll_snapshot current;
	uint64_t ttl_ns;
};

#endif
