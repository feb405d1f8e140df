/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_memory/memory_words.h"

#include <stdlib.h>
#include <string.h>

void toll_memory_words_release(struct toll_memory_words *w)
{
	for (uint32_t i = 0; i < TOLL_MEMORY_RECORDS; i++)
		free(w->records[i]);
	*w = (struct toll_memory_words){ 0 };
}

void toll_memory_words_record(struct toll_memory_words *w, struct toll_slice line)
{
	char *copy = strndup(line.ptr, line.len);

	if (!copy)
		return;
	free(w->records[w->at]);
	w->records[w->at] = copy;
	w->at = (w->at + 1) % TOLL_MEMORY_RECORDS;
	w->count += w->count < TOLL_MEMORY_RECORDS;
	w->unsaved++;
}

const char *toll_memory_words_at(const struct toll_memory_words *w, uint32_t i)
{
	return w->records[(w->at + TOLL_MEMORY_RECORDS - w->count + i) % TOLL_MEMORY_RECORDS];
}
