/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - who is asking: what authenticators (extensions) offer to receivers.
 *
 * An authenticator publishes a struct toll_authenticator as the service "auth" under its id, and a
 * receiver finds it at its start by what `auth: {authenticator: id}` says. */
#ifndef TOLL_PIPELINE_AUTH_H
#define TOLL_PIPELINE_AUTH_H

#include "base/error.h"
#include "base/slice.h"

/* With its NUL. */
#define TOLL_IDENTITY_MAX 128

struct toll_auth_request {
	/* The first value of a header; empty when there is none. name: in lower case. */
	struct toll_slice (*header)(const struct toll_auth_request *q, const char *name);
};

struct toll_authenticator {
	/* 0: identity is filled (toll_identity_print). TOLL_EDENIED: not with these headers.
	 * TOLL_ETOOMANY: too many ask at once, come again. *ret_why (on errors): a static sentence
	 * for the client that gives nothing away. Any thread, several at once; as slow as one
	 * password hash. */
	int (*check)(struct toll_authenticator *a, const struct toll_auth_request *q,
	             char identity[TOLL_IDENTITY_MAX], const char **ret_why);
	const char *challenge; /* of WWW-Authenticate: "Bearer" */
};

/* A name from the wire as it stands in rules, service names and logs: printable ASCII without
 * spaces, every other byte and '%' as %XX; over the limit cut, with '~' and a hash of the whole. */
void toll_identity_print(struct toll_slice name, char out[TOLL_IDENTITY_MAX]);

#endif
