/* SPDX-License-Identifier: Apache-2.0 */
/* config_types.h - a small table of component types that has every type of field, for tests. */
#ifndef TOLL_TESTS_CONFIG_TYPES_H
#define TOLL_TESTS_CONFIG_TYPES_H

#include "config/config.h"

struct grpc_settings {
	struct toll_slice endpoint;
	int64_t max_recv_msg_size_mib;
};

struct protocols {
	struct grpc_settings grpc;
	bool has_grpc;
};

struct otlp_settings {
	struct protocols protocols;
};

struct batch_settings {
	uint64_t timeout;
	int64_t send_batch_size, send_batch_max_size;
};

struct producer_settings {
	uint64_t max_message_bytes;
	int compression;
	double spread;
};

struct budget_settings {
	struct toll_slice service;
	int64_t limit;
};

struct kafka_settings {
	struct toll_slice_list brokers;
	struct toll_slice topic, encoding, password;
	struct producer_settings producer;
	struct toll_group_list budgets;
	struct toll_pair_list headers, tokens;
	bool idempotent;
};

static const struct toll_field grpc_fields[] = {
	TOLL_FIELD(struct grpc_settings, endpoint, STRING, "127.0.0.1:4317", "Where to listen."),
	TOLL_FIELD(struct grpc_settings, max_recv_msg_size_mib, INT, "4", "Largest request.",
	           .min = 1, .max = 1024),
	TOLL_FIELD_END,
};

static const struct toll_field protocols_fields[] = {
	TOLL_FIELD(struct protocols, grpc, GROUP, NULL, "OTLP/gRPC.", .group = grpc_fields,
	           .present = offsetof(struct protocols, has_grpc)),
	TOLL_FIELD_LATER("http", "OTLP/HTTP comes later: nothing listens on this protocol yet"),
	TOLL_FIELD_END,
};

static const struct toll_field otlp_fields[] = {
	TOLL_FIELD(struct otlp_settings, protocols, GROUP, NULL, "Protocols.",
	           .group = protocols_fields, .required = true),
	TOLL_FIELD_END,
};

static const struct toll_field batch_fields[] = {
	TOLL_FIELD(struct batch_settings, timeout, DURATION, "200ms", "Longest wait."),
	TOLL_FIELD(struct batch_settings, send_batch_size, INT, "8192", "Spans."),
	TOLL_FIELD(struct batch_settings, send_batch_max_size, INT, "0", "Spans."),
	TOLL_FIELD_END,
};

static const char *const compressions[] = { "none", "gzip", "lz4", NULL };

static const struct toll_field producer_fields[] = {
	TOLL_FIELD(struct producer_settings, max_message_bytes, SIZE, "1000000", "Largest."),
	TOLL_FIELD(struct producer_settings, compression, ENUM, "lz4", "Codec.",
	           .choices = compressions),
	TOLL_FIELD(struct producer_settings, spread, RATIO, "0.5", "Jitter.", .min = 0,
	           .max = 1000),
	TOLL_FIELD_END,
};

static const struct toll_field budget_fields[] = {
	TOLL_FIELD(struct budget_settings, service, STRING, "*", "Which."),
	TOLL_FIELD(struct budget_settings, limit, MONEY, NULL, "Dollars.", .required = true),
	TOLL_FIELD_END,
};

static const struct toll_field kafka_fields[] = {
	TOLL_FIELD(struct kafka_settings, brokers, LIST, "[localhost:9092]", "First contacts."),
	TOLL_FIELD(struct kafka_settings, topic, STRING, "otel-cost-spans", "Topic."),
	TOLL_FIELD(struct kafka_settings, encoding, STRING, "otlp_proto", "Encoding."),
	TOLL_FIELD(struct kafka_settings, password, SECRET, NULL, "Password."),
	TOLL_FIELD(struct kafka_settings, producer, GROUP, NULL, "Producer.",
	           .group = producer_fields),
	TOLL_FIELD(struct kafka_settings, budgets, GROUPS, "[{limit: 500}]", "Budgets.",
	           .group = budget_fields, .group_size = sizeof(struct budget_settings)),
	TOLL_FIELD(struct kafka_settings, headers, MAP, NULL, "Headers."),
	TOLL_FIELD(struct kafka_settings, tokens, MAP, NULL, "Tokens.", .secret = true),
	TOLL_FIELD(struct kafka_settings, idempotent, BOOL, "true", "No duplicates."),
	{ .name = "subject", .alias_of = "topic", .help = "Older name." },
	TOLL_FIELD_LATER("storage", "comes later"),
	TOLL_FIELD_END,
};

static const struct toll_field no_fields[] = { TOLL_FIELD_END };

static void validate_kafka(const void *config, struct toll_reporter *r)
{
	const struct kafka_settings *k = config;

	if (k->producer.max_message_bytes < 1000)
		toll_report_error(r, "producer::max_message_bytes", "is less than a span");
	if (!k->idempotent)
		toll_report_warning(r, "idempotent", "duplicates will happen");
}

#define TYPE(section_, name, help_, fields_, ...)                                    \
	{                                                                            \
		.section = TOLL_SECTION_##section_, .type = (name), .help = (help_), \
		.stability = "beta", .fields = (fields_), ##__VA_ARGS__              \
	}

static const struct toll_config_type test_types[] = {
	TYPE(RECEIVERS, "otlp", "Receives.", otlp_fields, .alias = "otlp_grpc",
	     .config_size = sizeof(struct otlp_settings)),
	TYPE(PROCESSORS, "batch", "Batches.", batch_fields,
	     .config_size = sizeof(struct batch_settings)),
	TYPE(EXPORTERS, "kafka", "Sends.", kafka_fields, .validate = validate_kafka,
	     .config_size = sizeof(struct kafka_settings)),
	TYPE(EXPORTERS, "nop", "Drops.", no_fields),
	TYPE(EXPORTERS, "hidden", "Is not for files.", no_fields, .internal = true),
	TYPE(EXPORTERS, "ledger", "Comes.", NULL, .later = "stored roll-ups"),
	TYPE(EXPORTERS, "jaeger", "Is not here.", NULL, .later = "send OTLP", .elsewhere = true),
	TYPE(CONNECTORS, "forward", "Joins.", no_fields),
	TYPE(CONNECTORS, "sums", "Makes metrics.", no_fields, .ends = true),
	TYPE(EXTENSIONS, "health_check", "Answers.", no_fields),
	{ .type = NULL },
};

#endif
