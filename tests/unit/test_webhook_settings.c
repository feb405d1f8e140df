/* SPDX-License-Identifier: Apache-2.0 */
/* webhooks: as users write them, through the real configuration: what is wrong is named where it
 * stands. */
#include "base/macro.h"
#include "budget/event.h"
#include "exporters/enforcer/notify/notify_settings.h"
#include "tests/support/settings.h"

struct conf {
	struct toll_group_list webhooks;
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct conf, webhooks, GROUPS, NULL, "Who is told.",
	           .group = toll_webhook_fields, .group_size = sizeof(struct toll_webhook_config)),
	TOLL_FIELD_END,
};

static void validate(const void *config, struct toll_reporter *r)
{
	toll_webhooks_validate(&((const struct conf *)config)->webhooks, r);
}

static const struct toll_config_type type = {
	.section = TOLL_SECTION_EXPORTERS,
	.type = "x",
	.help = "X.",
	.stability = "beta",
	.fields = fields,
	.config_size = sizeof(struct conf),
	.validate = validate,
};

/* A good one, and this one behind it. */
static struct toll_config *load(const char *second)
{
	return load_exporter(&type, "    webhooks:\n      - {url: 'http://a/b'}\n      - %s",
	                     second);
}

static void what_is_wrong_is_named_where_it_stands(void **state TOLL_UNUSED)
{
	static const struct {
		const char *hook, *said;
	} cases[] = {
		{ "{url: 'http://a/b', on: [set, relase]}",
		  "c.yaml:6:39: error: exporters::x::webhooks::1::on::1: there is no event "
		  "\"relase\", did you mean \"release\"?" },
		{ "{url: 'http://a/b', on: 'set,shadow-set'}",
		  "x::webhooks::1::on::1: there is no event \"shadow-set\", did you mean "
		  "\"shadow_set\"?" },
		{ "{url: 'http://a/b', on: [throttled]}",
		  "x::webhooks::1::on::0: there is no event \"throttled\": set, release, restore, "
		  "capped, shadow_set, shadow_release, override, kill, unkill, budget" },
		{ "{url: 'ftp://a/b'}", "x::webhooks::1::url: must be http://host/path" },
		{ "{url: 'http://a/b', cooldown: 25h}", "x::webhooks::1::cooldown: at most 24h" },
		{ "{url: 'http://a/b', timeout: 1ms}", "x::webhooks::1::timeout: at least 100ms" },
		{ "{url: 'http://a/b', headers: {Content-Length: 1}}",
		  "x::webhooks::1::headers: \"Content-Length\" is no header to set" },
		{ "{url: 'https://a/b', tls: {cert_file: /a.pem}}",
		  "x::webhooks::1::tls::cert_file" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		if (load(cases[i].hook))
			fail_msg("%s is let through", cases[i].hook);
		if (!strstr(said, cases[i].said))
			fail_msg("wanted: %s\ngot: %s", cases[i].said, said);
		assert_null(strstr(said, "ftp://"));
	}
}

static void what_is_asked_for_is_told_and_restore_only_then(void **state TOLL_UNUSED)
{
	static const struct {
		const char *hook;
		uint32_t wanted;
	} cases[] = {
		{ "{url: 'http://a/b', on: [set, budget]}",
		  1u << TOLL_EVENT_SET | 1u << TOLL_EVENT_BUDGET },
		{ "{url: 'http://a/b', on: restore}", 1u << TOLL_EVENT_RESTORE },
		{ "{url: 'http://a/b'}",
		  ((2u << TOLL_EVENT_BUDGET) - 1) & ~(1u << TOLL_EVENT_RESTORE) },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_config *c = load(cases[i].hook);
		const struct conf *conf;

		if (!c)
			fail_msg("%s", said);
		conf = c->components[TOLL_SECTION_EXPORTERS][0].settings;
		assert_int_equal(conf->webhooks.count, 2);
		assert_int_equal(toll_webhook_wanted(
					 (const struct toll_webhook_config *)conf->webhooks.at + 1),
		                 cases[i].wanted);
		toll_config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_named_where_it_stands),
		cmocka_unit_test(what_is_asked_for_is_told_and_restore_only_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
