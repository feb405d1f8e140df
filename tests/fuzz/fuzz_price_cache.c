/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_price_cache.c - any bytes are a cache that is written as it was read, or a sentence.
 *
 * The hash would keep a fuzzer out: the target puts the right one in front of its input. */
#include <assert.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "extensions/pricebook/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_price_cache c;
	struct toll_error why = { 0 };
	char *text;
	int head = asprintf(&text, "spantoll price cache 1\nhash %016" PRIx64 "\n",
	                    toll_hash(toll_slice(data, size)));
	char *exact;
	int err;

	assert(head > 0);
	exact = malloc((size_t)head + size); /* not one byte more: reading on is seen */
	assert(exact);
	memcpy(exact, text, (size_t)head);
	if (size)
		memcpy(exact + head, data, size);
	err = toll_price_cache_parse(toll_slice(exact, (size_t)head + size), &c, &why);
	assert(err == 0 ? c.edition->count > 0 : why.text[0] != '\0' && !c.edition);
	toll_edition_unref(c.edition);
	free(exact);
	free(text);
	return 0;
}
