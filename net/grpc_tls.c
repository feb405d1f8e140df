/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Core 1.51 serves TLS 1.2 and 1.3, and only these members of a C++ class can tell it less: the
 * library exports them, no header for C declares them. Weak: a build without them is found out at
 * start. The class has one base, so the object's address is the pointer we have. */
extern void set_min_version(grpc_server_credentials *c, grpc_tls_version v) __asm__(
	"_ZN27grpc_ssl_server_credentials19set_min_tls_versionE16grpc_tls_version")
	__attribute__((weak));
extern void set_max_version(grpc_server_credentials *c, grpc_tls_version v) __asm__(
	"_ZN27grpc_ssl_server_credentials19set_max_tls_versionE16grpc_tls_version")
	__attribute__((weak));

/* Core wants authorities even where no client is asked for a certificate: then any will do. */
static grpc_ssl_server_certificate_config *config_of(const struct toll_tls_material *m)
{
	grpc_ssl_pem_key_cert_pair pair = { m->key, m->cert };

	return grpc_ssl_server_certificate_config_create(m->client_ca ? m->client_ca : m->cert,
	                                                 &pair, 1);
}

/* Core asks at every new connection, under a lock of its own. */
static grpc_ssl_certificate_config_reload_status fetch(void *ctx,
                                                       grpc_ssl_server_certificate_config **ret)
{
	struct toll_grpc_tls *t = ctx;
	struct toll_tls_material *m = toll_tls_server_material(t->server);

	if (m == t->given) {
		toll_tls_material_unref(m);
		return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
	}
	*ret = config_of(m);
	toll_tls_material_unref(t->given);
	t->given = m;
	return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

/* Core can either fetch or limit versions: credentials that fetch forget the limits. */
static grpc_server_credentials *create(struct toll_grpc_tls *t,
                                       const struct toll_tls_server_settings *set)
{
	bool mutual = set->source.client_ca_file && *set->source.client_ca_file;
	grpc_ssl_client_certificate_request_type ask =
		mutual ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
		       : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;

	if (toll_tls_server_reloads(set))
		return grpc_ssl_server_credentials_create_with_options(
			grpc_ssl_server_credentials_create_options_using_config_fetcher(ask, fetch,
		                                                                        t));
	t->given = toll_tls_server_material(t->server);
	return grpc_ssl_server_credentials_create_with_options(
		grpc_ssl_server_credentials_create_options_using_config(ask, config_of(t->given)));
}

static int limit_versions(grpc_server_credentials *c, const struct toll_tls_server_settings *set,
                          struct toll_error *reterr)
{
	if (set->min_version == TOLL_TLS_1_2 && set->max_version == TOLL_TLS_1_3)
		return 0; /* core's own */
	if (toll_tls_server_reloads(set) || !set_min_version || !set_max_version)
		return toll_fail(reterr, TOLL_EUNSUPPORTED,
		                 "%s: gRPC cannot limit the versions of TLS here: remove "
		                 "min_version and max_version, or what makes files reload",
		                 set->setting);
	set_min_version(c, set->min_version == TOLL_TLS_1_3 ? TLS1_3 : TLS1_2);
	set_max_version(c, set->max_version == TOLL_TLS_1_3 ? TLS1_3 : TLS1_2);
	return 0;
}

int toll_grpc_tls_credentials(struct toll_grpc_tls *t, grpc_server_credentials **ret,
                              struct toll_error *reterr)
{
	const struct toll_tls_server_settings *set = toll_tls_server_settings(t->server);
	grpc_server_credentials *c = create(t, set);
	int err;

	if (!c)
		return toll_fail(reterr, TOLL_EINTERNAL, "%s: gRPC refuses the certificate",
		                 set->setting);
	err = limit_versions(c, set, reterr);
	if (err)
		grpc_server_credentials_release(c);
	else
		*ret = c;
	return err;
}

void toll_grpc_tls_release(struct toll_grpc_tls *t)
{
	t->given = toll_tls_material_unref(t->given);
}

const char *toll_grpc_tls_client(grpc_call *call, char *buf, size_t size)
{
	static const char *const names[] = { GRPC_PEER_URI_PROPERTY_NAME,
		                             GRPC_PEER_DNS_PROPERTY_NAME,
		                             GRPC_X509_CN_PROPERTY_NAME };
	grpc_auth_context *auth = grpc_call_auth_context(call);
	const grpc_auth_property *found = NULL;

	for (size_t i = 0; auth && !found && i < TOLL_COUNT(names); i++) {
		grpc_auth_property_iterator it =
			grpc_auth_context_find_properties_by_name(auth, names[i]);

		found = grpc_auth_property_iterator_next(&it);
		if (found && !found->value_length)
			found = NULL;
	}
	/* "shop\0.evil" is not shop. */
	if (found && memchr(found->value, '\0', found->value_length))
		found = NULL;
	snprintf(buf, size, "%.*s", found ? (int)found->value_length : 0,
	         found ? found->value : "");
	grpc_auth_context_release(auth);
	return buf;
}
