/* SPDX-License-Identifier: Apache-2.0 */
/* notify_settings.h - what a user may say about webhooks. */
#ifndef TOLL_ENFORCER_NOTIFY_SETTINGS_H
#define TOLL_ENFORCER_NOTIFY_SETTINGS_H

#include "base/error.h"
#include "config/client_tls.h"

#define TOLL_WEBHOOKS_MAX 16

struct toll_webhook_config {
	struct toll_slice url; /* a secret: with many services it is all that is needed to post */
	int format;            /* enum toll_webhook_format */
	uint64_t cooldown;     /* ns */
	struct toll_slice_list on; /* names of events; none: all but restore */
	struct toll_pair_list headers;
	uint64_t timeout; /* ns */
	struct toll_client_tls tls;
};

extern const struct toll_field toll_webhook_fields[];

/* hooks: struct toll_webhook_config. Reports under "webhooks". */
void toll_webhooks_validate(const struct toll_group_list *hooks, struct toll_reporter *r);

/* The events of `on`, a bit per enum toll_event_what; 0: it names one that there is not. */
uint32_t toll_webhook_wanted(const struct toll_webhook_config *w);

#endif
