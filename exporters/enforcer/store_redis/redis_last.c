/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/enforcer/store_redis/redis_inside.h"

#define LAST_TRIES 6 /* when Redis answers but takes nothing: 1.5 s */

static void nap(uint64_t ns, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns();
	struct timespec t;

	if (now >= deadline)
		return;
	if (ns > deadline - now)
		ns = deadline - now;
	t = (struct timespec){ (time_t)(ns / TOLL_S), (long)(ns % TOLL_S) };
	nanosleep(&t, NULL);
}

/* One attempt. TOLL_EDOWN: no connection. */
static int push(struct toll_redis_store *s, uint64_t left_ns)
{
	struct toll_publisher *p = &s->publisher;
	uint32_t published;

	if (p->redis.timeout_ns > left_ns)
		toll_redis_limit(&p->redis, left_ns);
	if (!toll_redis_is_connected(&p->redis) && toll_redis_store_connect(s) < 0)
		return TOLL_EDOWN;
	toll_redis_store_save(s);
	return toll_redis_store_publish(s, &published);
}

/* A Redis that is away may come back until the deadline. One that answers but takes nothing (out of
 * memory, read-only, a bucket ahead of its clock) is asked a few times more. */
void toll_redis_store_last(struct toll_redis_store *s, uint64_t deadline)
{
	struct toll_totals *totals = s->publisher.totals;
	toll_i128 waiting = toll_publish_waiting_pico(totals);
	char left[TOLL_MONEY_TEXT];
	uint32_t fruitless = 0;

	while (waiting > 0 && fruitless < LAST_TRIES) {
		uint64_t now = toll_clock_mono_ns();
		toll_i128 before = waiting;
		int err;

		if (now >= deadline)
			break;
		err = push(s, deadline - now);
		waiting = toll_publish_waiting_pico(totals);
		if (waiting < before) {
			fruitless = 0;
			continue;
		}
		fruitless += !err;
		if (waiting > 0 && fruitless < LAST_TRIES)
			nap(toll_redis_backoff_ns(err ? 1 : fruitless), deadline);
	}
	if (waiting == 0)
		return;
	toll_money_print_usd(waiting, left);
	TOLL_WARN(s->owner->who, "stopped before Redis had %s of the last 24 hours' spend", left);
}
