/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - the price document: "service:operation" -> {"service", "operation", "cost_per_ms"}.
 *
 * cost_per_ms is a number, taken by its text and never through a double; null means free, and so
 * does null in place of a whole row. Where service and operation are given they must agree with the
 * key; otherwise the key is cut at its first colon. Operation "*" is the service's default. Other
 * members of a row, and members of the document that are no rows, are ignored and counted; a
 * "currency" must be "USD". One bad row refuses the document: a half-read book would price in
 * silence. */
#ifndef TOLL_PRICES_JSON_H
#define TOLL_PRICES_JSON_H

#include "base/error.h"
#include "base/slice.h"

#define TOLL_PRICES_MAX_BYTES ((size_t)16 * 1024 * 1024)

struct toll_pricebook_builder;

/* What was read over; the caller starts with {0}. */
struct toll_prices_notes {
	unsigned ignored;
	char first[64]; /* name of the first ignored member */
};

/* Adds the rows, as rules of this layer; after a failure some may have been added. name (of the
 * file or URL) begins the sentence. TOLL_EINVALID, TOLL_ETOOBIG, TOLL_ENOMEM. */
int toll_prices_json_read(struct toll_slice text, const char *name, unsigned layer,
                          struct toll_pricebook_builder *builder, struct toll_prices_notes *notes,
                          struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
