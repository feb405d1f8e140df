/* SPDX-License-Identifier: Apache-2.0 */
/* inflate.h - gzip bodies, with a cap on what comes out. By libdeflate. */
#ifndef TOLL_RECEIVERS_OTLP_INFLATE_H
#define TOLL_RECEIVERS_OTLP_INFLATE_H

#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"

enum toll_encoding { TOLL_ENCODING_IDENTITY = 0, TOLL_ENCODING_GZIP };

/* What the body claims to inflate to (ISIZE, RFC 1952), at least 1 and at most max: a first guess,
 * never trusted. */
size_t toll_gzip_hint(struct toll_slice body, size_t max);

/* Inflates all members of the body into out. 0 with *ret_size; TOLL_EFULL: does not fit into room;
 * TOLL_EINVALID: not gzip; TOLL_ENOMEM. */
int toll_gunzip(struct toll_slice body, char *out, size_t room, size_t *ret_size) TOLL_MUST_CHECK;

#endif
