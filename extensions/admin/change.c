/* SPDX-License-Identifier: Apache-2.0 */
/* change.c - what is changed: budgets, overrides, kill switch. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "config/scalar.h"
#include "extensions/admin/admin.h"
#include "extensions/admin/body.h"
#include "extensions/admin/store.h"

#define DAY ((uint64_t)24 * 3600 * TOLL_S)

/* ---- what all of them need ---- */

/* Who asks as it goes into the audit log: whom an authenticator has let in, else what they call
 * themselves, marked as such. */
static const char *who_of(const struct toll_admin_request *q, const char *claimed, char buf[256])
{
	if (!q->admin->local || !claimed || !*claimed)
		return q->who;
	snprintf(buf, 256, "local:%.*s", TOLL_ADMIN_WORD_MAX, claimed);
	return buf;
}

static bool is_json(struct toll_admin_request *q)
{
	static const char json[] = "application/json";
	const char *type = toll_http_header(q->in, "Content-Type");
	size_t len = sizeof(json) - 1;

	if (type && strncasecmp(type, json, len) == 0 &&
	    strspn(type + len, "; \t") >= (type[len] != 0))
		return true;
	toll_admin_refuse(q, 415, "send JSON: Content-Type: application/json");
	return false;
}

static bool read_body(struct toll_admin_request *q, const struct toll_admin_member *members)
{
	struct toll_error why;
	int err;

	if (!is_json(q))
		return false;
	err = toll_admin_read_body(q->in->body, members, &why);
	if (err)
		toll_admin_fail(q, err, why.text);
	return !err;
}

static const char *query(const struct toll_admin_request *q, const char *name)
{
	const char *text = toll_http_query(q->in, name);

	return text ? text : "";
}

/* ---- budgets ---- */

static void set_budget(struct toll_admin_request *q, struct toll_slice json, const char *who)
{
	struct toll_budget_control *c = toll_admin_hold(q);
	struct toll_error why;
	int err;

	if (!c)
		return;
	err = c->set_budget(c, q->rest, json, who, &why);
	toll_admin_drop(q, c);
	if (err)
		toll_admin_fail(q, err, why.text);
	else
		toll_admin_say(q, "name", q->rest, json.len ? ",\"set\":true" : ",\"set\":false");
}

void toll_admin_put_budget(struct toll_admin_request *q)
{
	char who[256];

	if (!is_json(q))
		return;
	if (!q->in->body.len)
		toll_admin_refuse(q, 400, "the body must be a JSON object");
	else
		set_budget(q, q->in->body, who_of(q, query(q, "who"), who));
}

void toll_admin_delete_budget(struct toll_admin_request *q)
{
	char who[256];

	set_budget(q, toll_slice(NULL, 0), who_of(q, query(q, "who"), who));
}

/* ---- overrides ---- */

static void override(struct toll_admin_request *q, enum toll_override what, uint64_t ttl_s,
                     const char *who, const char *reason)
{
	struct toll_budget_control *c = toll_admin_hold(q);
	struct toll_error why;
	char rest[96] = ",\"action\":\"clear\"";
	int err;

	if (!c)
		return;
	err = c->override(c, q->rest, what, ttl_s, who, reason, &why);
	toll_admin_drop(q, c);
	if (err) {
		toll_admin_fail(q, err, why.text);
		return;
	}
	if (what != TOLL_OVERRIDE_NONE)
		snprintf(rest, sizeof(rest), ",\"action\":\"%s\",\"ttl_s\":%" PRIu64,
		         toll_override_name(what), ttl_s);
	toll_admin_say(q, "subject", q->rest, rest);
}

/* Whole seconds, at least one: rounded up. */
static bool read_ttl(struct toll_admin_request *q, const char *text, uint64_t *ret_s)
{
	const char *wrong;
	uint64_t ns;

	*ret_s = 3600;
	if (!*text)
		return true;
	wrong = toll_scalar_duration(toll_slice_str(text), &ns);
	if (!wrong && (ns == 0 || ns > 31 * DAY))
		wrong = "must be more than 0 and at most 31d";
	if (wrong)
		toll_admin_refuse(q, 400, "ttl: \"%.32s\" %s", text, wrong);
	else
		*ret_s = (ns + TOLL_S - 1) / TOLL_S;
	return !wrong;
}

void toll_admin_put_override(struct toll_admin_request *q)
{
	char action[TOLL_ADMIN_WORD_MAX + 1] = "", ttl[TOLL_ADMIN_WORD_MAX + 1] = "";
	char why[TOLL_ADMIN_WORD_MAX + 1] = "", claimed[TOLL_ADMIN_WORD_MAX + 1] = "", who[256];
	const struct toll_admin_member members[] = { { "action", action, NULL, NULL },
		                                     { "ttl", ttl, NULL, NULL },
		                                     { "why", why, NULL, NULL },
		                                     { "who", claimed, NULL, NULL },
		                                     { NULL, NULL, NULL, NULL } };
	enum toll_override what;
	uint64_t ttl_s;

	if (!read_body(q, members) || !read_ttl(q, ttl, &ttl_s))
		return;
	what = toll_override_parse(toll_slice_str(action));
	if (what == TOLL_OVERRIDE_NONE)
		toll_admin_refuse(q, 400,
		                  "action must be \"allow\" or \"deny\"; DELETE takes an "
		                  "override back");
	else
		override(q, what, ttl_s, who_of(q, claimed, who), why);
}

void toll_admin_delete_override(struct toll_admin_request *q)
{
	char who[256];

	override(q, TOLL_OVERRIDE_NONE, 0, who_of(q, query(q, "who"), who), query(q, "why"));
}

/* ---- kill ---- */

static void kill_switch(struct toll_admin_request *q, bool on, const char *who, const char *reason)
{
	struct toll_budget_control *c = toll_admin_hold(q);
	struct toll_error why;
	int err;

	if (!c)
		return;
	err = c->kill(c, on, who, reason, &why);
	toll_admin_drop(q, c);
	if (err)
		toll_admin_fail(q, err, why.text);
	else
		toll_admin_say_kill(q, on, who);
}

void toll_admin_put_kill(struct toll_admin_request *q)
{
	char why[TOLL_ADMIN_WORD_MAX + 1] = "", claimed[TOLL_ADMIN_WORD_MAX + 1] = "", who[256];
	bool on = false, given = false;
	const struct toll_admin_member members[] = { { "on", NULL, &on, &given },
		                                     { "why", why, NULL, NULL },
		                                     { "who", claimed, NULL, NULL },
		                                     { NULL, NULL, NULL, NULL } };

	if (!read_body(q, members))
		return;
	if (!given)
		toll_admin_refuse(q, 400, "\"on\" is missing: true or false");
	else
		kill_switch(q, on, who_of(q, claimed, who), why);
}
