/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_material.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)

/* ---- reading ---- */

/* The bytes with a NUL behind them; NULL: errno says why. */
static char *read_all(int fd)
{
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	while (text && n > 0 && len < FILE_MAX) {
		n = read(fd, text + len, FILE_MAX - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (text && n != 0) {
		errno = n > 0 ? EFBIG : errno;
		free(text);
		return NULL;
	}
	if (text)
		text[len] = '\0';
	return text;
}

static int read_file(const char *path, const char *setting, const char *name, char **ret,
                     struct toll_error *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : read_all(fd), *fitting;
	int saved = errno;

	if (fd >= 0)
		close(fd);
	if (!text)
		return toll_fail(reterr, TOLL_ECONFIG, "%s::%s: cannot read %s: %s", setting, name,
		                 path, strerror(saved));
	*ret = text;
	fitting = realloc(text, strlen(text) + 1);
	if (fitting)
		*ret = fitting;
	return 0;
}

static bool is_given(const char *s)
{
	return s && *s;
}

static int read_one(const char *file, const char *pem, const char *setting, const char *name,
                    char **ret, struct toll_error *reterr)
{
	if (is_given(file))
		return read_file(file, setting, name, ret, reterr);
	*ret = strdup(is_given(pem) ? pem : "");
	return *ret ? 0 : toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", setting);
}

static int read_sources(struct toll_tls_material *m, const struct toll_tls_source *src,
                        const char *setting, struct toll_error *reterr)
{
	int err = read_one(src->cert_file, src->cert_pem, setting, "cert_file", &m->cert, reterr);

	if (!err)
		err = read_one(src->key_file, src->key_pem, setting, "key_file", &m->key, reterr);
	if (!err && is_given(src->client_ca_file))
		err = read_file(src->client_ca_file, setting, "client_ca_file", &m->client_ca,
		                reterr);
	return err;
}

/* ---- checking ---- */

static const char nothing[] = "there is none in it"; /* what GnuTLS calls a success */

static gnutls_datum_t datum(char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

/* *ret_expires: of the first. */
static int read_certs(char *text, const char *setting, const char *name, uint64_t *ret_expires,
                      struct toll_error *reterr)
{
	gnutls_datum_t pem = datum(text);
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0;
	int rc = gnutls_x509_crt_list_import2(&list, &count, &pem, GNUTLS_X509_FMT_PEM, 0);

	if (rc < 0 || count == 0)
		return toll_fail(reterr, TOLL_ECONFIG, "%s::%s: no certificate in PEM: %s", setting,
		                 name, rc ? gnutls_strerror(rc) : nothing);
	*ret_expires = (uint64_t)gnutls_x509_crt_get_expiration_time(list[0]);
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return 0;
}

/* Our own certificate comes first in its file. */
static int check_cert(struct toll_tls_material *m, const char *setting, struct toll_error *reterr)
{
	return read_certs(m->cert, setting, "cert_file", &m->expires_unix_s, reterr);
}

static int check_key(struct toll_tls_material *m, const char *setting, struct toll_error *reterr)
{
	gnutls_datum_t pem = datum(m->key);
	gnutls_x509_privkey_t key;
	int rc = gnutls_x509_privkey_init(&key);

	if (rc == 0) {
		rc = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
		gnutls_x509_privkey_deinit(key);
	}
	if (rc < 0)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "%s::key_file: no private key in PEM without password: %s",
		                 setting, gnutls_strerror(rc));
	return 0;
}

static int join(struct toll_tls_material *m, const char *setting, struct toll_error *reterr)
{
	gnutls_datum_t cert = datum(m->cert), key = datum(m->key), ca;
	int rc = gnutls_certificate_allocate_credentials(&m->credentials);

	if (rc < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", setting);
	rc = gnutls_certificate_set_x509_key_mem2(m->credentials, &cert, &key, GNUTLS_X509_FMT_PEM,
	                                          NULL, 0);
	if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "%s::key_file: the key does not belong to the certificate",
		                 setting);
	if (rc < 0)
		return toll_fail(reterr, TOLL_ECONFIG, "%s::cert_file: %s", setting,
		                 gnutls_strerror(rc));
	if (!m->client_ca)
		return 0;
	ca = datum(m->client_ca);
	rc = gnutls_certificate_set_x509_trust_mem(m->credentials, &ca, GNUTLS_X509_FMT_PEM);
	if (rc <= 0)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "%s::client_ca_file: no certificate in PEM: %s", setting,
		                 rc ? gnutls_strerror(rc) : nothing);
	return 0;
}

/* ---- life ---- */

static void destroy(struct toll_shared *self)
{
	struct toll_tls_material *m = toll_container_of(self, struct toll_tls_material, shared);

	if (m->credentials)
		gnutls_certificate_free_credentials(m->credentials);
	if (m->key)
		gnutls_memset(m->key, 0, strlen(m->key));
	free(m->cert);
	free(m->key);
	free(m->client_ca);
	free(m);
}

int toll_tls_material_load(const struct toll_tls_source *src, const char *setting,
                           struct toll_tls_material **ret, struct toll_error *reterr)
{
	struct toll_tls_material *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", setting);
	toll_shared_init(&m->shared, destroy);
	err = read_sources(m, src, setting, reterr);
	if (!err)
		err = check_cert(m, setting, reterr);
	if (!err)
		err = check_key(m, setting, reterr);
	if (!err)
		err = join(m, setting, reterr);
	if (err) {
		toll_tls_material_unref(m);
		return err;
	}
	*ret = m;
	return 0;
}

int toll_tls_authorities_check(const char *file, const char *setting, const char *name,
                               struct toll_error *reterr)
{
	uint64_t expires;
	char *text = NULL;
	int err = read_file(file, setting, name, &text, reterr);

	if (!text)
		return err;
	err = read_certs(text, setting, name, &expires, reterr);
	free(text);
	return err;
}

struct toll_tls_material *toll_tls_material_ref(struct toll_tls_material *m)
{
	if (m)
		toll_shared_ref(&m->shared);
	return m;
}

struct toll_tls_material *toll_tls_material_unref(struct toll_tls_material *m)
{
	if (m)
		toll_shared_unref(&m->shared);
	return NULL;
}
