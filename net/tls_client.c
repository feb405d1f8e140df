/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_client.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/endpoint.h"

struct toll_tls_client {
	gnutls_certificate_credentials_t credentials;
	char *server_name;
	const char *priorities;
	bool skip_verify;
};

struct toll_tls_session {
	gnutls_session_t tls;
	gnutls_typed_vdata_st expected[2]; /* name and purpose; GnuTLS keeps pointers to them */
	char host[TOLL_HOST_MAX + 1];
	char why[192];
};

/* ---- credentials ---- */

static bool is_given(const char *s)
{
	return s && *s;
}

/* GnuTLS only reads it, whatever its type says. */
static gnutls_datum_t datum(const char *text)
{
	gnutls_datum_t d = { .size = (unsigned)strlen(text) };

	memcpy(&d.data, &text, sizeof(text));
	return d;
}

static const char *priorities(const struct toll_tls_client_settings *set)
{
	if (set->min_version == 13)
		return "NORMAL:-VERS-ALL:+VERS-TLS1.3";
	if (set->max_version == 12)
		return "NORMAL:-VERS-ALL:+VERS-TLS1.2";
	return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
}

static int set_trust(struct toll_tls_client *c, const struct toll_tls_client_settings *set,
                     struct toll_error *reterr)
{
	gnutls_datum_t ca;
	int n;

	if (!is_given(set->ca_pem)) {
		n = gnutls_certificate_set_x509_system_trust(c->credentials);
		return n >= 0 || set->skip_verify
		               ? 0
		               : toll_fail(reterr, TOLL_ECONFIG,
		                           "tls: the system has no certificates to trust: %s",
		                           gnutls_strerror(n));
	}
	ca = datum(set->ca_pem);
	n = gnutls_certificate_set_x509_trust_mem(c->credentials, &ca, GNUTLS_X509_FMT_PEM);
	return n > 0 ? 0
	             : toll_fail(reterr, TOLL_ECONFIG, "tls::ca_file: no certificate in PEM: %s",
	                         n ? gnutls_strerror(n) : "there is none in it");
}

static int set_pair(struct toll_tls_client *c, const struct toll_tls_client_settings *set,
                    struct toll_error *reterr)
{
	gnutls_datum_t cert, key;
	int rc;

	if (!is_given(set->cert_pem) || !is_given(set->key_pem))
		return 0;
	cert = datum(set->cert_pem);
	key = datum(set->key_pem);
	rc = gnutls_certificate_set_x509_key_mem2(c->credentials, &cert, &key, GNUTLS_X509_FMT_PEM,
	                                          NULL, 0);
	if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "tls::key_file: the key does not belong to the certificate");
	return rc >= 0 ? 0
	               : toll_fail(reterr, TOLL_ECONFIG, "tls::cert_file: %s", gnutls_strerror(rc));
}

int toll_tls_client_new(const struct toll_tls_client_settings *set, struct toll_tls_client **ret,
                        struct toll_error *reterr)
{
	struct toll_tls_client *c = calloc(1, sizeof(*c));
	int err;

	if (!c || gnutls_certificate_allocate_credentials(&c->credentials) < 0) {
		free(c);
		return toll_fail(reterr, TOLL_ENOMEM, "tls: out of memory");
	}
	c->skip_verify = set->skip_verify;
	c->priorities = priorities(set);
	if (is_given(set->server_name)) {
		c->server_name = strdup(set->server_name);
		err = c->server_name ? 0 : toll_fail(reterr, TOLL_ENOMEM, "tls: out of memory");
	} else {
		err = 0;
	}
	if (!err)
		err = set_trust(c, set, reterr);
	if (!err)
		err = set_pair(c, set, reterr);
	if (err) {
		toll_tls_client_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

struct toll_tls_client *toll_tls_client_free(struct toll_tls_client *c)
{
	if (!c)
		return NULL;
	gnutls_certificate_free_credentials(c->credentials);
	free(c->server_name);
	free(c);
	return NULL;
}

/* ---- one connection ---- */

static bool is_address(const char *host)
{
	unsigned char buf[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, buf) == 1 || inet_pton(AF_INET6, host, buf) == 1;
}

/* GnuTLS compares addresses as well where the name is one. */
static void expect(const struct toll_tls_client *c, struct toll_tls_session *s)
{
	static char purpose[] = GNUTLS_KP_TLS_WWW_SERVER;

	if (!is_address(s->host))
		gnutls_server_name_set(s->tls, GNUTLS_NAME_DNS, s->host, strlen(s->host));
	if (c->skip_verify)
		return;
	s->expected[0] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_DNS_HOSTNAME,
		                                  .data = (unsigned char *)s->host };
	s->expected[1] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_KEY_PURPOSE_OID,
		                                  .data = (unsigned char *)purpose };
	gnutls_session_set_verify_cert2(s->tls, s->expected, TOLL_COUNT(s->expected), 0);
}

struct toll_tls_session *toll_tls_session_new(const struct toll_tls_client *c, const char *host,
                                              int fd)
{
	struct toll_tls_session *s = calloc(1, sizeof(*s));

	if (!s || gnutls_init(&s->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		free(s);
		return NULL;
	}
	snprintf(s->host, sizeof(s->host), "%s", c->server_name ? c->server_name : host);
	if (gnutls_priority_set_direct(s->tls, c->priorities, NULL) < 0 ||
	    gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, c->credentials) < 0)
		return toll_tls_session_free(s);
	expect(c, s);
	gnutls_transport_set_int(s->tls, fd);
	return s;
}

struct toll_tls_session *toll_tls_session_free(struct toll_tls_session *s)
{
	if (!s)
		return NULL;
	gnutls_bye(s->tls, GNUTLS_SHUT_WR);
	gnutls_deinit(s->tls);
	free(s);
	return NULL;
}

/* "The certificate is NOT trusted. The certificate issuer is unknown." */
static void tell_verification(struct toll_tls_session *s)
{
	gnutls_datum_t text = { 0 };
	unsigned status = gnutls_session_get_verify_cert_status(s->tls);

	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
		return;
	snprintf(s->why, sizeof(s->why), "TLS: %.170s", (const char *)text.data);
	gnutls_free(text.data);
}

static int fail(struct toll_tls_session *s, int rc)
{
	if (rc == 0)
		snprintf(s->why, sizeof(s->why), "the server closed the connection");
	else if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
		snprintf(s->why, sizeof(s->why), "TLS: the server says: %s",
		         gnutls_alert_get_name(gnutls_alert_get(s->tls)));
	else
		snprintf(s->why, sizeof(s->why), "TLS: %s", gnutls_strerror(rc));
	if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
		tell_verification(s);
	return TOLL_EDOWN;
}

/* Warnings of the server and wishes for another handshake are not followed. */
static bool is_passing(int rc)
{
	return rc < 0 && !gnutls_error_is_fatal(rc);
}

int toll_tls_session_shake(struct toll_tls_session *s)
{
	int rc;

	do
		rc = gnutls_handshake(s->tls);
	while (rc == GNUTLS_E_INTERRUPTED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED);
	if (rc == GNUTLS_E_SUCCESS)
		return 1;
	return rc == GNUTLS_E_AGAIN ? 0 : fail(s, rc);
}

ssize_t toll_tls_session_read(struct toll_tls_session *s, void *buf, size_t size)
{
	ssize_t n = gnutls_record_recv(s->tls, buf, size);

	if (n > 0)
		return n;
	return is_passing((int)n) ? 0 : fail(s, (int)n);
}

ssize_t toll_tls_session_write(struct toll_tls_session *s, const void *buf, size_t size)
{
	ssize_t n = gnutls_record_send(s->tls, buf, size);

	if (n >= 0)
		return n;
	return is_passing((int)n) ? 0 : fail(s, (int)n);
}

bool toll_tls_session_wants_write(const struct toll_tls_session *s)
{
	return gnutls_record_get_direction(s->tls) == 1;
}

const char *toll_tls_session_why(const struct toll_tls_session *s)
{
	return s->why;
}
