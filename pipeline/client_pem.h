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

#endif
