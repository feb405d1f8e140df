/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the payloads of an enforcer's checkpoint, and as its file: a state that makes sense,
 * or a refusal. The first two bytes: how long the snapshot is; the rest are the changes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/enforcer/checkpoint/checkpoint_load.h"
#include "exporters/enforcer/checkpoint/checkpoint_save.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_series(const struct toll_series *s)
{
	if (s->carry_pico > 999)
		abort();
	for (uint32_t i = 0; i < s->count; i++)
		if ((i > 0 && s->at[i - 1].index >= s->at[i].index) || s->at[i].nano < 0 ||
		    s->at[i].sent > s->at[i].nano || s->at[i].nano > TOLL_SERIES_NANO_MAX)
			abort();
}

static void check_state(const struct toll_loaded *l)
{
	if (l->rules.window_count == 0 || strlen(l->instance) == 0)
		abort();
	for (uint32_t i = 0; i < l->count; i++) {
		const uint32_t *at = toll_table_find(&l->by_key, l->services[i]->key);

		if (!at || *at != i)
			abort();
		for (uint32_t w = 0; w < l->rules.window_count; w++)
			check_series(&l->services[i]->accounts[w].series);
	}
}

static void load(const uint8_t *data, size_t size)
{
	static struct toll_loaded l;
	size_t first = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];
	struct toll_frame snapshot = { .kind = TOLL_FRAME_SNAPSHOT }, changes = { 0 };

	if (size < 2 + first)
		return;
	snapshot.payload = toll_slice(data + 2, first);
	changes.payload = toll_slice(data + 2 + first, size - 2 - first);
	if (toll_loaded_add(&l, &snapshot) == 0) {
		check_state(&l);
		if (toll_loaded_add(&l, &changes) == 0)
			check_state(&l);
	}
	toll_loaded_release(&l);
}

static void find(const uint8_t *data, size_t size)
{
	struct toll_slice file = toll_slice(data, size);
	struct toll_frames frames;
	struct toll_frame f;
	uint64_t at = 0;

	if (toll_frames_find(file, &frames) < 0)
		return;
	for (uint64_t i = 0; i < frames.count; i++) {
		if (toll_frame_read(file, at, &f) < 0 || f.number != i)
			abort();
		at += toll_frame_bytes(f.payload.len);
	}
	if (at != frames.end)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load(data, size);
	find(data, size);
	return 0;
}
