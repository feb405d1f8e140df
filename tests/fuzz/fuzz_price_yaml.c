/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_price_yaml.c - price documents in YAML. */
#include <stdint.h>

#include "tests/support/fuzz_prices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_prices(data, size, "fuzz.yaml");
	return 0;
}
