/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

const char *const toll_kafka_encodings[] = { "json", "otlp_json", "otlp_proto", NULL };
const char *const toll_kafka_compressions[] = { "none", "gzip", "snappy", "lz4", "zstd", NULL };

struct toll_slice toll_kafka_topic(const struct toll_kafka_config *c)
{
	return c->traces.topic.len ? c->traces.topic : c->topic;
}

struct toll_slice toll_kafka_encoding_name(enum toll_kafka_encoding encoding)
{
	return toll_slice_str(toll_kafka_encodings[encoding]);
}

bool toll_kafka_encoding_parse(struct toll_slice name, enum toll_kafka_encoding *ret)
{
	for (int i = 0; toll_kafka_encodings[i]; i++) {
		if (toll_slice_is(name, toll_kafka_encodings[i])) {
			*ret = (enum toll_kafka_encoding)i;
			return true;
		}
	}
	return false;
}

enum toll_kafka_encoding toll_kafka_encoding(const struct toll_kafka_config *c)
{
	enum toll_kafka_encoding encoding = (enum toll_kafka_encoding)c->encoding;

	if (c->traces.encoding.len)
		(void)toll_kafka_encoding_parse(c->traces.encoding, &encoding);
	return encoding;
}

const struct toll_kafka_tls *toll_kafka_tls_of(const struct toll_kafka_config *c)
{
	const struct toll_kafka_tls *tls = c->tls.present ? &c->tls : &c->auth.tls;

	return tls->present && !tls->insecure ? tls : NULL;
}

struct toll_kafka_login toll_kafka_login_of(const struct toll_kafka_config *c)
{
	struct toll_kafka_login login = c->auth.sasl;

	if (!login.username.len && c->auth.plain_text.username.len) {
		login = c->auth.plain_text;
		login.mechanism = TOLL_SLICE("PLAIN");
	}
	return login;
}

/* ---- librdkafka's configuration ---- */

/* Collects the first failure, so that the lines below read as a table. */
struct conf_writer {
	rd_kafka_conf_t *conf;
	struct toll_error *reterr;
	int err;
};

static void set(struct conf_writer *w, const char *name, struct toll_slice value)
{
	char text[4096], why[256];
	char *long_text = NULL;
	const char *v = text;

	if (w->err)
		return;
	if (value.len < sizeof(text)) {
		memcpy(text, value.ptr ? value.ptr : "", value.len);
		text[value.len] = '\0';
	} else {
		v = long_text = strndup(value.ptr, value.len);
	}
	if (!v)
		w->err = toll_fail(w->reterr, TOLL_ENOMEM, "out of memory");
	else if (rd_kafka_conf_set(w->conf, name, v, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		w->err = toll_fail(w->reterr, TOLL_ECONFIG, "librdkafka refuses its setting %s",
		                   name);
	free(long_text);
}

static void set_text(struct conf_writer *w, const char *name, const char *value)
{
	set(w, name, toll_slice_str(value));
}

static void set_if(struct conf_writer *w, const char *name, struct toll_slice value)
{
	if (value.len)
		set(w, name, value);
}

static void set_number(struct conf_writer *w, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	set_text(w, name, text);
}

static void set_brokers(struct conf_writer *w, const struct toll_kafka_config *c)
{
	char text[4096];
	size_t len = 0;

	for (size_t i = 0; i < c->brokers.count; i++) {
		struct toll_slice b = c->brokers.at[i];

		if (len + b.len + 2 > sizeof(text)) {
			w->err = toll_fail(w->reterr, TOLL_ECONFIG,
			                   "brokers: more than %zu bytes of names", sizeof(text));
			return;
		}
		if (len)
			text[len++] = ',';
		memcpy(text + len, b.ptr, b.len);
		len += b.len;
	}
	set(w, "bootstrap.servers", toll_slice(text, len));
}

static void set_security(struct conf_writer *w, const struct toll_kafka_config *c)
{
	const struct toll_kafka_tls *tls = toll_kafka_tls_of(c);
	struct toll_kafka_login login = toll_kafka_login_of(c);

	set_text(w, "security.protocol",
	         login.username.len ? (tls ? "sasl_ssl" : "sasl_plaintext")
	                            : (tls ? "ssl" : "plaintext"));
	if (login.username.len) {
		set(w, "sasl.mechanisms", login.mechanism);
		set(w, "sasl.username", login.username);
		set(w, "sasl.password", login.password);
	}
	if (!tls)
		return;
	set_if(w, "ssl.ca.location", tls->ca_file);
	set_if(w, "ssl.ca.pem", tls->ca_pem);
	set_if(w, "ssl.certificate.location", tls->cert_file);
	set_if(w, "ssl.certificate.pem", tls->cert_pem);
	set_if(w, "ssl.key.location", tls->key_file);
	set_if(w, "ssl.key.pem", tls->key_pem);
	set_text(w, "enable.ssl.certificate.verification",
	         tls->insecure_skip_verify ? "false" : "true");
	set_text(w, "ssl.endpoint.identification.algorithm",
	         tls->insecure_skip_verify ? "none" : "https");
}

/* A dead letter may be larger than the messages it is about. */
#define LETTER_MAX ((size_t)64 * 1024)

/* Nothing may be dropped inside librdkafka: no time-out, no limit below ours. */
static void set_delivery(struct conf_writer *w, const struct toll_kafka_config *c,
                         size_t batch_bytes)
{
	set_number(w, "message.timeout.ms", 0);
	set_number(w, "queue.buffering.max.messages", 0);
	set_number(w, "queue.buffering.max.kbytes", INT32_MAX);
	set_number(w, "message.max.bytes",
	           (int64_t)(batch_bytes < LETTER_MAX ? LETTER_MAX : batch_bytes) + 1024);
	set_number(w, "batch.size", (int64_t)batch_bytes);
	if (c->producer.flush_max_messages)
		set_number(w, "batch.num.messages", c->producer.flush_max_messages);
	set_number(w, "linger.ms", (int64_t)(c->producer.linger / TOLL_MS));
	set_number(w, "acks", c->producer.required_acks);
	set_text(w, "enable.idempotence", c->producer.required_acks == -1 ? "true" : "false");
	set_text(w, "compression.codec", toll_kafka_compressions[c->producer.compression]);
	set_number(w, "compression.level", c->producer.compression_params.level);
	set_text(w, "partitioner", "murmur2_random");
}

int toll_kafka_conf(const struct toll_kafka_config *c, size_t batch_bytes, rd_kafka_conf_t **ret,
                    struct toll_error *reterr)
{
	struct conf_writer w = { rd_kafka_conf_new(), reterr, 0 };
	uint64_t refresh = c->metadata.refresh_interval / TOLL_MS;

	if (!w.conf)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	set_brokers(&w, c);
	set_if(&w, "client.id", c->client_id);
	set_security(&w, c);
	set_delivery(&w, c, batch_bytes);
	set_number(&w, "topic.metadata.refresh.interval.ms",
	           refresh > 3600000 ? 3600000 : (int64_t)refresh);
	/* How long a topic may be missing before we hear of it; its messages wait either way. */
	set_number(&w, "topic.metadata.propagation.max.ms", 5000);
	set_number(&w, "connections.max.idle.ms", (int64_t)(c->conn_idle_timeout / TOLL_MS));
	set_text(&w, "log.connection.close", "false");
	set_number(&w, "reconnect.backoff.max.ms", 3000);
	set_text(&w, "socket.keepalive.enable", "true");
	set_text(&w, "socket.nagle.disable", "true");
	set_text(&w, "allow.auto.create.topics",
	         c->producer.allow_auto_topic_creation ? "true" : "false");
	if (w.err) {
		rd_kafka_conf_destroy(w.conf);
		return w.err;
	}
	*ret = w.conf;
	return 0;
}
