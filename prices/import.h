/* SPDX-License-Identifier: Apache-2.0 */
/* import.h - price lists that others publish -> a price document in the format of docs/prices.md.
 *
 * Amounts go over by their text: nothing is computed, so nothing is rounded. What the format cannot
 * say is told, never guessed. A list is parsed as a whole and takes about ten times its size in
 * memory while that goes on: hence TOLL_IMPORT_MAX_BYTES. */
#ifndef TOLL_PRICES_IMPORT_H
#define TOLL_PRICES_IMPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/slice.h"

#define TOLL_IMPORT_MAX_BYTES ((size_t)32 * 1024 * 1024)

/* One run. The caller starts with {0} and fills what stands above the line. */
struct toll_import {
	FILE *out;           /* where the document goes */
	const char *name;    /* of the list, for sentences and as source of the rows */
	const char *service; /* aws-offer: its offer code must be this; NULL: any */
	const char *region;  /* aws-offer: only products of this region; NULL: the list has one */
	const char *checked_at; /* YYYY-MM-DD, the day of the list; NULL: not said */
	/* Something was left out; what and why are valid during the call. */
	void (*left_out)(void *context, struct toll_slice what, const char *why);
	void *context;
	/* ---- */
	unsigned rules, units, lost; /* written, written, told through left_out */
	bool first;                  /* of the list that is being written */
	char unit[256];              /* whose rows are being written */
};

/* 0 with a whole document in out, of at least one row. Else out may hold a part: TOLL_EINVALID (not
 * such a list, or nothing in it can be said), TOLL_ETOOBIG, TOLL_ENOMEM; reterr says why. */
typedef int toll_import_run(struct toll_import *im, struct toll_slice text,
                            struct toll_error *reterr);

struct toll_import_format {
	const char *name; /* for --from */
	toll_import_run *run;
	const char *help;
};

/* Ends with a name of NULL. */
extern const struct toll_import_format toll_import_formats[];

toll_import_run toll_import_aws_offer, toll_import_litellm, toll_import_genai, toll_import_opencost,
	toll_import_csv;

#endif
