/* SPDX-License-Identifier: Apache-2.0 */
/* screen.h - shows the live table: redrawn in place on a terminal, printed now and then elsewhere,
 * or one JSON line a second. Has a thread of its own, so that a stopped terminal stops nothing
 * else. */
#ifndef TOLL_CMD_SCREEN_H
#define TOLL_CMD_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/spantoll/live.h"

enum toll_screen_mode { TOLL_SCREEN_PLAIN = 0, TOLL_SCREEN_LIVE, TOLL_SCREEN_JSON };

struct toll_screen_settings {
	enum toll_screen_mode mode;
	const char *title;         /* "spantoll demo" */
	const char *const *footer; /* lines, ends with NULL; borrowed */
	struct toll_spend_source *source;
	/* Once a second before the sample, on the screen's thread: adds events. May be NULL. */
	void (*tick)(void *ctx, struct toll_live *live);
	void *ctx;
};

struct toll_screen;

/* LIVE takes the terminal over (and the log: warnings become events) until free. NULL: no memory.
 */
struct toll_screen *toll_screen_new(const struct toll_screen_settings *set);
/* A last sample. After it the source is not used any more, and the terminal is as it was. */
void toll_screen_stop(struct toll_screen *s);
/* The last table and what happened, on stdout; after stop. */
void toll_screen_summary(struct toll_screen *s);
struct toll_screen *toll_screen_free(struct toll_screen *s); /* always returns NULL */

/* What stdout is: LIVE for a terminal that can be redrawn. */
enum toll_screen_mode toll_screen_detect(void);

#endif
