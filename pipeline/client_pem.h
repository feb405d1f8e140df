/* SPDX-License-Identifier: Apache-2.0 */
/* client_pem.h - certificates and key out of files or the configuration, as text in memory. */
#ifndef TOLL_PIPELINE_CLIENT_PEM_H
#define TOLL_PIPELINE_CLIENT_PEM_H

#include "base/error.h"
#include "config/client_tls.h"

/* NULL where nothing is given; the owner's. */
struct toll_client_pems {
	char *ca, *cert, *key;
};

/* The sentence names setting and file, never what is in it. */
int toll_client_pems_load(const struct toll_client_tls *tls, struct toll_client_pems *ret,
                          struct toll_error *reterr) TOLL_MUST_CHECK;
bool toll_client_pems_equal(const struct toll_client_pems *a, const struct toll_client_pems *b);
void toll_client_pems_release(struct toll_client_pems *p);

/* Members of what the clients of net/ are told of TLS (tls_client.h, http_post.h, grpc_client.h),
 * which this folder does not know. The texts are borrowed from both. */
#define TOLL_CLIENT_TLS_TRUST(tls, pems)                                        \
	.ca_pem = (pems)->ca, .cert_pem = (pems)->cert, .key_pem = (pems)->key, \
	.server_name = toll_text_or_null((tls)->server_name_override),          \
	.skip_verify = (tls)->insecure_skip_verify
#define TOLL_CLIENT_TLS_VERSIONS(tls)                               \
	.min_version = toll_client_tls_version((tls)->min_version), \
	.max_version = toll_client_tls_version((tls)->max_version)

#endif
