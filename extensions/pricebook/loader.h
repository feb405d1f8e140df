/* SPDX-License-Identifier: Apache-2.0 */
/* loader.h - files or a URL -> the documents of a book, or a sentence. Blocks; keeps nothing. */
#ifndef TOLL_EXTENSIONS_PRICEBOOK_LOADER_H
#define TOLL_EXTENSIONS_PRICEBOOK_LOADER_H

#include <stdatomic.h>

#include "net/http_client.h"
#include "prices/document.h"
#include "prices/edition.h"
#include "prices/settings.h"

/* etag: of the edition that the caller has, "": it has none; becomes the new one's. abort: ends a
 * request to the endpoint within about a second. *ret_edition: the caller's reference, not compiled
 * yet; NULL where the endpoint says that nothing has changed. */
int toll_prices_fetch(const struct toll_prices_settings *from, struct toll_http_etag *etag,
                      const atomic_bool *abort, struct toll_edition **ret_edition,
                      struct toll_error *reterr) TOLL_MUST_CHECK;

/* The same documents above the catalogue, where the settings want it; e is the function's from
 * here. NULL: out of memory. */
struct toll_edition *toll_prices_over_catalogue(const struct toll_prices_settings *from,
                                                struct toll_edition *take_e);

/* Makes the book of an edition that nobody else knows yet. */
int toll_prices_compile(struct toll_edition *e, struct toll_prices_notes *notes,
                        struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
