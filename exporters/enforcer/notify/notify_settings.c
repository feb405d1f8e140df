/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/notify/notify_settings.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/macro.h"
#include "budget/event.h"
#include "config/suggest.h"
#include "net/http_header.h"
#include "net/http_post.h"

#define CONF         struct toll_webhook_config
#define COOLDOWN_MAX (86400 * TOLL_S)

static const char *const formats[] = { "json", "slack", NULL };

const struct toll_field toll_webhook_fields[] = {
	TOLL_FIELD(CONF, url, SECRET, NULL, "Where events are POSTed, http:// or https://.",
	           .required = true),
	TOLL_FIELD(CONF, format, ENUM, "json",
	           "json: the event itself; slack: what Slack's incoming webhooks take.",
	           .choices = formats),
	TOLL_FIELD(CONF, cooldown, DURATION, "5m",
	           "At most one message per subject and this time; the last state always comes "
	           "after it. 0: every change."),
	TOLL_FIELD(CONF, on, LIST, NULL,
	           "Events: set, release, restore, capped, shadow_set, shadow_release, override, "
	           "kill, unkill, budget; default: all but restore."),
	TOLL_FIELD(CONF, headers, MAP, NULL, "Sent with every request; values are never shown.",
	           .secret = true),
	TOLL_FIELD(CONF, timeout, DURATION, "10s", "Longest wait for an answer."),
	TOLL_FIELD(CONF, tls, GROUP, NULL, "How https:// is secured.",
	           .group = toll_client_tls_fields),
	TOLL_FIELD_END,
};

/* ---- events ---- */

static uint32_t bit_of(struct toll_slice name)
{
	for (int i = 0; i <= TOLL_EVENT_BUDGET; i++)
		if (toll_slice_is(name, toll_event_name((enum toll_event_what)i)))
			return UINT32_C(1) << i;
	return 0;
}

uint32_t toll_webhook_wanted(const struct toll_webhook_config *w)
{
	const uint32_t all = (UINT32_C(2) << TOLL_EVENT_BUDGET) - 1;
	uint32_t wanted = w->on.count ? 0 : all & ~(UINT32_C(1) << TOLL_EVENT_RESTORE);

	for (size_t i = 0; i < w->on.count; i++) {
		uint32_t bit = bit_of(w->on.at[i]);

		if (!bit)
			return 0;
		wanted |= bit;
	}
	return wanted;
}

/* ---- what a table cannot say ---- */

/* Where in the list the webhook is. */
struct place {
	struct toll_reporter *r;
	size_t index;
};

static const char *path_of(const struct place *p, const char *setting, char buf[64])
{
	snprintf(buf, 64, "webhooks::%zu::%s", p->index, setting);
	return buf;
}

static void check_headers(const struct toll_webhook_config *w, const struct place *p)
{
	char path[64];

	path_of(p, "headers", path);
	for (size_t i = 0; i < w->headers.count; i++) {
		const struct toll_pair *h = &w->headers.at[i];

		if (!toll_http_is_header_name(h->key) || toll_http_is_framing_header(h->key))
			toll_report_error(p->r, path, "\"%.*s\" is no header to set",
			                  TOLL_FMT(h->key));
		else if (!toll_http_is_header_value(h->value))
			toll_report_error(p->r, path, "the value of %.*s must be printable ASCII",
			                  TOLL_FMT(h->key));
	}
}

static void check_event(struct toll_slice name, const char *path, struct toll_reporter *r)
{
	struct toll_suggest s;

	if (bit_of(name))
		return;
	toll_suggest_init(&s, name);
	for (int i = 0; i <= TOLL_EVENT_BUDGET; i++)
		toll_suggest_offer(&s, toll_event_name((enum toll_event_what)i));
	if (s.best)
		toll_report_error(r, path, "there is no event \"%.*s\", did you mean \"%s\"?",
		                  TOLL_FMT(name), s.best);
	else
		toll_report_error(r, path,
		                  "there is no event \"%.*s\": set, release, restore, capped, "
		                  "shadow_set, shadow_release, override, kill, unkill, budget",
		                  TOLL_FMT(name));
}

static void check_events(const struct toll_webhook_config *w, const struct place *p)
{
	char setting[32], path[64];

	for (size_t i = 0; i < w->on.count; i++) {
		snprintf(setting, sizeof(setting), "on::%zu", i);
		check_event(w->on.at[i], path_of(p, setting, path), p->r);
	}
}

static void check(const struct toll_webhook_config *w, const struct place *p)
{
	struct toll_error why;
	char path[64];

	/* The sentence shows no password, but a path may be one as well. */
	if (w->url.len && toll_http_check_url(w->url.ptr, &why) < 0)
		toll_report_error(p->r, path_of(p, "url", path),
		                  "must be http://host/path or https://host/path");
	if (w->cooldown > COOLDOWN_MAX)
		toll_report_error(p->r, path_of(p, "cooldown", path), "at most 24h");
	if (w->timeout < 100 * TOLL_MS)
		toll_report_error(p->r, path_of(p, "timeout", path), "at least 100ms");
	check_events(w, p);
	check_headers(w, p);
	toll_client_tls_check(&w->tls, path_of(p, "tls", path), p->r);
}

void toll_webhooks_validate(const struct toll_group_list *hooks, struct toll_reporter *r)
{
	const struct toll_webhook_config *at = hooks->at;
	struct place p = { r, 0 };

	if (hooks->count > TOLL_WEBHOOKS_MAX)
		toll_report_error(r, "webhooks", "at most %d", TOLL_WEBHOOKS_MAX);
	for (; p.index < hooks->count; p.index++)
		check(&at[p.index], &p);
}
