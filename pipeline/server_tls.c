/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/server_tls.h"

#include <stdio.h>

static const char *const versions[] = { "1.2", "1.3", NULL };

/* clang-format off */
#define TLS struct toll_server_tls
const struct toll_field toll_server_tls_fields[] = {
	TOLL_FIELD(TLS, cert_file, STRING, NULL,
	           "Our certificate and those that sign it (PEM), ours first."),
	TOLL_FIELD(TLS, cert_pem, STRING, NULL, "cert_file, as text."),
	TOLL_FIELD(TLS, key_file, STRING, NULL, "Its private key (PEM, no password)."),
	TOLL_FIELD(TLS, key_pem, SECRET, NULL, "key_file, as text."),
	TOLL_FIELD(TLS, client_ca_file, STRING, NULL,
	           "Who signs clients' certificates (PEM): with it, clients without one are refused."),
	TOLL_FIELD(TLS, client_ca_file_reload, BOOL, "false",
	           "Look every second, when clients connect, whether client_ca_file has changed."),
	TOLL_FIELD(TLS, min_version, ENUM, "1.2", "Oldest version of TLS.", .choices = versions),
	TOLL_FIELD(TLS, max_version, ENUM, "1.3", "Newest version of TLS.", .choices = versions),
	TOLL_FIELD(TLS, reload_interval, DURATION, "0",
	           "Read the files again after this long, when clients connect; 0: never."),
	TOLL_FIELD_REFUSED("cipher_suites", "cannot be chosen here: OpenSSL (gRPC) and GnuTLS (HTTP) offer their own modern suites; remove it; min_version: \"1.3\" leaves those of TLS 1.3, the system's crypto policy any choice"),
	TOLL_FIELD_REFUSED("curve_preferences", "cannot be chosen here: OpenSSL (gRPC) and GnuTLS (HTTP) offer their own; remove it, or set the system's crypto policy"),
	TOLL_FIELD_LATER("ca_file", "servers do not use it; to demand certificates of clients set client_ca_file"),
	TOLL_FIELD_LATER("ca_pem", "servers do not use it; to demand certificates of clients set client_ca_file"),
	TOLL_FIELD_LATER("include_system_ca_certs_pool", "servers do not use it"),
	TOLL_FIELD_REFUSED("tpm", "keys are read from files"),
	TOLL_FIELD_END,
};
/* clang-format on */

static void report(struct toll_reporter *r, const char *path, const char *name, const char *text)
{
	char full[128];

	snprintf(full, sizeof(full), "%s::%s", path, name);
	toll_report_error(r, full, "%s", text);
}

static void check_pair(struct toll_slice file, struct toll_slice pem, const char *path,
                       const char *name, struct toll_reporter *r)
{
	if (file.len && pem.len)
		report(r, path, name, "is given as a file and as text: keep one");
	else if (!file.len && !pem.len)
		report(r, path, name, "is missing: a TLS server needs a certificate and its key");
}

void toll_server_tls_check(const struct toll_server_tls *tls, const char *path,
                           struct toll_reporter *r)
{
	if (!tls->present)
		return;
	check_pair(tls->cert_file, tls->cert_pem, path, "cert_file", r);
	check_pair(tls->key_file, tls->key_pem, path, "key_file", r);
	if (tls->max_version < tls->min_version)
		report(r, path, "max_version", "is below min_version");
	if (tls->client_ca_file_reload && !tls->client_ca_file.len)
		report(r, path, "client_ca_file_reload", "there is no client_ca_file to reload");
}
