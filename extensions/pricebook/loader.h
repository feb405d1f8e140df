/* SPDX-License-Identifier: Apache-2.0 */
/* loader.h - files or a URL -> one new price book, or a sentence. Blocks; keeps nothing. */
#ifndef TOLL_EXTENSIONS_PRICEBOOK_LOADER_H
#define TOLL_EXTENSIONS_PRICEBOOK_LOADER_H

#include <stdatomic.h>

#include "prices/json.h"
#include "prices/settings.h"

/* abort: ends a request to the endpoint within about a second. *ret_book has its version (a hash of
 * all documents) and the time of its sync; the caller has the only reference. */
int toll_prices_load(const struct toll_prices_settings *from, const atomic_bool *abort,
                     struct toll_pricebook **ret_book, struct toll_prices_notes *notes,
                     struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
