/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - who may ask what: browsers on behalf of other sites may nothing, and without an
 * authenticator only this machine. */
#ifndef TOLL_EXTENSIONS_ADMIN_GUARD_H
#define TOLL_EXTENSIONS_ADMIN_GUARD_H

#include <stdbool.h>

#include "base/slice.h"

struct toll_admin_request;

/* Of a Host header or an endpoint, with or without a port: "localhost", "127.0.0.2:8080", "[::1]".
 * A page that has its own name resolve to this machine shows that name. */
bool toll_admin_is_local_host(struct toll_slice host);
/* Of toll_http_peer(): "127.0.0.1:40312", "[::1]:40312", "[::ffff:127.0.0.1]:1", "unix". */
bool toll_admin_is_local_peer(struct toll_slice peer);
/* Is an Origin header ("http://localhost:8080") of the site that Host names? */
bool toll_admin_is_same_site(struct toll_slice origin, struct toll_slice host);

/* A browser says for whom it asks; a page that has this machine's address under its own name says
 * that name. */
bool toll_admin_is_for_another_site(const struct toll_admin_request *q);

/* Everything but /v1/throttle and /v1/authz: q->who is who asks. False: refused. May take as long
 * as a password's hash. */
bool toll_admin_let_in(struct toll_admin_request *q);

#endif
