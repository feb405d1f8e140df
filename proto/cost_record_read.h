/* SPDX-License-Identifier: Apache-2.0 */
/* cost_record_read.h - reads the flat cost record of one span (cost_record.h) back. */
#ifndef TOLL_PROTO_COST_RECORD_READ_H
#define TOLL_PROTO_COST_RECORD_READ_H

#include "base/error.h"
#include "cost/money.h"

#define TOLL_RECORD_TEXTS 32

struct toll_cost_record {
	uint64_t received_ms, timestamp_ms; /* Unix; 0: not told */
	int64_t pico;                       /* of the span; 0 also where it is unpriced */
	toll_i128 total_pico;               /* of all the spans that it stands for */
	bool unpriced;                      /* there is a cost_error */
	/* Members that are texts, "service" and "tenant" among them; further ones are left out. */
	struct {
		struct toll_slice name, value;
	} texts[TOLL_RECORD_TEXTS];
	uint32_t text_count;
};

/* line: one JSON object, has to be writable. room: as long as line; what *ret shows lies there.
 * TOLL_EINVALID: not JSON, no record (it needs cost_amount, a service and a time), or an amount
 * that is none; TOLL_ETOOBIG: more than an amount may be; TOLL_ENOMEM. Unknown members are passed
 * over. */
int toll_cost_record_read(char *line, size_t len, char *room, struct toll_cost_record *ret,
                          struct toll_error *reterr) TOLL_MUST_CHECK;

/* The text of that name; empty: there is none. */
struct toll_slice toll_cost_record_text(const struct toll_cost_record *r, struct toll_slice name);

#endif
