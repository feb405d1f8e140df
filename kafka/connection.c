/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/connection.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

const struct toll_kafka_tls *toll_kafka_tls_of(const struct toll_kafka_tls *tls,
                                               const struct toll_kafka_auth *auth)
{
	if (!tls->present)
		tls = &auth->tls;
	return tls->present && !tls->insecure ? tls : NULL;
}

struct toll_kafka_login toll_kafka_login_of(const struct toll_kafka_auth *auth)
{
	struct toll_kafka_login login = auth->sasl;

	if (!login.username.len && auth->plain_text.username.len) {
		login = auth->plain_text;
		login.mechanism = TOLL_SLICE("PLAIN");
	}
	return login;
}

/* ---- librdkafka's configuration ---- */

void toll_kafka_conf_set(struct toll_kafka_conf_writer *w, const char *name,
                         struct toll_slice value)
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

void toll_kafka_conf_set_text(struct toll_kafka_conf_writer *w, const char *name, const char *value)
{
	toll_kafka_conf_set(w, name, toll_slice_str(value));
}

static void set_if(struct toll_kafka_conf_writer *w, const char *name, struct toll_slice value)
{
	if (value.len)
		toll_kafka_conf_set(w, name, value);
}

void toll_kafka_conf_set_number(struct toll_kafka_conf_writer *w, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	toll_kafka_conf_set_text(w, name, text);
}

static void set_brokers(struct toll_kafka_conf_writer *w, const struct toll_kafka_connection *c)
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
	toll_kafka_conf_set(w, "bootstrap.servers", toll_slice(text, len));
}

static void set_security(struct toll_kafka_conf_writer *w, const struct toll_kafka_connection *c)
{
	const struct toll_kafka_tls *tls = toll_kafka_tls_of(c->tls, c->auth);
	struct toll_kafka_login login = toll_kafka_login_of(c->auth);

	toll_kafka_conf_set_text(w, "security.protocol",
	                         login.username.len ? (tls ? "sasl_ssl" : "sasl_plaintext")
	                                            : (tls ? "ssl" : "plaintext"));
	if (login.username.len) {
		toll_kafka_conf_set(w, "sasl.mechanisms", login.mechanism);
		toll_kafka_conf_set(w, "sasl.username", login.username);
		toll_kafka_conf_set(w, "sasl.password", login.password);
	}
	if (!tls)
		return;
	set_if(w, "ssl.ca.location", tls->ca_file);
	set_if(w, "ssl.ca.pem", tls->ca_pem);
	set_if(w, "ssl.certificate.location", tls->cert_file);
	set_if(w, "ssl.certificate.pem", tls->cert_pem);
	set_if(w, "ssl.key.location", tls->key_file);
	set_if(w, "ssl.key.pem", tls->key_pem);
	toll_kafka_conf_set_text(w, "enable.ssl.certificate.verification",
	                         tls->insecure_skip_verify ? "false" : "true");
	toll_kafka_conf_set_text(w, "ssl.endpoint.identification.algorithm",
	                         tls->insecure_skip_verify ? "none" : "https");
}

void toll_kafka_conf_connect(struct toll_kafka_conf_writer *w,
                             const struct toll_kafka_connection *c)
{
	uint64_t refresh = c->metadata->refresh_interval / TOLL_MS;

	set_brokers(w, c);
	set_if(w, "client.id", c->client_id);
	set_security(w, c);
	toll_kafka_conf_set_number(w, "topic.metadata.refresh.interval.ms",
	                           refresh > 3600000 ? 3600000 : (int64_t)refresh);
	toll_kafka_conf_set_number(w, "connections.max.idle.ms",
	                           (int64_t)(c->conn_idle_timeout / TOLL_MS));
	toll_kafka_conf_set_text(w, "log.connection.close", "false");
	toll_kafka_conf_set_number(w, "reconnect.backoff.max.ms", 3000);
	toll_kafka_conf_set_text(w, "socket.keepalive.enable", "true");
	toll_kafka_conf_set_text(w, "socket.nagle.disable", "true");
}

/* What librdkafka calls an error is a state of the network. */
void toll_kafka_log(const char *who, int level, const char *facility, const char *text)
{
	if (level <= 4)
		TOLL_WARN(who, "%s: %s", facility, text);
	else if (level <= 6)
		TOLL_INFO(who, "%s: %s", facility, text);
	else
		TOLL_DEBUG(who, "%s: %s", facility, text);
}
