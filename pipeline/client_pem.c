/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/client_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)

/* Where Debian, Fedora and Alpine keep what they trust. */
static const char *const system_bundles[] = { "/etc/ssl/certs/ca-certificates.crt",
	                                      "/etc/pki/tls/certs/ca-bundle.crt",
	                                      "/etc/ssl/cert.pem" };

static void wipe_free(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

/* Up to FILE_MAX bytes; *ret is NUL-terminated. 0 or errno. */
static int read_all(int fd, char **ret)
{
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	while (text && len < FILE_MAX && n > 0) {
		n = read(fd, text + len, FILE_MAX - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	if (!text || n < 0) {
		int err = text ? errno : ENOMEM;

		free(text);
		return err;
	}
	text[len] = '\0';
	*ret = text;
	return 0;
}

static int read_file(const char *path, char **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return errno;
	err = read_all(fd, ret);
	close(fd);
	return err;
}

static int load_one(struct toll_slice file, struct toll_slice pem, const char *name, char **ret,
                    struct toll_error *reterr)
{
	char why[64];
	int err = 0;

	if (!file.len && !pem.len)
		return 0;
	if (pem.len)
		*ret = strndup(pem.ptr, pem.len);
	else
		err = read_file(file.ptr, ret);
	if (err)
		return toll_fail(reterr, TOLL_ECONFIG, "tls::%s_file: cannot read %.100s: %s", name,
		                 file.ptr, strerror_r(err, why, sizeof(why)));
	if (!*ret)
		return toll_fail(reterr, TOLL_ENOMEM, "tls: out of memory");
	if (!strstr(*ret, "-----BEGIN "))
		return toll_fail(reterr, TOLL_ECONFIG, "tls::%s_%s: no PEM in it%s%.100s", name,
		                 pem.len ? "pem" : "file", pem.len ? "" : ": ",
		                 pem.len ? "" : file.ptr);
	return 0;
}

/* ca and the system's certificates after it. */
static int add_system(char **ca, struct toll_error *reterr)
{
	char *bundle = NULL, *both;
	size_t ours = strlen(*ca);

	for (size_t i = 0; i < TOLL_COUNT(system_bundles) && !bundle; i++)
		(void)read_file(system_bundles[i], &bundle); /* one of them is there, or none */
	if (!bundle)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "tls::include_system_ca_certs_pool: this system has no bundle of "
		                 "certificates");
	both = malloc(ours + strlen(bundle) + 2);
	if (both) {
		memcpy(both, *ca, ours);
		both[ours] = '\n';
		memcpy(both + ours + 1, bundle, strlen(bundle) + 1);
		free(*ca);
		*ca = both;
	}
	free(bundle);
	return both ? 0 : toll_fail(reterr, TOLL_ENOMEM, "tls: out of memory");
}

int toll_client_pems_load(const struct toll_client_tls *tls, struct toll_client_pems *ret,
                          struct toll_error *reterr)
{
	struct toll_client_pems p = { NULL, NULL, NULL };
	int err = load_one(tls->ca_file, tls->ca_pem, "ca", &p.ca, reterr);

	if (!err)
		err = load_one(tls->cert_file, tls->cert_pem, "cert", &p.cert, reterr);
	if (!err)
		err = load_one(tls->key_file, tls->key_pem, "key", &p.key, reterr);
	if (!err && p.ca && tls->include_system_ca_certs_pool)
		err = add_system(&p.ca, reterr);
	if (err)
		toll_client_pems_release(&p);
	else
		*ret = p;
	return err;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool toll_client_pems_equal(const struct toll_client_pems *a, const struct toll_client_pems *b)
{
	return same(a->ca, b->ca) && same(a->cert, b->cert) && same(a->key, b->key);
}

void toll_client_pems_release(struct toll_client_pems *p)
{
	wipe_free(&p->ca);
	wipe_free(&p->cert);
	wipe_free(&p->key);
}
