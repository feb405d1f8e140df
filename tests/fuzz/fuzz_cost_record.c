/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a cost record: what is read lies in the room that was given, and is money. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/cost_record_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct toll_cost_record *r, const char *room, size_t size)
{
	if (r->pico < 0 || r->total_pico < 0 || !(r->received_ms | r->timestamp_ms))
		abort();
	for (uint32_t i = 0; i < r->text_count; i++) {
		struct toll_slice v = r->texts[i].value;

		if (v.ptr < room || v.len > size || v.ptr + v.len > room + size)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1), *room = malloc(size + 1);
	struct toll_cost_record r;

	if (!line || !room)
		abort();
	memcpy(line, data, size);
	if (toll_cost_record_read(line, size, room, &r, NULL) == 0)
		check(&r, room, size);
	free(line);
	free(room);
	return 0;
}
