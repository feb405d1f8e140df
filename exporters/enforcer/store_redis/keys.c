/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/keys.h"

#include <inttypes.h>
#include <stdio.h>

void toll_spend_keys_init(struct toll_spend_keys *k, struct toll_slice subject,
                          const struct toll_window *w, const char *instance, uint32_t life)
{
	char later[12] = "";

	if (life)
		snprintf(later, sizeof(later), ".%" PRIu32, life);
	snprintf(k->total, sizeof(k->total), "cost:rolling:%.*s:%s", TOLL_FMT(subject), w->name);
	snprintf(k->sums, sizeof(k->sums), "{%s}:s", k->total);
	snprintf(k->instance, sizeof(k->instance), "{%s}:i:%.64s%s", k->total, instance, later);
}

void toll_flag_keys_init(struct toll_flag_keys *k, struct toll_slice subject)
{
	snprintf(k->flag, sizeof(k->flag), "enforce:throttle:%.*s", TOLL_FMT(subject));
	snprintf(k->state, sizeof(k->state), "{%s}:d", k->flag);
	snprintf(k->shadow, sizeof(k->shadow), "{%s}:shadow", k->flag);
	snprintf(k->audit, sizeof(k->audit), "{%s}:audit", k->flag);
	snprintf(k->override, sizeof(k->override), "{%s}:override", k->flag);
}
