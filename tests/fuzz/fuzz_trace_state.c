/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_trace_state.c - what is well-formed stays so with new values, which are read back, and keeps
 * within its bound. */
#include <assert.h>
#include <stdint.h>

#include "proto/trace_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char out[TOLL_TRACE_STATE_MAX + TOLL_TRACE_STATE_MORE];
	struct toll_slice text = toll_slice(data, size);
	struct toll_trace_state before, after;
	char *end;

	if (!toll_trace_state_parse(text, &before))
		return 0;
	assert(!before.has_threshold || before.threshold < TOLL_SAMPLING_NEVER);
	before.has_threshold = true;
	end = toll_trace_state_write(text, &before, out);
	assert((size_t)(end - out) <= size + TOLL_TRACE_STATE_MORE);
	/* A list or a value that was as long as allowed is longer now. */
	if (!toll_trace_state_parse(toll_slice(out, (size_t)(end - out)), &after))
		return 0;
	assert(after.has_threshold && after.threshold == before.threshold);
	assert(after.has_random == before.has_random && after.random == before.random);
	return 0;
}
