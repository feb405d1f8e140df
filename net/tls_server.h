/* SPDX-License-Identifier: Apache-2.0 */
/* tls_server.h - the TLS of one listening endpoint: its versions, and its files, read again when
 * the settings ask for it.
 *
 * New connections ask for the current material; files are looked at then, not by a timer, and at
 * most once per interval. Connections that stand keep what they began with. A changed file that
 * does not load (half written, key and certificate of different pairs) changes nothing: the old
 * material serves on, and the next look tries again. */
#ifndef TOLL_NET_TLS_SERVER_H
#define TOLL_NET_TLS_SERVER_H

#include <stdbool.h>

#include "net/tls_material.h"

enum toll_tls_version { TOLL_TLS_1_2 = 0, TOLL_TLS_1_3 };

struct toll_tls_server_settings {
	struct toll_tls_source source; /* the strings are borrowed until free */
	const char *setting;           /* the YAML path of the section; borrowed until free */
	uint64_t reload_interval_ns;   /* of all files; 0: never */
	bool client_ca_reload;         /* client_ca_file alone, every second */
	enum toll_tls_version min_version, max_version;
	/* May be NULL. After files have changed: err 0, or why the new ones are not used (once per
	 * reason). On a connection's thread; the lock of the server is held. */
	void (*on_reload)(void *ctx, int err, const char *text);
	void *ctx;
};

struct toll_tls_server;

/* Are files ever looked at again? */
bool toll_tls_server_reloads(const struct toll_tls_server_settings *set);

/* Loads and checks everything. */
int toll_tls_server_new(const struct toll_tls_server_settings *set, struct toll_tls_server **ret,
                        struct toll_error *reterr) TOLL_MUST_CHECK;
/* After the last connection; always returns NULL. */
struct toll_tls_server *toll_tls_server_free(struct toll_tls_server *s);

const struct toll_tls_server_settings *toll_tls_server_settings(const struct toll_tls_server *s);

/* What a new connection is to use: a reference of the caller's. Any thread. */
struct toll_tls_material *toll_tls_server_material(struct toll_tls_server *s);

#endif
