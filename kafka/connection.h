/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h - how a client reaches a cluster: brokers, TLS, login; and what librdkafka says.
 *
 * Names of the settings are the OpenTelemetry Collector's. */
#ifndef TOLL_KAFKA_CONNECTION_H
#define TOLL_KAFKA_CONNECTION_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/error.h"
#include "config/schema.h"

struct toll_kafka_tls {
	struct toll_slice ca_file, cert_file, key_file;
	struct toll_slice ca_pem, cert_pem, key_pem;
	bool insecure; /* no TLS after all */
	bool insecure_skip_verify;
	bool present;
};

struct toll_kafka_login {
	struct toll_slice mechanism, username, password;
};

struct toll_kafka_auth {
	struct toll_kafka_login sasl, plain_text;
	struct toll_kafka_tls tls;
};

struct toll_kafka_metadata {
	uint64_t refresh_interval; /* ns */
	bool full;
};

/* fields.c: what users may write, and the rules that a table cannot say. */
extern const struct toll_field toll_kafka_tls_fields[], toll_kafka_auth_fields[],
	toll_kafka_metadata_fields[];
/* path: of the setting, "traces::topic". */
void toll_kafka_validate_topic(struct toll_slice topic, const char *path, struct toll_reporter *r);
void toll_kafka_validate_auth(const struct toll_kafka_tls *tls, const struct toll_kafka_auth *auth,
                              struct toll_reporter *r);

/* auth->tls is the older place. NULL: connections are not encrypted. */
const struct toll_kafka_tls *toll_kafka_tls_of(const struct toll_kafka_tls *tls,
                                               const struct toll_kafka_auth *auth);
/* auth->plain_text is the older form. No username: no login. */
struct toll_kafka_login toll_kafka_login_of(const struct toll_kafka_auth *auth);

/* What every client is told; borrows from a config. */
struct toll_kafka_connection {
	struct toll_slice_list brokers;
	struct toll_slice client_id;
	const struct toll_kafka_tls *tls;
	const struct toll_kafka_auth *auth;
	const struct toll_kafka_metadata *metadata;
	uint64_t conn_idle_timeout; /* ns */
};

/* librdkafka's configuration. Collects the first failure, so that its users read as tables. */
struct toll_kafka_conf_writer {
	rd_kafka_conf_t *conf;
	struct toll_error *reterr; /* never holds a secret */
	int err;
};

void toll_kafka_conf_set(struct toll_kafka_conf_writer *w, const char *name,
                         struct toll_slice value);
void toll_kafka_conf_set_text(struct toll_kafka_conf_writer *w, const char *name,
                              const char *value);
void toll_kafka_conf_set_number(struct toll_kafka_conf_writer *w, const char *name, int64_t value);
void toll_kafka_conf_connect(struct toll_kafka_conf_writer *w,
                             const struct toll_kafka_connection *c);

/* A line of librdkafka's, as ours. level: syslog's. Any thread. */
void toll_kafka_log(const char *who, int level, const char *facility, const char *text);

#endif
