/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_price_seed.c - the seed's price documents: a name without an ending decides nothing. */
#include <stdint.h>

#include "tests/support/fuzz_prices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_prices(data, size, "fuzz");
	return 0;
}
