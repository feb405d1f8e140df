/* SPDX-License-Identifier: Apache-2.0 */
/* name.h - service names as they stand in keys: encoded, capped in length; and globs over them. */
#ifndef TOLL_COST_NAME_H
#define TOLL_COST_NAME_H

#include <stdbool.h>

#include "base/slice.h"

#define TOLL_NAME_MAX 128

/* Where the spend of services beyond the cap on names goes. */
#define TOLL_NAME_OVERFLOW "__overflow__"
/* What begins with it is spend that a client put down to a service that it may not bill: the rest
 * is who the client is. No budget applies to it, no flag is ever set for it. */
#define TOLL_NAME_UNVERIFIED "unverified:"
bool toll_name_is_unverified(struct toll_slice name);

/* Percent-encodes { } : % space, control bytes and what is no UTF-8, so that a name is one word of
 * text in a key and two names never meet in one. What then takes more than TOLL_NAME_MAX bytes is
 * cut to at most 111 bytes, between characters, '~' and 16 hex digits of a hash of the whole name.
 * Writes no NUL; returns the length. */
size_t toll_name_encode(struct toll_slice name, char out[TOLL_NAME_MAX]);
/* The same into max bytes, 17..TOLL_NAME_MAX: cut to at most max - 17 bytes and the hash. */
size_t toll_name_encode_short(struct toll_slice name, size_t max, char *out);

/* The way back, for people and for globs: a cut name stays cut. Returns the length. */
size_t toll_name_decode(struct toll_slice encoded, char out[TOLL_NAME_MAX]);

/* '*' any run of bytes, '?' one byte, everything else itself. */
bool toll_name_match(struct toll_slice glob, struct toll_slice name);

#endif
