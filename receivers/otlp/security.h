/* SPDX-License-Identifier: Apache-2.0 */
/* security.h - TLS and authenticator of one protocol: from its settings to what its engine uses,
 * and who a client is. */
#ifndef TOLL_RECEIVERS_OTLP_SECURITY_H
#define TOLL_RECEIVERS_OTLP_SECURITY_H

#include <stdatomic.h>

#include "net/tls_server.h"
#include "pipeline/auth.h"
#include "pipeline/component.h"
#include "pipeline/server_tls.h"

struct toll_otlp_auth_config;

/* Of one engine; all zero: plain text, everybody is let in. */
struct toll_otlp_security {
	struct toll_component *component; /* whose log lines these are */
	struct toll_tls_server *tls;      /* NULL: plain text */
	struct toll_authenticator *auth;  /* NULL: none. Lives longer: extensions stop last */
	bool mutual;                      /* clients show certificates */
	_Atomic uint64_t denied;          /* requests of clients that did not say who they are */
	char setting[160];                /* "receivers::otlp::protocols::grpc::tls" */
};

/* Loads what the settings name; a certificate that has expired is a warning. protocol: "grpc". */
int toll_otlp_security_start(struct toll_otlp_security *s, struct toll_component *c,
                             const char *protocol, const struct toll_server_tls *tls,
                             const struct toll_otlp_auth_config *auth,
                             struct toll_error *reterr) TOLL_MUST_CHECK;
/* After the server is gone. */
void toll_otlp_security_release(struct toll_otlp_security *s);

/* A request as an engine shows it. */
struct toll_otlp_caller {
	struct toll_auth_request headers;
	/* The name in its certificate, "" without one; returns buf. */
	const char *(*certificate)(const struct toll_otlp_caller *c, char *buf, size_t size);
};

/* 0: may go on; identity is what the authenticator says, else the name in the certificate, else
 * "". TOLL_EDENIED, TOLL_ETOOMANY (come again): *ret_why is for the client. */
int toll_otlp_identify(struct toll_otlp_security *s, const struct toll_otlp_caller *c,
                       char identity[TOLL_IDENTITY_MAX], const char **ret_why) TOLL_MUST_CHECK;

#endif
