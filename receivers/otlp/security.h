/* SPDX-License-Identifier: Apache-2.0 */
/* security.h - TLS and authenticator of one protocol: from its settings to what its engine uses. */
#ifndef TOLL_RECEIVERS_OTLP_SECURITY_H
#define TOLL_RECEIVERS_OTLP_SECURITY_H

#include "net/tls_server.h"
#include "pipeline/component.h"
#include "pipeline/server_tls.h"

/* Of one engine; all zero is plain text. */
struct toll_otlp_security {
	struct toll_component *component; /* whose log lines these are */
	struct toll_tls_server *tls;      /* NULL: plain text */
	char setting[160];                /* "receivers::otlp::protocols::grpc::tls" */
};

/* Loads what the settings name; a certificate that has expired is a warning. protocol: "grpc". */
int toll_otlp_security_start(struct toll_otlp_security *s, struct toll_component *c,
                             const char *protocol, const struct toll_server_tls *tls,
                             struct toll_error *reterr) TOLL_MUST_CHECK;
/* After the server is gone. */
void toll_otlp_security_release(struct toll_otlp_security *s);

#endif
