/* SPDX-License-Identifier: Apache-2.0 */
/* breaker.h - when to ask a source that fails again: a circuit breaker. Pure; the owner locks.
 *
 * closed: asked as usual; after a failure soon again, 1 s, 2 s, 4 s ... later. After `failures` in
 * a row it opens: left alone for `open_ns`, twice as long after every probe that fails, at most
 * TOLL_BREAKER_OPEN_MAX_NS. Then half-open: one probe, which closes it or opens it again. */
#ifndef TOLL_EXTENSIONS_PRICEBOOK_BREAKER_H
#define TOLL_EXTENSIONS_PRICEBOOK_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define TOLL_BREAKER_OPEN_MAX_NS (600 * TOLL_S)

enum toll_breaker_state { TOLL_BREAKER_CLOSED = 0, TOLL_BREAKER_OPEN, TOLL_BREAKER_HALF_OPEN };
#define TOLL_BREAKER_STATES 3

struct toll_breaker {
	/* Set by the owner. */
	uint32_t failures; /* 0: it never opens */
	uint64_t open_ns;

	enum toll_breaker_state state;
	uint32_t in_row; /* failures since the last success */
};

/* An attempt begins: what was open is half-open now. */
void toll_breaker_attempt(struct toll_breaker *b);
void toll_breaker_success(struct toll_breaker *b);
void toll_breaker_failure(struct toll_breaker *b);
/* How long to wait before the next attempt after a failure; 0: there was none. */
uint64_t toll_breaker_wait_ns(const struct toll_breaker *b);
const char *toll_breaker_name(enum toll_breaker_state state); /* "half_open" */

#endif
