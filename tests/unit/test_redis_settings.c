/* SPDX-License-Identifier: Apache-2.0 */
/* redis: as users write it, through the real configuration, to what net/redis is told. */
#include "exporters/enforcer/store_redis/redis_settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "exporters/enforcer/store_redis/scripts.h"
#include "tests/support/settings.h"

struct conf {
	struct toll_redis_config redis;
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct conf, redis, GROUP, NULL, "Redis.", .group = toll_redis_fields),
	TOLL_FIELD_END,
};

static void validate(const void *config, struct toll_reporter *r)
{
	toll_redis_validate(&((const struct conf *)config)->redis, r);
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

static struct toll_config *load(const char *redis)
{
	return load_exporter(&type, "    redis: %s", redis);
}

static void expect_refused(const char *redis, const char *const sentences[])
{
	struct toll_config *c = load(redis);

	assert_null(c);
	for (; *sentences; sentences++)
		if (!strstr(said, *sentences))
			fail_msg("%s: no \"%s\" in\n%s", redis, *sentences, said);
}

#define REFUSED(redis, ...) expect_refused((redis), (const char *const[]){ __VA_ARGS__, NULL })

static void what_does_not_fit_together_is_refused(void **state TOLL_UNUSED)
{
	REFUSED("{endpoints: [a:1, b:2]}", "redis::endpoints: are several: name one");
	REFUSED("{mode: sentinel}", "redis::master_name: must say");
	REFUSED("{master_name: m}", "redis::master_name: is for mode: sentinel");
	REFUSED("{sentinel_password: p}", "redis::sentinel_password: is for mode: sentinel");
	REFUSED("{mode: cluster, db: 3}", "redis::db: a cluster has only database 0");
	REFUSED("{username: u}", "redis::username: needs its password");
	REFUSED("{endpoints: [nowhere]}", "redis::endpoints");
	REFUSED("{timeout: 1ms}", "redis::timeout: must be at least 10ms");
	REFUSED("{tls: {cert_file: a}}", "redis::tls::cert_file: a certificate and its key");
	REFUSED("{mode: ring}", "redis::mode");
}

static void all_problems_are_told_at_once(void **state TOLL_UNUSED)
{
	REFUSED("{mode: sentinel, endpoints: [\":1\", \"b\"], username: u, sentinel_username: s, "
	        "timeout: 0s, tls: {key_file: k, min_version: \"1.0\"}}",
	        "\":1\" must name a host", "redis::master_name", "redis::username",
	        "redis::sentinel_username", "redis::timeout", "redis::tls::key_file",
	        "redis::tls::min_version");
}

static const struct toll_redis_config *redis_of(const struct toll_config *c)
{
	if (!c)
		fail_msg("%s", said);
	return &((const struct conf *)c->components[TOLL_SECTION_EXPORTERS][0].settings)->redis;
}

static void settings_reach_the_connection(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("{mode: sentinel, endpoints: [a:1, b:2], master_name: m, "
	                             "username: u, password: p, sentinel_username: su, "
	                             "sentinel_password: sp, db: 5, timeout: 300ms}");
	struct toll_redis_settings set;

	toll_redis_settings_make(redis_of(c), &set);
	assert_int_equal(set.mode, TOLL_REDIS_SENTINEL);
	assert_int_equal(set.endpoint_count, 2);
	assert_string_equal(set.master_name.ptr, "m");
	assert_string_equal(set.username.ptr, "u");
	assert_string_equal(set.password.ptr, "p");
	assert_string_equal(set.sentinel_username.ptr, "su");
	assert_string_equal(set.sentinel_password.ptr, "sp");
	assert_int_equal(set.db, 5);
	assert_int_equal(set.timeout_ns, 300 * TOLL_MS);
	assert_int_equal(set.script_count, TOLL_SCRIPT_COUNT);
	toll_config_free(c);
}

static void tls_is_there_when_it_is_written(void **state TOLL_UNUSED)
{
	static const struct {
		const char *redis;
		bool tls;
	} cases[] = {
		{ "{}", false },
		{ "{tls: {insecure_skip_verify: true}}", true },
		{ "{tls: {insecure: true}}", false },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_config *c = load(cases[i].redis);
		struct toll_tls_client *tls;
		struct toll_error why;

		assert_int_equal(toll_redis_tls_load(redis_of(c), &tls, &why), 0);
		assert_int_equal(tls != NULL, cases[i].tls);
		toll_tls_client_free(tls);
		toll_config_free(c);
	}
}

static void a_ca_file_that_is_none_is_told(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("{tls: {ca_file: /nowhere/ca.pem}}");
	struct toll_tls_client *tls;
	struct toll_error why;

	assert_int_equal(toll_redis_tls_load(redis_of(c), &tls, &why), TOLL_ECONFIG);
	assert_non_null(strstr(why.text, "tls::ca_file: cannot read /nowhere/ca.pem"));
	toll_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_together_is_refused),
		cmocka_unit_test(all_problems_are_told_at_once),
		cmocka_unit_test(settings_reach_the_connection),
		cmocka_unit_test(tls_is_there_when_it_is_written),
		cmocka_unit_test(a_ca_file_that_is_none_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
