/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/pricebook/breaker.h"

#define FIRST_RETRY_NS TOLL_S
#define LAST_RETRY_NS  (60 * TOLL_S)

const char *toll_breaker_name(enum toll_breaker_state state)
{
	static const char *const names[TOLL_BREAKER_STATES] = { "closed", "open", "half_open" };

	return names[state];
}

void toll_breaker_attempt(struct toll_breaker *b)
{
	if (b->state == TOLL_BREAKER_OPEN)
		b->state = TOLL_BREAKER_HALF_OPEN;
}

void toll_breaker_success(struct toll_breaker *b)
{
	b->state = TOLL_BREAKER_CLOSED;
	b->in_row = 0;
}

void toll_breaker_failure(struct toll_breaker *b)
{
	if (b->in_row < UINT32_MAX)
		b->in_row++;
	if (b->failures && b->in_row >= b->failures)
		b->state = TOLL_BREAKER_OPEN;
}

static uint64_t doubled(uint64_t first_ns, uint32_t times, uint64_t last_ns)
{
	uint64_t wait = first_ns;

	while (times-- && wait < last_ns)
		wait *= 2;
	return wait < last_ns ? wait : last_ns;
}

uint64_t toll_breaker_wait_ns(const struct toll_breaker *b)
{
	uint64_t most = TOLL_BREAKER_OPEN_MAX_NS;

	if (!b->in_row)
		return 0;
	if (b->state == TOLL_BREAKER_CLOSED)
		return doubled(FIRST_RETRY_NS, b->in_row - 1, LAST_RETRY_NS);
	most = b->open_ns > most ? b->open_ns : most;
	return doubled(b->open_ns, b->in_row - b->failures, most);
}
