/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_price_message.c - any bytes are a price book from a peer, or a sentence; the same bytes as
 * the requests of a pricing service are read by protobuf-c, which must survive them. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "extensions/pricebook/message.h"
#include "proto/pricing.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_requests(const uint8_t *data, size_t size)
{
	Spantoll__Pricing__V1__GetCostRequest *cost =
		spantoll__pricing__v1__get_cost_request__unpack(NULL, size, data);
	Spantoll__Pricing__V1__WatchPriceBookRequest *watch =
		spantoll__pricing__v1__watch_price_book_request__unpack(NULL, size, data);

	if (cost)
		spantoll__pricing__v1__get_cost_request__free_unpacked(cost, NULL);
	if (watch)
		spantoll__pricing__v1__watch_price_book_request__free_unpacked(watch, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_price_message m;
	struct toll_error why = { 0 };
	char *copy = malloc(size ? size : 1); /* not one byte more: reading on is seen */
	int err;

	assert(copy);
	memcpy(copy, data, size);
	err = toll_price_message_read(toll_slice(copy, size), &m, &why);
	assert(err == 0 || (why.text[0] && !m.edition));
	assert(!m.edition || m.edition->count > 0);
	toll_edition_unref(m.edition);
	free(copy);
	if (size <= 64 * 1024)
		read_requests(data, size);
	return 0;
}
