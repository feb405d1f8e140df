/* SPDX-License-Identifier: Apache-2.0 */
/* unpriced_rows.h - what went without a price: as a daemon tells it, or counted from records. */
#ifndef TOLL_CMD_UNPRICED_ROWS_H
#define TOLL_CMD_UNPRICED_ROWS_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define TOLL_UNPRICED_ROWS_MAX 10000u

struct toll_unpriced_what {
	char *service, *operation, *model; /* model "": none */
	char *error;                       /* cost.error of one such span */
	uint64_t spans, last_ms;           /* last_ms 0: unknown */
};

struct toll_unpriced_rows {
	struct toll_unpriced_what *rows;
	uint32_t count, room;
	uint64_t others;  /* spans without a row */
	uint64_t skipped; /* lines that are no cost records */
	uint64_t priced;  /* records that have a price, or are free */
};

/* The answer of /debug/unpricedz. TOLL_EINVALID: it is none. */
int toll_unpriced_rows_of_daemon(struct toll_unpriced_rows *rows, const char *json, size_t len,
                                 struct toll_error *reterr) TOLL_MUST_CHECK;
/* Flat cost records, one JSON object per line, as the exporters kafka and file write them. Lines
 * that are none are counted. TOLL_EINVALID, TOLL_ENOMEM. */
int toll_unpriced_rows_add_records(struct toll_unpriced_rows *rows, FILE *in, const char *name,
                                   struct toll_error *reterr) TOLL_MUST_CHECK;
/* Most spans first. */
void toll_unpriced_rows_sort(struct toll_unpriced_rows *rows);
void toll_unpriced_rows_release(struct toll_unpriced_rows *rows);

#endif
