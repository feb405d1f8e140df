/* SPDX-License-Identifier: Apache-2.0 */
/* client_tls.h - tls: of whoever connects somewhere, with the Collector's names (configtls).
 *
 * What the settings mean to a library stands where that library is called. */
#ifndef TOLL_CONFIG_CLIENT_TLS_H
#define TOLL_CONFIG_CLIENT_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/schema.h"

struct toll_client_tls {
	struct toll_slice ca_file, cert_file, key_file; /* at most one of each and its _pem */
	struct toll_slice ca_pem, cert_pem, key_pem;
	struct toll_slice server_name_override;
	struct toll_slice min_version, max_version;
	uint64_t reload_interval; /* ns; 0: files are read at start only */
	bool present;             /* the section is there */
	bool insecure;            /* no TLS */
	bool insecure_skip_verify;
	bool include_system_ca_certs_pool;
};

extern const struct toll_field toll_client_tls_fields[];

/* Rules between them. path: where the section is ("tls"). */
void toll_client_tls_check(const struct toll_client_tls *tls, const char *path,
                           struct toll_reporter *r);

/* 12 or 13 of min_version and max_version; 0: it is not said. */
int toll_client_tls_version(struct toll_slice text);

#endif
