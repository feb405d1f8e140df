/* SPDX-License-Identifier: Apache-2.0 */
/* credentials.h - what a client sends: "Basic " and base64 of "user:password" (RFC 7617). */
#ifndef TOLL_BASICAUTH_CREDENTIALS_H
#define TOLL_BASICAUTH_CREDENTIALS_H

#include <stdbool.h>

#include "base/slice.h"

#define TOLL_CREDENTIALS_MAX 1024

struct toll_credentials {
	char text[TOLL_CREDENTIALS_MAX]; /* "user:password", decoded */
	struct toll_slice all, user, password;
};

/* False: not of this form, or longer than TOLL_CREDENTIALS_MAX. */
bool toll_credentials_read(struct toll_slice header, struct toll_credentials *ret);

/* RFC 4648 with padding, nothing else in between; the length, or -1: not base64, or over room. */
int toll_base64_decode(struct toll_slice text, char *out, int room);

#endif
