/* SPDX-License-Identifier: Apache-2.0 */
/* What users write, through the real configuration, to what librdkafka is told. */
#include "exporters/kafka/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/settings.h"

static const struct toll_config_type type = {
	.section = TOLL_SECTION_EXPORTERS,
	.type = "kafka",
	.help = "Kafka.",
	.stability = "beta",
	.fields = toll_kafka_fields,
	.config_size = sizeof(struct toll_kafka_config),
	.validate = toll_kafka_validate,
};

/* The settings, four spaces deep; NULL when refused. */
static struct toll_config *load(const char *settings)
{
	return load_exporter(&type, "%s", settings);
}

static const struct toll_kafka_config *kafka(const struct toll_config *c)
{
	if (!c)
		fail_msg("%s", said);
	return c->components[TOLL_SECTION_EXPORTERS][0].settings;
}

static void expect(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char got[512];
	size_t size = sizeof(got);

	assert_int_equal(rd_kafka_conf_get(conf, name, got, &size), RD_KAFKA_CONF_OK);
	assert_string_equal(got, value);
}

static rd_kafka_conf_t *conf_of(const struct toll_config *c)
{
	rd_kafka_conf_t *conf;
	struct toll_error why;
	int err = toll_kafka_conf(kafka(c), 1000000, &conf, &why);

	if (err)
		fail_msg("%s", why.text);
	return conf;
}

static void defaults_lose_and_repeat_nothing(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("    {}");
	rd_kafka_conf_t *conf = conf_of(c);

	expect(conf, "bootstrap.servers", "localhost:9092");
	expect(conf, "enable.idempotence", "true");
	expect(conf, "acks", "-1");
	expect(conf, "message.timeout.ms", "0");
	expect(conf, "compression.codec", "lz4");
	expect(conf, "linger.ms", "10");
	expect(conf, "partitioner", "murmur2_random");
	expect(conf, "batch.size", "1000000");
	expect(conf, "security.protocol", "plaintext");
	assert_true(toll_slice_is(toll_kafka_topic(kafka(c)), "otel-cost-spans"));
	assert_int_equal(toll_kafka_encoding(kafka(c)), TOLL_KAFKA_JSON);
	assert_string_equal(said, "");
	rd_kafka_conf_destroy(conf);
	toll_config_free(c);
}

static void collectors_names_are_understood(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("    brokers: [a:1, b:2]\n"
	                             "    protocol_version: 2.1.0\n"
	                             "    client_id: mine\n"
	                             "    topic: flat\n"
	                             "    traces: {topic: newer, encoding: otlp_proto}\n"
	                             "    metadata: {refresh_interval: 1m}\n"
	                             "    producer:\n"
	                             "      max_message_bytes: 500000\n"
	                             "      compression: zstd\n"
	                             "      compression_params: {level: 3}\n"
	                             "      linger: 50ms\n"
	                             "      flush_max_messages: 77\n"
	                             "      allow_auto_topic_creation: false\n");
	rd_kafka_conf_t *conf = conf_of(c);

	expect(conf, "bootstrap.servers", "a:1,b:2");
	expect(conf, "client.id", "mine");
	expect(conf, "topic.metadata.refresh.interval.ms", "60000");
	expect(conf, "compression.codec", "zstd");
	expect(conf, "compression.level", "3");
	expect(conf, "linger.ms", "50");
	expect(conf, "batch.num.messages", "77");
	expect(conf, "allow.auto.create.topics", "false");
	assert_true(toll_slice_is(toll_kafka_topic(kafka(c)), "newer"));
	assert_int_equal(toll_kafka_encoding(kafka(c)), TOLL_KAFKA_OTLP_PROTO);
	rd_kafka_conf_destroy(conf);
	toll_config_free(c);
}

static void other_acks_switch_idempotence_off_and_warn(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("    producer: {required_acks: 1}");
	rd_kafka_conf_t *conf = conf_of(c);

	expect(conf, "enable.idempotence", "false");
	expect(conf, "acks", "1");
	assert_non_null(strstr(said, "warning"));
	assert_non_null(strstr(said, "producer::required_acks"));
	rd_kafka_conf_destroy(conf);
	toll_config_free(c);
}

static void login_and_encryption(void **state TOLL_UNUSED)
{
	struct toll_config *c = load(
		"    tls: {insecure_skip_verify: true}\n"
		"    auth: {sasl: {mechanism: SCRAM-SHA-512, username: u, password: geheim}}\n");
	rd_kafka_conf_t *conf = conf_of(c);

	expect(conf, "security.protocol", "sasl_ssl");
	expect(conf, "sasl.mechanisms", "SCRAM-SHA-512");
	expect(conf, "sasl.username", "u");
	expect(conf, "sasl.password", "geheim");
	expect(conf, "enable.ssl.certificate.verification", "false");
	rd_kafka_conf_destroy(conf);
	toll_config_free(c);
}

static void older_forms_of_login_and_encryption(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("    auth:\n"
	                             "      plain_text: {username: u, password: geheim}\n"
	                             "      tls: {ca_pem: x}\n");
	rd_kafka_conf_t *conf = conf_of(c);

	expect(conf, "security.protocol", "sasl_ssl");
	expect(conf, "sasl.mechanisms", "PLAIN");
	expect(conf, "ssl.ca.pem", "x");
	rd_kafka_conf_destroy(conf);
	toll_config_free(c);
	c = load("    auth: {tls: {insecure_skip_verify: true}}");
	assert_non_null(strstr(said, "kafka::auth::tls::insecure_skip_verify: anybody"));
	toll_config_free(c);
	c = load("    tls: {insecure: true}");
	conf = conf_of(c);
	expect(conf, "security.protocol", "plaintext");
	rd_kafka_conf_destroy(conf);
	toll_config_free(c);
}

static void secrets_stay_secret(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("    auth: {sasl: {username: u, password: geheim}}\n");
	char text[16384] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_int_equal(toll_config_print(c, NULL, out), 0);
	fclose(out);
	assert_non_null(strstr(text, "password"));
	assert_null(strstr(text, "geheim"));
	assert_null(strstr(said, "geheim"));
	toll_config_free(c);
}

static void mistakes_are_named(void **state TOLL_UNUSED)
{
	static const struct {
		const char *settings, *said;
	} cases[] = {
		{ "    topic: a/b", "is no topic name" },
		{ "    dead_letter_topic: 'x y'", "dead_letter_topic" },
		{ "    brokers: []", "name at least one broker" },
		{ "    traces: {encoding: jaeger_proto}", "json, otlp_json or otlp_proto" },
		{ "    encoding: jsn", "json" },
		{ "    producer: {max_message_bytes: 10}", "between 1000 and" },
		{ "    producer: {linger: 1m}", "shutdown waits" },
		{ "    auth: {sasl: {mechanism: GSSAPI, username: u}}", "SCRAM-SHA-256" },
		{ "    auth: {sasl: {password: geheim}}", "a password needs a username" },
		{ "    tls: {cert_file: /x}", "go together" },
		{ "    topik: x", "topic" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		assert_null(load(cases[i].settings));
		if (!strstr(said, cases[i].said))
			fail_msg("wanted: %s\ngot: %s", cases[i].said, said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_lose_and_repeat_nothing),
		cmocka_unit_test(collectors_names_are_understood),
		cmocka_unit_test(other_acks_switch_idempotence_off_and_warn),
		cmocka_unit_test(login_and_encryption),
		cmocka_unit_test(older_forms_of_login_and_encryption),
		cmocka_unit_test(secrets_stay_secret),
		cmocka_unit_test(mistakes_are_named),
	};

	return cmocka_run_group_tests_name("kafka settings", tests, NULL, NULL);
}
