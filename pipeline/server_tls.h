/* SPDX-License-Identifier: Apache-2.0 */
/* server_tls.h - tls: of receivers and other endpoints that listen, with the Collector's names
 * (configtls, ServerConfig).
 *
 * Files are read when the endpoint starts (net/tls_server.h), not when the settings are checked. */
#ifndef TOLL_PIPELINE_SERVER_TLS_H
#define TOLL_PIPELINE_SERVER_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/schema.h"

enum toll_server_tls_version { TOLL_SERVER_TLS_1_2 = 0, TOLL_SERVER_TLS_1_3 };

struct toll_server_tls {
	struct toll_slice cert_file, key_file; /* one of each and its _pem */
	struct toll_slice cert_pem, key_pem;
	struct toll_slice client_ca_file; /* "": clients need no certificate */
	uint64_t reload_interval;         /* ns; 0: files are read at start only */
	int min_version, max_version;     /* enum toll_server_tls_version */
	bool client_ca_file_reload;
	bool present; /* the section is there */
};

extern const struct toll_field toll_server_tls_fields[];

/* Rules between them. path: where the section is ("protocols::grpc::tls"). */
void toll_server_tls_check(const struct toll_server_tls *tls, const char *path,
                           struct toll_reporter *r);

/* Members of struct toll_tls_server_settings (net/tls_server.h), which this folder does not know.
 */
#define TOLL_TLS_SERVER_SETTINGS(tls)                              \
	.source = { .cert_file = (tls)->cert_file.ptr,             \
		    .cert_pem = (tls)->cert_pem.ptr,               \
		    .key_file = (tls)->key_file.ptr,               \
		    .key_pem = (tls)->key_pem.ptr,                 \
		    .client_ca_file = (tls)->client_ca_file.ptr }, \
	.reload_interval_ns = (tls)->reload_interval,              \
	.client_ca_reload = (tls)->client_ca_file_reload,          \
	.min_version = (enum toll_tls_version)(tls)->min_version,  \
	.max_version = (enum toll_tls_version)(tls)->max_version

#endif
