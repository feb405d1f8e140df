/* SPDX-License-Identifier: Apache-2.0 */
/* price_charge.h - what the meters of a price make of the quantities of a span. Pure. */
#ifndef TOLL_COST_PRICE_CHARGE_H
#define TOLL_COST_PRICE_CHARGE_H

#include "cost/pricebook.h"

/* What a span used. quantities[k] is there where bit k of has is set; CALLS and DURATION must be
 * wherever a rule may ask for them. */
struct toll_metered {
	struct toll_quantity quantities[TOLL_QUANTITY_COUNT];
	uint32_t has;
	bool known;     /* the span tells of any model usage */
	bool aggregate; /* agent, chain, workflow, tool: repeats what its children used */
	/* Of the attribute meters, by index of the meter in the rule. */
	struct toll_quantity attributes[TOLL_PRICE_METERS];
	uint32_t has_attributes;
};

enum toll_charge {
	TOLL_CHARGED = 0,
	TOLL_CHARGE_NO_USAGE,    /* a meter of family USAGE, and the span tells of no usage */
	TOLL_CHARGE_NO_RATE,     /* the span used something the rule has no rate for: kind */
	TOLL_CHARGE_NO_QUANTITY, /* the span does not say how much: kind, attribute */
	TOLL_CHARGE_OVERFLOW,
};

/* One line of the bill. */
struct toll_charged {
	const struct toll_meter *meter; /* that charged it */
	enum toll_quantity_kind
		kind; /* what was charged: another one than the meter's by fallback */
	struct toll_quantity measured, billed; /* billed: after at_least and step */
	const struct toll_rate *rate;          /* that of the tier */
	int64_t pico;                          /* rounded on its own, for show */
};

struct toll_bill {
	uint32_t count;
	struct toll_charged lines[TOLL_PRICE_METERS + TOLL_QUANTITY_COUNT];
};

struct toll_charge_result {
	enum toll_charge outcome;
	enum toll_quantity_kind kind; /* NO_RATE, NO_QUANTITY */
	struct toll_slice attribute;  /* NO_QUANTITY of an attribute meter: its key */
};

/* Adds what the price charges to sum, and to bill (may be NULL) line by line. Unless CHARGED, sum
 * and bill are good for nothing. */
struct toll_charge_result toll_price_charge(const struct toll_price *price,
                                            const struct toll_metered *m, struct toll_sum *sum,
                                            struct toll_bill *bill);

/* Whether a sum of 0 means that the span is free: explicitly, or as an aggregate, of which a rule
 * for what models used charges nothing but its other meters, and nothing at all where it names no
 * service or operation. */
bool toll_price_is_free(const struct toll_price *price, const struct toll_metered *m);

#endif
