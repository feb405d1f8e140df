/* SPDX-License-Identifier: Apache-2.0 */
/* sender_health.c - what operators see of the sender, and its back-off. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/kafka/sender_private.h"

#define BACKOFF_FIRST (100 * TOLL_MS)
#define BACKOFF_MAX   (5 * TOLL_S)

void toll_kafka_set_health(const struct toll_kafka_sender *s, enum toll_health health,
                           const char *why)
{
	if (s->component->host)
		toll_host_set_health(s->component->host, s->component, health, why);
}

void toll_kafka_trouble(struct toll_kafka_sender *s, const char *what, const char *why)
{
	if (s->trouble && strcmp(s->trouble, what) == 0)
		return;
	s->trouble = what;
	toll_kafka_set_health(s, TOLL_HEALTH_DEGRADED, what);
	TOLL_WARN(s->who, "%s: %s; spans wait", what, why);
}

void toll_kafka_all_well(struct toll_kafka_sender *s)
{
	s->backoff = 0;
	s->topic_missing = s->brokers_down = false;
	if (!s->trouble)
		return;
	s->trouble = NULL;
	toll_kafka_set_health(s, TOLL_HEALTH_OK, "");
	TOLL_INFO(s->who, "messages are acknowledged again topic=%s", s->topic);
}

void toll_kafka_hold(struct toll_kafka_sender *s)
{
	uint64_t now = toll_clock_mono_ns();

	if (now < s->hold_until)
		return;
	s->backoff = s->backoff ? 2 * s->backoff : BACKOFF_FIRST;
	if (s->backoff > BACKOFF_MAX)
		s->backoff = BACKOFF_MAX;
	s->hold_until = now + s->backoff;
}

bool toll_kafka_held(const struct toll_kafka_sender *s)
{
	return toll_clock_mono_ns() < s->hold_until;
}
