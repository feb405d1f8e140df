/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_price_json.c - any bytes are a price book with rows in it, or a sentence. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "cost/price_builder.h"
#include "prices/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *book = NULL;
	struct toll_prices_notes notes = { 0 };
	struct toll_error why = { 0 };
	char *copy = malloc(size ? size : 1); /* not one byte more: reading on is seen */
	int err;

	assert(builder && copy);
	memcpy(copy, data, size);
	err = toll_prices_json_read(toll_slice(copy, size), "fuzz", 1, builder, &notes, &why);
	assert(err == 0 || why.text[0] != '\0');
	free(copy);
	if (err) {
		toll_pricebook_builder_free(builder);
		return 0;
	}
	err = toll_pricebook_builder_finish(builder, TOLL_SLICE("v"), &book, &why);
	assert(err == 0 && toll_pricebook_count(book) > 0);
	toll_shared_unref(toll_pricebook_shared(book));
	return 0;
}
