/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the answer of a destination: whatever is read lies inside them. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/otlp_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct toll_slice part, const uint8_t *data, size_t size)
{
	const uint8_t *at = (const uint8_t *)part.ptr;

	if (part.len && (at < data || at + part.len > data + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct toll_slice bytes = toll_slice(data, size);
	struct toll_otlp_answer a = toll_otlp_answer_read(bytes);
	struct toll_rpc_status s = toll_rpc_status_read(bytes);

	inside(a.message, data, size);
	inside(s.message, data, size);
	if (a.rejected > INT64_MAX || (s.retry_delay_ns && !s.has_retry_delay))
		abort();
	return 0;
}
