/* SPDX-License-Identifier: Apache-2.0 */
#include "config/client_tls.h"

#include <stdio.h>

#define TLS struct toll_client_tls

const struct toll_field toll_client_tls_fields[] = {
	TOLL_FIELD(TLS, insecure, BOOL, "false", "No TLS: everything travels as plain text."),
	TOLL_FIELD(TLS, insecure_skip_verify, BOOL, "false",
	           "Encrypt, but believe any certificate of the server."),
	TOLL_FIELD(TLS, server_name_override, STRING, NULL,
	           "The name that the server's certificate must have; default: the endpoint's."),
	TOLL_FIELD(TLS, ca_file, STRING, NULL,
	           "Certificates that sign the server's one (PEM); default: the system's."),
	TOLL_FIELD(TLS, ca_pem, STRING, NULL, "ca_file, as text."),
	TOLL_FIELD(TLS, include_system_ca_certs_pool, BOOL, "false",
	           "The system's certificates besides ca_file."),
	TOLL_FIELD(TLS, cert_file, STRING, NULL, "Our certificate (PEM)."),
	TOLL_FIELD(TLS, cert_pem, STRING, NULL, "cert_file, as text."),
	TOLL_FIELD(TLS, key_file, STRING, NULL, "Its private key (PEM)."),
	TOLL_FIELD(TLS, key_pem, SECRET, NULL, "key_file, as text."),
	TOLL_FIELD(TLS, min_version, STRING, NULL, "1.2 or 1.3; default: 1.2."),
	TOLL_FIELD(TLS, max_version, STRING, NULL, "1.2 or 1.3; default: 1.3."),
	TOLL_FIELD(TLS, reload_interval, DURATION, "0",
	           "Look at the files again so often; 0: never."),
	TOLL_FIELD_LATER("cipher_suites",
	                 "OpenSSL's defaults are used: min_version: \"1.3\" leaves those of TLS "
	                 "1.3, the system's crypto policy any choice"),
	TOLL_FIELD_LATER("curve_preferences",
	                 "OpenSSL's defaults are used: the system's crypto policy can change them"),
	TOLL_FIELD_LATER("tpm", "keys are read from files"),
	TOLL_FIELD_END,
};

int toll_client_tls_version(struct toll_slice text)
{
	if (toll_slice_is(text, "1.2"))
		return 12;
	return toll_slice_is(text, "1.3") ? 13 : 0;
}

static void report(struct toll_reporter *r, const char *path, const char *name, const char *text)
{
	char full[128];

	snprintf(full, sizeof(full), "%s::%s", path, name);
	toll_report_error(r, full, "%s", text);
}

static void check_version(struct toll_slice version, const char *path, const char *name,
                          struct toll_reporter *r)
{
	if (version.len && !toll_client_tls_version(version))
		report(r, path, name, "must be \"1.2\" or \"1.3\"");
}

static void check_pair(struct toll_slice file, struct toll_slice pem, const char *path,
                       const char *name, struct toll_reporter *r)
{
	if (file.len && pem.len)
		report(r, path, name, "name a file or give the text, not both");
}

void toll_client_tls_check(const struct toll_client_tls *tls, const char *path,
                           struct toll_reporter *r)
{
	bool cert = tls->cert_file.len || tls->cert_pem.len;
	bool key = tls->key_file.len || tls->key_pem.len;

	check_pair(tls->ca_file, tls->ca_pem, path, "ca_pem", r);
	check_pair(tls->cert_file, tls->cert_pem, path, "cert_pem", r);
	check_pair(tls->key_file, tls->key_pem, path, "key_pem", r);
	check_version(tls->min_version, path, "min_version", r);
	check_version(tls->max_version, path, "max_version", r);
	if (cert != key)
		report(r, path, cert ? "cert_file" : "key_file",
		       "a certificate and its key go together");
	if (toll_slice_is(tls->min_version, "1.3") && toll_slice_is(tls->max_version, "1.2"))
		report(r, path, "max_version", "is below min_version");
	if (tls->insecure_skip_verify && !tls->insecure)
		toll_report_warning(r, path,
		                    "insecure_skip_verify: anybody on the network can pretend to "
		                    "be the server");
}
