/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_health.c - what operators see of the consumer. */
#include <string.h>

#include "base/log.h"
#include "pipeline/host.h"
#include "receivers/kafka/consumer.h"

void toll_kafkain_set_health(const struct toll_kafkain *k, enum toll_health health, const char *why)
{
	if (k->super.super.host)
		toll_host_set_health(k->super.super.host, &k->super.super, health, why);
}

void toll_kafkain_trouble(struct toll_kafkain *k, const char *what, const char *why)
{
	if (k->trouble && strcmp(k->trouble, what) == 0)
		return;
	k->trouble = what;
	toll_kafkain_set_health(k, TOLL_HEALTH_DEGRADED, what);
	TOLL_WARN(k->who, "%s: %s; nothing is lost, it is read later topic=%s", what, why,
	          k->topic);
}

void toll_kafkain_all_well(struct toll_kafkain *k)
{
	k->backoff = 0;
	if (!k->trouble)
		return;
	k->trouble = NULL;
	toll_kafkain_set_health(k, TOLL_HEALTH_OK, "");
	TOLL_INFO(k->who, "the topic is read again topic=%s", k->topic);
}
