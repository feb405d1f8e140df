/* SPDX-License-Identifier: Apache-2.0 */
/* admin.h - what the files of this component share. */
#ifndef TOLL_EXTENSIONS_ADMIN_ADMIN_H
#define TOLL_EXTENSIONS_ADMIN_ADMIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "budget/control.h"
#include "config/schema.h"
#include "extensions/admin/desk.h"
#include "net/http_server.h"
#include "net/tls_server.h"
#include "pipeline/auth.h"
#include "pipeline/component.h"
#include "pipeline/metrics.h"
#include "pipeline/server_tls.h"

enum { TOLL_ADMIN_BODY_MAX = 16 * 1024 }; /* bytes */

struct toll_admin_config {
	struct toll_slice endpoint, enforcer;
	struct {
		struct toll_slice authenticator;
		bool present;
	} auth;
	struct toll_server_tls tls;
	struct toll_pair_list headers; /* for /v1/authz: dimension -> header of the request */
	uint64_t max_age;              /* ns */
};

/* What happened to requests, as it is counted. */
enum toll_admin_outcome {
	TOLL_ADMIN_ALLOWED = 0, /* throttle, authz: by the flags */
	TOLL_ADMIN_THROTTLED,
	TOLL_ADMIN_STALE, /* allowed: the copy is too old, or there is none */
	TOLL_ADMIN_DONE,  /* all others: answered */
	TOLL_ADMIN_REFUSED,
	TOLL_ADMIN_DENIED, /* refused for who asks */
	TOLL_ADMIN_FAILED, /* the store, or memory */
	TOLL_ADMIN_OUTCOMES
};

struct toll_admin_counts {
	_Atomic uint64_t by[TOLL_ADMIN_OUTCOMES];
};

struct toll_admin {
	struct toll_extension super;
	const struct toll_admin_config *config;
	struct toll_http_server *server;
	struct toll_http_service service;
	struct toll_tls_server *tls;
	struct toll_authenticator *auth; /* NULL: none. Lives longer: extensions stop backwards */
	struct toll_admin_desk desk;
	struct toll_metrics_source metrics;
	const struct toll_http_header *headers; /* of every answer */
	size_t header_count;
	bool measured;
	bool local; /* nobody says who asks: only this machine is answered */
	char setting[128], tls_setting[128];
	_Atomic uint64_t random; /* state of a sequence */
	struct toll_admin_counts
		*counts; /* the host's: they go on where a reload changes settings */
};

struct toll_admin_route;

/* One request; lies in its call. */
struct toll_admin_request {
	struct toll_admin *admin;
	const struct toll_http_request *in;
	const struct toll_admin_route *route;
	struct toll_slice rest; /* what stands for {...} in the route's path */
	struct toll_http_response out;
	char who[TOLL_IDENTITY_MAX];       /* who asks; "": nobody was asked */
	char retry_after[16], allowed[32]; /* of headers */
	char error[256];
};

/* ---- serve.c: what becomes of every request ---- */

void toll_admin_serve_init(struct toll_admin *a);

/* ---- answers (answer.c) ---- */

/* {"error": "..."} in place of any answer before. */
void toll_admin_refuse(struct toll_admin_request *q, unsigned status, const char *fmt, ...)
	TOLL_PRINTF(3, 4);
/* What the enforcer said: a status for its error. */
void toll_admin_fail(struct toll_admin_request *q, int err, const char *why);
void toll_admin_count(struct toll_admin *a, enum toll_admin_outcome o);

/* ---- whose turn it is (route.c) ---- */

struct toll_admin_route {
	const char *method; /* NULL: any */
	const char *path;   /* "/v1/budgets/{name}" */
	/* Quick ones answer on the server's thread, the others at the desk. */
	bool quick;
	void (*answer)(struct toll_admin_request *q);
};

extern const struct toll_admin_route toll_admin_routes[];
extern const unsigned toll_admin_route_count;

/* The route, with q->rest; or NULL, and the answer is 404 or 405. */
const struct toll_admin_route *toll_admin_find_route(struct toll_admin_request *q);

/* ---- what is answered ---- */

void toll_admin_answer_throttle(struct toll_admin_request *q); /* throttle.c */
void toll_admin_answer_authz(struct toll_admin_request *q);
void toll_admin_answer_spend(struct toll_admin_request *q); /* show.c */
void toll_admin_answer_budgets(struct toll_admin_request *q);
void toll_admin_answer_kill(struct toll_admin_request *q);
void toll_admin_answer_audit(struct toll_admin_request *q);
void toll_admin_put_budget(struct toll_admin_request *q); /* change.c */
void toll_admin_delete_budget(struct toll_admin_request *q);
void toll_admin_put_override(struct toll_admin_request *q);
void toll_admin_delete_override(struct toll_admin_request *q);
void toll_admin_put_kill(struct toll_admin_request *q);

#endif
