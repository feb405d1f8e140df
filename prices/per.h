/* SPDX-License-Identifier: Apache-2.0 */
/* per.h - what a rate is given for, and other quantities in price documents: "1M", "1GiB", "1h",
 * "1GiBs", "1M steps". */
#ifndef TOLL_PRICES_PER_H
#define TOLL_PRICES_PER_H

#include <stdint.h>

#include "base/macro.h"
#include "base/slice.h"

enum toll_per_unit {
	TOLL_PER_COUNT = 0, /* tokens, calls, ... */
	TOLL_PER_TIME,      /* ns */
	TOLL_PER_BYTES,
	TOLL_PER_BYTE_TIME, /* byte x ns: memory held for a time */
	TOLL_PER_STEPS,     /* of whatever the meter's step is */
};

struct toll_per {
	uint64_t base; /* in the base unit; never 0 */
	enum toll_per_unit unit;
};

/* A whole number without a sign, then the unit: k M G T; ns us ms s min h d; B KB MB GB TB KiB MiB
 * GiB TiB; KBs MBs GBs KiBs MiBs GiBs; steps. NULL, or the end of a sentence that says what is
 * wrong
 * ("has no unit ..."); *ret is written only on success. */
const char *toll_per_read(struct toll_slice text, struct toll_per *ret) TOLL_MUST_CHECK;

/* "1GiBs", "250ms", "1M", as toll_per_read() takes it. Returns buf. */
#define TOLL_PER_TEXT 40
const char *toll_per_print(struct toll_per per, char buf[TOLL_PER_TEXT]);

/* For messages: "a count such as 1 or 1M". */
const char *toll_per_example(enum toll_per_unit unit);

#endif
