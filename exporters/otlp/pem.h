/* SPDX-License-Identifier: Apache-2.0 */
/* pem.h - certificates and key out of files or the configuration, as text in memory. */
#ifndef TOLL_EXPORTERS_OTLP_PEM_H
#define TOLL_EXPORTERS_OTLP_PEM_H

#include "base/error.h"
#include "pipeline/client_tls.h"

/* NULL where nothing is given; the owner's. */
struct toll_otlp_out_pems {
	char *ca, *cert, *key;
};

/* The sentence names setting and file, never what is in it. */
int toll_otlp_out_pems_load(const struct toll_client_tls *tls, struct toll_otlp_out_pems *ret,
                            struct toll_error *reterr) TOLL_MUST_CHECK;
bool toll_otlp_out_pems_equal(const struct toll_otlp_out_pems *a,
                              const struct toll_otlp_out_pems *b);
void toll_otlp_out_pems_release(struct toll_otlp_out_pems *p);

#endif
