/* SPDX-License-Identifier: Apache-2.0 */
/* prices.h - PUT /debug/pricebookz: a price book that is held is confirmed. */
#ifndef TOLL_EXTENSIONS_ZPAGES_PRICES_H
#define TOLL_EXTENSIONS_ZPAGES_PRICES_H

#include "net/http_server.h"
#include "pipeline/host.h"

/* ?confirm=VERSION, and &book=ID where there is more than one. The log tells what becomes of it. */
void toll_zpages_confirm_prices(struct toll_host *h, const struct toll_http_request *q,
                                struct toll_http_response *r);

#endif
