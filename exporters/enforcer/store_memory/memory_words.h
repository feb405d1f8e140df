/* SPDX-License-Identifier: Apache-2.0 */
/* memory_words.h - what people have said to an enforcer without Redis, and the last records of what
 * came of it. Guarded by the lock of the totals. */
#ifndef TOLL_ENFORCER_MEMORY_WORDS_H
#define TOLL_ENFORCER_MEMORY_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define TOLL_MEMORY_RECORDS 1000

struct toll_memory_words {
	bool killed;
	char killer[256]; /* who and why */
	uint64_t change_id;
	char *records[TOLL_MEMORY_RECORDS]; /* a ring, JSON lines; owned */
	uint32_t at, count;                 /* the next to be written; how many there are */
	uint32_t unsaved;                   /* so many have come since the last checkpoint */
};

void toll_memory_words_release(struct toll_memory_words *w);
/* Without memory the oldest is gone and nothing is there instead. */
void toll_memory_words_record(struct toll_memory_words *w, struct toll_slice line);
/* The i-th, oldest first. */
const char *toll_memory_words_at(const struct toll_memory_words *w, uint32_t i);

#endif
