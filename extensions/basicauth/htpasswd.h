/* SPDX-License-Identifier: Apache-2.0 */
/* htpasswd.h - users and the hashes of their passwords, as Apache's htpasswd writes them.
 *
 * Known forms: bcrypt ($2y$, $2a$, $2b$), {SHA}, $5$ and $6$ (crypt), yescrypt ($y$), plain text.
 * bcrypt is slow by design, so what a check found out is remembered, as a keyed digest. */
#ifndef TOLL_BASICAUTH_HTPASSWD_H
#define TOLL_BASICAUTH_HTPASSWD_H

#include "base/error.h"
#include "base/snapshot.h"
#include "extensions/basicauth/credentials.h"

#define TOLL_USERS_MAX 10000

struct toll_htpasswd;

/* text: "user:hash" lines; empty ones and those that begin with '#' are skipped. TOLL_EINVALID:
 * which line and why (never what stands in it). Published through a snapshot. */
int toll_htpasswd_new(struct toll_slice text, struct toll_htpasswd **ret,
                      struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_shared *toll_htpasswd_shared(struct toll_htpasswd *h);
struct toll_htpasswd *toll_htpasswd_of(struct toll_shared *shared);

/* 0: the password is right. TOLL_EDENIED. TOLL_ETOOMANY: another thread is at a slow hash; one
 * at a time, so that guessing cannot keep every worker busy. Any thread. */
int toll_htpasswd_check(struct toll_htpasswd *h, const struct toll_credentials *c);

#endif
