/* SPDX-License-Identifier: Apache-2.0 */
/* kill.h - the kill switch: while enforce:kill is there, no flag is set and those that are go.
 * Store's thread only.
 *
 * Whoever sets the key (redis-cli, an API, a configuration with throttle::kill) stops all daemons
 * on this Redis. A configuration's key lives as long as a daemon with that configuration renews it.
 */
#ifndef TOLL_ENFORCER_KILL_H
#define TOLL_ENFORCER_KILL_H

#include "exporters/enforcer/store_redis/decide.h"

/* Twice a second: every flag must be gone one second after the key came. */
#define TOLL_KILL_POLL_NS (500 * TOLL_MS)

/* Looks, tells a change and counts it. configured: our own configuration wants it on. *ret_changed:
 * flags must follow. TOLL_EDOWN. */
int toll_kill_look(struct toll_decider *d, bool configured, bool *ret_changed) TOLL_MUST_CHECK;

/* The key is there, or it is not. Our own configuration kills though the key cannot be written. */
void toll_kill_heard(struct toll_decider *d, bool key);

#endif
