/* SPDX-License-Identifier: Apache-2.0 */
/* A call's life: headers -> admitted or refused -> body -> served -> answered -> sent.
 *
 * libmicrohttpd takes an answer only between headers and body (then it closes the connection,
 * because the body is still to come) or after the body. A refusal therefore waits for the end of a
 * body that may come, which is read and forgotten: the client hears it, and the connection stays.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "net/http_private.h"

#define FIRST_ROOM ((size_t)64 << 10) /* of a large body: more only as it comes */
#define FORGET_MAX                                                                     \
	((size_t)64 << 10) /* of a body that is over the limit, beyond the limit again \
	                    */

enum state { WITH_SERVICE = 0, SUSPENDED, ANSWERED };

struct toll_http_call {
	struct toll_http_worker *worker;
	struct MHD_Connection *connection;
	struct toll_http_request request;
	size_t declared; /* Content-Length; SIZE_MAX: chunked */
	char *body;
	size_t len, room;
	size_t forgotten;
	bool refused, hopeless, whole;
	atomic_int state; /* enum state; ANSWERED publishes response and status */
	struct MHD_Response *response;
	unsigned status;
	_Alignas(max_align_t) char data[];
};

const struct toll_http_request *toll_http_call_request(const struct toll_http_call *c)
{
	return &c->request;
}

void *toll_http_call_data(struct toll_http_call *c)
{
	return c->data;
}

struct toll_http_call *toll_http_call_of(void *data)
{
	return toll_container_of(data, struct toll_http_call, data);
}

unsigned toll_http_call_worker(const struct toll_http_call *c)
{
	return c->worker->index;
}

/* ---- the body ---- */

void toll_http_call_drop_body(struct toll_http_call *c)
{
	free(c->body);
	toll_memory_release(c->worker->server->set.memory, c->room);
	c->body = NULL;
	c->len = c->room = 0;
	c->request.body = toll_slice(NULL, 0);
}

/* A client that announces much and sends little does not get much. */
static size_t room_for(const struct toll_http_call *c, size_t need)
{
	size_t most = c->worker->server->set.max_body_bytes, room = FIRST_ROOM;

	if (c->declared < most)
		most = c->declared;
	while (room < need)
		room *= 2;
	return room < most ? room : most;
}

static int make_room(struct toll_http_call *c, size_t need)
{
	struct toll_memory *memory = c->worker->server->set.memory;
	size_t room;
	char *grown;

	if (need <= c->room)
		return 0;
	room = room_for(c, need);
	if (!toll_memory_charge(memory, room - c->room))
		return TOLL_EFULL;
	grown = realloc(c->body, room);
	if (!grown) {
		toll_memory_release(memory, room - c->room);
		return TOLL_ENOMEM;
	}
	c->body = grown;
	c->room = room;
	return 0;
}

static void forget(struct toll_http_call *c, size_t len)
{
	c->forgotten += len;
	if (c->declared == SIZE_MAX &&
	    c->forgotten > c->worker->server->set.max_body_bytes + FORGET_MAX)
		c->hopeless = true;
}

static void receive(struct toll_http_call *c, const char *data, size_t len)
{
	struct toll_http_request *q = &c->request;

	if (c->refused || q->error) {
		forget(c, len);
		return;
	}
	if (len > c->worker->server->set.max_body_bytes - c->len)
		q->error = TOLL_ETOOBIG;
	else
		q->error = make_room(c, c->len + len);
	if (q->error) {
		toll_http_call_drop_body(c);
		forget(c, len);
		return;
	}
	memcpy(c->body + c->len, data, len);
	c->len += len;
}

/* ---- the answer ---- */

static enum MHD_Result send_answer(struct toll_http_call *c)
{
	enum MHD_Result rc;

	if (!c->response)
		return MHD_NO; /* out of memory: closed */
	toll_http_set_deadline(c->connection, c->worker->server->set.answer_timeout_ns);
	rc = MHD_queue_response(c->connection, c->status, c->response);
	MHD_destroy_response(c->response);
	c->response = NULL;
	return rc;
}

/* With a loop that is not its own libmicrohttpd wakes nobody for a connection that goes on. */
static void resume(struct toll_http_worker *w, struct MHD_Connection *connection)
{
	MHD_resume_connection(connection);
	toll_http_worker_wake(w);
}

void toll_http_answer(struct toll_http_call *c, struct toll_http_response *r)
{
	struct toll_http_worker *w = c->worker;
	struct toll_http_server *s = w->server;
	struct MHD_Connection *connection = c->connection;

	c->response = toll_http_make_response(s, r);
	c->status = r->status;
	/* From here on c belongs to its worker, which may be done with it at once. */
	if (atomic_exchange(&c->state, ANSWERED) == SUSPENDED)
		resume(w, connection);
	toll_http_leave(s, &s->owed);
}

/* Most are answered before serve() returns and never suspended. */
static enum MHD_Result serve(struct toll_http_call *c)
{
	struct toll_http_server *s = c->worker->server;
	int with_service = WITH_SERVICE;

	c->whole = true;
	c->request.body = toll_slice(c->body, c->len);
	toll_http_set_deadline(c->connection, UINT64_MAX);
	toll_http_enter(s, &s->owed);
	s->service.serve(s->service.ctx, c);
	if (atomic_load(&c->state) == ANSWERED)
		return send_answer(c);
	MHD_suspend_connection(c->connection);
	if (!atomic_compare_exchange_strong(&c->state, &with_service, SUSPENDED))
		resume(c->worker, c->connection);
	return MHD_YES;
}

/* ---- libmicrohttpd's callbacks ---- */

static size_t declared_length(const struct toll_http_request *q)
{
	const char *length = toll_http_header(q, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (toll_http_header(q, MHD_HTTP_HEADER_TRANSFER_ENCODING))
		return SIZE_MAX;
	return length ? strtoull(length, NULL, 10) : 0; /* libmicrohttpd has checked it */
}

static bool expects_continue(const struct toll_http_request *q)
{
	const char *expect = toll_http_header(q, MHD_HTTP_HEADER_EXPECT);

	return expect && strcasecmp(expect, "100-continue") == 0;
}

static enum MHD_Result begin(struct toll_http_call *c)
{
	struct toll_http_server *s = c->worker->server;
	struct toll_http_response r = { .status = MHD_HTTP_OK };

	toll_http_set_busy(c->connection, true);
	toll_http_set_deadline(c->connection, s->set.body_timeout_ns);
	toll_http_enter(s, &s->inside);
	c->declared = declared_length(&c->request);
	if (c->declared != SIZE_MAX && c->declared > s->set.max_body_bytes)
		c->request.error = TOLL_ETOOBIG;
	if (s->service.admit(s->service.ctx, c, &r))
		return MHD_YES;
	c->refused = true;
	c->response = toll_http_make_response(s, &r);
	c->status = r.status;
	if (c->request.error || expects_continue(&c->request)) {
		toll_http_set_linger(c->connection);
		return send_answer(c);
	}
	return MHD_YES;
}

enum MHD_Result toll_http_on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version TOLL_UNUSED,
                                     const char *data, size_t *data_len, void **request_context)
{
	struct toll_http_worker *w = ctx;
	struct toll_http_call *c = *request_context;

	if (!c) {
		if (w->closed)
			return MHD_NO;
		*request_context = c = calloc(1, sizeof(*c) + w->server->set.call_size);
		if (!c)
			return MHD_NO;
		c->worker = w;
		c->connection = connection;
		c->request = (struct toll_http_request){ .method = method,
			                                 .path = url,
			                                 .connection = connection };
		return begin(c);
	}
	if (*data_len) {
		receive(c, data, *data_len);
		*data_len = 0;
		return c->hopeless ? MHD_NO : MHD_YES;
	}
	if (c->refused || atomic_load(&c->state) == ANSWERED)
		return send_answer(c);
	return serve(c);
}

static void count(struct toll_http_call *c, enum MHD_RequestTerminationCode how)
{
	struct toll_http_counts *counts = &c->worker->server->counts;

	if (!c->whole && !c->refused)
		atomic_fetch_add_explicit(&counts->lost, 1, memory_order_relaxed);
	else if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		atomic_fetch_add_explicit(&counts->unread, 1, memory_order_relaxed);
}

void toll_http_on_completed(void *ctx, struct MHD_Connection *connection, void **request_context,
                            enum MHD_RequestTerminationCode how)
{
	struct toll_http_server *s = ((struct toll_http_worker *)ctx)->server;
	struct toll_http_call *c = *request_context;

	if (!c)
		return;
	count(c, how);
	toll_http_call_drop_body(c);
	if (c->response)
		MHD_destroy_response(c->response);
	free(c);
	*request_context = NULL;
	toll_http_set_deadline(connection, s->set.idle_timeout_ns);
	toll_http_set_busy(connection, false);
	toll_http_leave(s, &s->inside);
}
