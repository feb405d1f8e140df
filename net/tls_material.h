/* SPDX-License-Identifier: Apache-2.0 */
/* tls_material.h - certificate, key and the authorities of clients, as text, checked; one version.
 *
 * Whatever library serves TLS (OpenSSL inside gRPC C core, GnuTLS under libmicrohttpd), GnuTLS
 * reads the PEM first: so both refuse the same things with the same sentences. */
#ifndef TOLL_NET_TLS_MATERIAL_H
#define TOLL_NET_TLS_MATERIAL_H

#include <stdint.h>

#include "base/error.h"
#include "base/snapshot.h"

struct gnutls_certificate_credentials_st;

/* Of each: a file or its text; NULL or "": not given. */
struct toll_tls_source {
	const char *cert_file,
		*cert_pem; /* our certificate, then those that sign it up to the root */
	const char *key_file, *key_pem;
	const char *client_ca_file; /* who signs certificates of clients; none: clients need none */
};

/* Immutable once made; any thread. */
struct toll_tls_material {
	struct toll_shared shared;
	char *cert, *key;
	char *client_ca; /* NULL: clients need no certificate */
	struct gnutls_certificate_credentials_st *credentials; /* the same for GnuTLS */
	uint64_t expires_unix_s;                               /* our certificate */
};

/* Files are read in full, at most 1 MiB each. TOLL_ECONFIG: which setting, which file, what is
 * wrong with it; TOLL_ENOMEM. setting: the YAML path of the section. */
int toll_tls_material_load(const struct toll_tls_source *src, const char *setting,
                           struct toll_tls_material **ret,
                           struct toll_error *reterr) TOLL_MUST_CHECK;

/* Is there at least one certificate in the file, and can all be read? As above. name: the last part
 * of the setting, "ca_file". */
int toll_tls_authorities_check(const char *file, const char *setting, const char *name,
                               struct toll_error *reterr) TOLL_MUST_CHECK;

/* NULL stays NULL. */
struct toll_tls_material *toll_tls_material_ref(struct toll_tls_material *m);
struct toll_tls_material *toll_tls_material_unref(struct toll_tls_material *m); /* returns NULL */

#endif
