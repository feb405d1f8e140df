/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - the names of everything in Redis. Auxiliary keys hash-tag the whole published key, so
 * that they share its slot in Redis Cluster while the published key keeps its plain name. */
#ifndef TOLL_ENFORCER_KEYS_H
#define TOLL_ENFORCER_KEYS_H

#include "base/slice.h"
#include "budget/subject_max.h"
#include "cost/window.h"

#define TOLL_KEY_SERVICES                                                                       \
	"spantoll:services"                 /* sorted set: key of a subject -> last publish, ms \
	                                     */
#define TOLL_KEY_DAEMONS "spantoll:daemons" /* sorted set: instance -> last heartbeat, ms */
#define TOLL_KEY_THROTTLED \
	"enforce:throttled" /* sorted set: key of a subject -> end of its flag, ms */
#define TOLL_KEY_OVERRIDDEN \
	"enforce:overridden" /* sorted set: key of a subject -> end of its override, ms */
#define TOLL_KEY_KILL          "enforce:kill"         /* there: no flag is set; says who and why */
#define TOLL_KEY_KILL_AUDIT    "{enforce:kill}:audit" /* stream: what the kill switch did */
#define TOLL_KEY_BUDGETS       "spantoll:budgets" /* hash: name -> JSON of a budget set at run time */
#define TOLL_KEY_BUDGETS_AUDIT "{spantoll:budgets}:audit" /* stream: who set which */
#define TOLL_KEY_OWNER         "spantoll:owner"           /* store_redis/owner.h */
#define TOLL_CHANNEL           "enforce:events"           /* budget/event.h */

/* cost:rolling:<subject>:<window> and what belongs to it. */
struct toll_spend_keys {
	char total[TOLL_SUBJECT_MAX + TOLL_WINDOW_NAME + 16];
	char sums[TOLL_SUBJECT_MAX + TOLL_WINDOW_NAME + 24];
	char instance[TOLL_SUBJECT_MAX + TOLL_WINDOW_NAME + 96];
};

/* subject: its key; instance: at most 64 bytes; life: 0 for what has been there since the start,
 * else it is part of the instance. */
void toll_spend_keys_init(struct toll_spend_keys *k, struct toll_slice subject,
                          const struct toll_window *w, const char *instance, uint32_t life);

/* enforce:throttle:<subject> and what belongs to it. */
struct toll_flag_keys {
	char flag[TOLL_SUBJECT_MAX + 24];
	char state[TOLL_SUBJECT_MAX + 32];
	char shadow[TOLL_SUBJECT_MAX + 36];
	char audit[TOLL_SUBJECT_MAX + 36];
	char override[TOLL_SUBJECT_MAX + 40];
};

void toll_flag_keys_init(struct toll_flag_keys *k, struct toll_slice subject);

#endif
