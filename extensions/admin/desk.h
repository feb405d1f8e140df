/* SPDX-License-Identifier: Apache-2.0 */
/* desk.h - the thread for requests that wait for something: a password's hash, the store. Meshes
 * are answered meanwhile by the server's own threads. */
#ifndef TOLL_EXTENSIONS_ADMIN_DESK_H
#define TOLL_EXTENSIONS_ADMIN_DESK_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

struct toll_http_call;

enum { TOLL_ADMIN_DESK_MAX = 32 }; /* more are told to come again */

struct toll_admin_desk {
	/* Answers the call; in time: false where the desk closes, and nothing may take long. */
	void (*serve)(void *ctx, struct toll_http_call *c, bool in_time);
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct toll_http_call *waiting[TOLL_ADMIN_DESK_MAX]; /* a ring */
	unsigned first, count;
	bool closed, running;
};

/* Closed until it is opened. */
void toll_admin_desk_init(struct toll_admin_desk *d,
                          void (*serve)(void *ctx, struct toll_http_call *c, bool in_time),
                          void *ctx);
int toll_admin_desk_open(struct toll_admin_desk *d) TOLL_MUST_CHECK;
/* Any thread. False: too many wait, or it is closed; the call is still the caller's. */
bool toll_admin_desk_take(struct toll_admin_desk *d, struct toll_http_call *c) TOLL_MUST_CHECK;
/* Answers who waits, takes nobody else, and ends the thread. Legal twice, and before open. */
void toll_admin_desk_close(struct toll_admin_desk *d);
void toll_admin_desk_release(struct toll_admin_desk *d); /* closes it */

#endif
