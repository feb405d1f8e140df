/* SPDX-License-Identifier: Apache-2.0 */
/* flag_board.h - the writing side of the copy of flags: one flag is put at a time, and what has
 * changed is published together. Any thread. */
#ifndef TOLL_BUDGET_FLAG_BOARD_H
#define TOLL_BUDGET_FLAG_BOARD_H

#include <pthread.h>

#include "budget/flags.h"

#define TOLL_FLAG_BOARD_MAX 16384 /* flags; further ones are refused and counted */

struct toll_flag_entry;

struct toll_flag_board {
	struct toll_flag_source source; /* the host's service "flags" */
	pthread_mutex_t lock;           /* guards what follows */
	struct toll_flag_entry **at;    /* in the order of their keys */
	uint32_t count, room;
	uint32_t round;
	bool changed;
	uint64_t refused; /* no room, or no memory */
};

int toll_flag_board_init(struct toll_flag_board *b) TOLL_MUST_CHECK;
void toll_flag_board_release(struct toll_flag_board *b); /* accepts one of all zeros */

/* Replaces what was known of the subject. A flag that says nothing (not throttled, no override,
 * criticality unknown) takes it away. */
void toll_flag_board_put(struct toll_flag_board *b, const struct toll_flag *flag);
/* Throttled or not is news; a criticality that is known stays. */
void toll_flag_board_clear(struct toll_flag_board *b, struct toll_slice subject);

/* Between the two every subject that has a flag is put: what was not is gone. */
void toll_flag_board_begin(struct toll_flag_board *b);
void toll_flag_board_end(struct toll_flag_board *b);

/* What has changed is seen by readers from now on. */
void toll_flag_board_publish(struct toll_flag_board *b);

#endif
