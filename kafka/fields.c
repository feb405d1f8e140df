/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - what users may write about a connection to Kafka. */
#include "kafka/connection.h"

static const char *const mechanisms[] = { "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", NULL };

const struct toll_field toll_kafka_tls_fields[] = {
#define TLS struct toll_kafka_tls
	TOLL_FIELD(TLS, insecure, BOOL, "false", "No TLS, as if this section were absent."),
	TOLL_FIELD(TLS, insecure_skip_verify, BOOL, "false",
	           "Believe any certificate of the broker."),
	TOLL_FIELD(TLS, ca_file, STRING, NULL,
	           "Certificates that sign the brokers' ones; default: the system's."),
	TOLL_FIELD(TLS, cert_file, STRING, NULL, "Our certificate (PEM)."),
	TOLL_FIELD(TLS, key_file, STRING, NULL, "Its private key (PEM)."),
	TOLL_FIELD(TLS, ca_pem, STRING, NULL, "ca_file, as text."),
	TOLL_FIELD(TLS, cert_pem, STRING, NULL, "cert_file, as text."),
	TOLL_FIELD(TLS, key_pem, SECRET, NULL, "key_file, as text."),
	TOLL_FIELD_LATER("server_name_override", "the broker's own name is checked"),
	TOLL_FIELD_LATER("include_system_ca_certs_pool", "ca_file replaces the system's"),
	TOLL_FIELD_LATER("min_version", "TLS 1.2 and 1.3 are spoken"),
	TOLL_FIELD_LATER("max_version", "TLS 1.2 and 1.3 are spoken"),
	TOLL_FIELD_LATER("cipher_suites", "OpenSSL's defaults are used"),
	TOLL_FIELD_LATER("curve_preferences", "OpenSSL's defaults are used"),
	TOLL_FIELD_LATER("reload_interval", "files are read when a client starts"),
#undef TLS
	TOLL_FIELD_END,
};

static const struct toll_field sasl_fields[] = {
#define LOGIN struct toll_kafka_login
	TOLL_FIELD(LOGIN, mechanism, STRING, "PLAIN", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."),
	TOLL_FIELD(LOGIN, username, STRING, NULL, "User name."),
	TOLL_FIELD(LOGIN, password, SECRET, NULL, "Password; better from ${env:NAME}."),
	TOLL_FIELD_LATER("version", "the handshake is negotiated"),
	TOLL_FIELD_LATER("aws_msk", "AWS_MSK_IAM_OAUTHBEARER is not there yet"),
	TOLL_FIELD_END,
};

static const struct toll_field plain_text_fields[] = {
	TOLL_FIELD(LOGIN, username, STRING, NULL, "User name."),
	TOLL_FIELD(LOGIN, password, SECRET, NULL, "Password."),
	TOLL_FIELD_END,
#undef LOGIN
};

const struct toll_field toll_kafka_auth_fields[] = {
#define AUTH struct toll_kafka_auth
	TOLL_FIELD(AUTH, sasl, GROUP, NULL, "Log in with SASL.", .group = sasl_fields),
	TOLL_FIELD(AUTH, plain_text, GROUP, NULL, "Older form of sasl with mechanism PLAIN.",
	           .group = plain_text_fields),
	TOLL_FIELD(AUTH, tls, GROUP, NULL, "Older place of tls.", .group = toll_kafka_tls_fields,
	           .present = offsetof(AUTH, tls.present)),
	TOLL_FIELD_LATER("kerberos", "Kerberos is not there yet"),
	TOLL_FIELD_END,
#undef AUTH
};

const struct toll_field toll_kafka_metadata_fields[] = {
#define METADATA struct toll_kafka_metadata
	TOLL_FIELD(METADATA, refresh_interval, DURATION, "10m",
	           "How often brokers and topics are looked up."),
	TOLL_FIELD(METADATA, full, BOOL, "false", "Accepted; only our topics are looked up."),
	TOLL_FIELD_LATER("retry", "look-ups are repeated until they succeed"),
	TOLL_FIELD_END,
#undef METADATA
};

/* ---- what a table cannot say ---- */

static bool is_known(struct toll_slice s, const char *const *list)
{
	for (; *list; list++)
		if (toll_slice_is(s, *list))
			return true;
	return false;
}

void toll_kafka_validate_topic(struct toll_slice topic, const char *path, struct toll_reporter *r)
{
	bool legal = topic.len > 0 && topic.len <= 249 && !toll_slice_is(topic, ".") &&
	             !toll_slice_is(topic, "..");

	for (size_t i = 0; legal && i < topic.len; i++) {
		char ch = topic.ptr[i];

		legal = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		        (ch >= '0' && ch <= '9') || ch == '.' || ch == '_' || ch == '-';
	}
	if (!legal)
		toll_report_error(
			r, path,
			"\"%.*s\" is no topic name: 1 to 249 letters, digits, '.', '_', '-'",
			TOLL_FMT(topic));
}

void toll_kafka_validate_auth(const struct toll_kafka_tls *own, const struct toll_kafka_auth *auth,
                              struct toll_reporter *r)
{
	struct toll_kafka_login login = toll_kafka_login_of(auth);
	const struct toll_kafka_tls *tls = toll_kafka_tls_of(own, auth);

	if (login.username.len && !is_known(login.mechanism, mechanisms))
		toll_report_error(
			r, "auth::sasl::mechanism",
			"\"%.*s\" is not known: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
			TOLL_FMT(login.mechanism));
	if (!login.username.len && login.password.len)
		toll_report_error(r, "auth::sasl::username", "a password needs a username");
	if (login.username.len && !tls && toll_slice_is(login.mechanism, "PLAIN"))
		toll_report_warning(r, "auth",
		                    "the password travels unencrypted: add tls: or use SCRAM");
	if (tls && tls->insecure_skip_verify)
		toll_report_warning(r,
		                    tls == own ? "tls::insecure_skip_verify"
		                               : "auth::tls::insecure_skip_verify",
		                    "anybody on the network can pretend to be the broker");
	if (tls && (!!tls->cert_file.len + !!tls->cert_pem.len) !=
	                   (!!tls->key_file.len + !!tls->key_pem.len))
		toll_report_error(r, tls == own ? "tls" : "auth::tls",
		                  "a certificate and its key go together");
}
