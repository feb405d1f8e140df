/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.h - a set of tokens, kept as digests, and whose each one is. */
#ifndef TOLL_BEARERTOKENAUTH_TOKENS_H
#define TOLL_BEARERTOKENAUTH_TOKENS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"
#include "base/snapshot.h"
#include "net/digest.h"

#define TOLL_TOKENS_MAX 1000

struct toll_token {
	char digest[TOLL_SHA256_SIZE];
	const char *name; /* borrowed; NULL: it has none */
};

/* Immutable once published. */
struct toll_tokens {
	struct toll_shared shared;
	struct toll_token *at;
	size_t count;
};

/* Empty; NULL: out of memory. */
struct toll_tokens *toll_tokens_new(void);

/* White space around a token does not count. TOLL_EINVALID: nothing is left. */
int toll_tokens_add(struct toll_tokens *t, struct toll_slice token, const char *name,
                    struct toll_error *reterr) TOLL_MUST_CHECK;
/* One token per line, empty lines skipped; at most 1 MiB. TOLL_EINVALID: none in it. */
int toll_tokens_add_file(struct toll_tokens *t, const char *path, const char *name,
                         struct toll_error *reterr) TOLL_MUST_CHECK;

/* Compares with every one, so that time tells nothing. NULL: not one of them. */
const struct toll_token *toll_tokens_find(const struct toll_tokens *t, struct toll_slice token);

#endif
