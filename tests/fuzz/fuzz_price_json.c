/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_price_json.c - price documents of format v1 in JSON: the corpus begins there. */
#include <stdint.h>

#include "tests/support/fuzz_prices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_prices(data, size, "fuzz.json");
	return 0;
}
