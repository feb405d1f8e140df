/* SPDX-License-Identifier: Apache-2.0 */
/* document.h - a price document -> rows of a price book. docs/prices.md tells users of the format.
 *
 * Format v1 ("format: spantoll.prices/v1") is YAML or JSON; a document without `format` is the
 * seed's "service:operation" -> {cost_per_ms}. Amounts are taken by their text, never through a
 * double. All problems are told at once, each with line, column and path. One bad row refuses the
 * document: a half-read book would price in silence. */
#ifndef TOLL_PRICES_DOCUMENT_H
#define TOLL_PRICES_DOCUMENT_H

#include "base/error.h"
#include "config/config.h"

#define TOLL_PRICES_MAX_BYTES ((size_t)16 * 1024 * 1024)
/* Values in a document: a million rows of the seed's form have as many, or twice. While it is read
 * it takes up to 150 bytes for each. */
#define TOLL_PRICES_MAX_VALUES 2500000u

struct toll_pricebook_builder;

/* Adds the rows of a document; its discounts are applied to them and to rows of lower layers. name
 * (file or URL) stands before the findings; a name in .yaml or .yml is YAML even where it begins
 * like JSON. layer: 0 is the catalogue, then one for each document, ever higher.
 * 0: no error was added to findings (warnings may have been). TOLL_EINVALID; TOLL_ETOOBIG;
 * TOLL_EFULL (rows in the book); TOLL_ENOMEM: with an error in findings, and the builder is good
 * for nothing but free. */
int toll_prices_read(struct toll_slice text, const char *name, unsigned layer,
                     struct toll_pricebook_builder *builder,
                     struct toll_findings *findings) TOLL_MUST_CHECK;

/* One sentence of the first error: "prices.yaml:12:7: rules::a::price: ... (and 3 more)"; returns
 * err. */
int toll_prices_fail(struct toll_findings *findings, int err, struct toll_error *reterr);

/* Warnings of several documents; the caller starts with {0}. */
struct toll_prices_notes {
	unsigned warnings;
	char first[160];
};

/* toll_prices_read() for who has a line to tell it in: reterr is as of toll_prices_fail(). */
int toll_prices_read_briefly(struct toll_slice text, const char *name, unsigned layer,
                             struct toll_pricebook_builder *builder,
                             struct toll_prices_notes *notes,
                             struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
