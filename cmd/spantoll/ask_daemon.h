/* SPDX-License-Identifier: Apache-2.0 */
/* ask_daemon.h - what a running daemon's extension zpages says, for verbs that show it. */
#ifndef TOLL_CMD_ASK_DAEMON_H
#define TOLL_CMD_ASK_DAEMON_H

#include <stddef.h>

#include "base/error.h"

#define TOLL_ZPAGES_ENDPOINT "localhost:55679" /* the extension's default */

/* GET of a page ("/debug/unpricedz?top=3") within 5 s, at most 64 MiB. endpoint: host:port, or a
 * URL. *ret is malloc'ed. Errors as toll_http_get(). */
int toll_ask_daemon(const char *endpoint, const char *page, char **ret, size_t *ret_len,
                    struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
