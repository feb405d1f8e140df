/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_import_opencost.c - see import_target.h. */
#include "tests/fuzz/import_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	import_bytes(toll_import_opencost, data, size);
	return 0;
}
