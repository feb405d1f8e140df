/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

/* Suites and curves are GnuTLS's choice, or the system's crypto policy. */
static const char *priorities(const struct toll_tls_server_settings *set)
{
	if (set->min_version == TOLL_TLS_1_3)
		return "NORMAL:-VERS-ALL:+VERS-TLS1.3";
	if (set->max_version == TOLL_TLS_1_2)
		return "NORMAL:-VERS-ALL:+VERS-TLS1.2";
	return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
}

/* Without a valid certificate the handshake fails: no request is ever seen. */
static void demand_certificate(gnutls_session_t session)
{
	static char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	static gnutls_typed_vdata_st data = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		                              .data = (unsigned char *)purpose };

	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert2(session, &data, 1, 0);
}

struct toll_tls_material *toll_http_tls_begin(struct toll_tls_server *tls,
                                              struct gnutls_session_int *session)
{
	struct toll_tls_material *m = toll_tls_server_material(tls);

	if (gnutls_priority_set_direct(session, priorities(toll_tls_server_settings(tls)), NULL) <
	            0 ||
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, m->credentials) < 0)
		return toll_tls_material_unref(m);
	if (m->client_ca)
		demand_certificate(session);
	return m;
}

/* The first alternative name of a type; "" where it has a NUL: "shop\0.evil" is not shop. */
static bool find_name(gnutls_x509_crt_t cert, unsigned want, char *buf, size_t size)
{
	for (unsigned i = 0;; i++) {
		size_t len = size - 1;
		unsigned type;
		int rc = gnutls_x509_crt_get_subject_alt_name2(cert, i, buf, &len, &type, NULL);

		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		if (rc < 0 || type != want || len == 0)
			continue;
		buf[memchr(buf, '\0', len) ? 0 : len] = '\0';
		return true;
	}
}

static void read_name(gnutls_x509_crt_t cert, char *buf, size_t size)
{
	size_t len = size;

	if (find_name(cert, GNUTLS_SAN_URI, buf, size) ||
	    find_name(cert, GNUTLS_SAN_DNSNAME, buf, size))
		return;
	if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, buf, &len) < 0)
		buf[0] = '\0';
}

const char *toll_http_tls_client(struct gnutls_session_int *session, char *buf, size_t size)
{
	unsigned count = 0;
	const gnutls_datum_t *chain =
		session ? gnutls_certificate_get_peers(session, &count) : NULL;
	gnutls_x509_crt_t cert;

	buf[0] = '\0';
	if (!chain || !count || gnutls_x509_crt_init(&cert) < 0)
		return buf;
	if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) == 0)
		read_name(cert, buf, size);
	gnutls_x509_crt_deinit(cert);
	return buf;
}
