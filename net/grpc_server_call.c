/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server_call.c - one call: made, kept for the next one, ended; what handlers read of it. */
#include "net/grpc_server_private.h"

#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/grpc_library.h"

enum { KEPT = 64 }; /* unused calls that a worker keeps */

/* ---- lists ---- */

void toll_grpc_calls_append(struct toll_grpc_calls *l, struct toll_grpc_call *c)
{
	c->since_mono_ns = toll_clock_mono_ns();
	c->prev = l->newest;
	c->next = NULL;
	if (l->newest)
		l->newest->next = c;
	else
		l->oldest = c;
	l->newest = c;
}

void toll_grpc_calls_remove(struct toll_grpc_calls *l, struct toll_grpc_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		l->oldest = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		l->newest = c->prev;
}

/* ---- life ---- */

struct toll_grpc_call *toll_grpc_call_new(struct toll_grpc_worker *w)
{
	struct toll_grpc_call *c = w->kept;

	if (c) {
		w->kept = c->next;
		w->kept_count--;
	} else {
		c = malloc(sizeof(*c) + w->server->set.call_size);
		if (!c)
			return NULL;
		grpc_metadata_array_init(&c->metadata);
		atomic_init(&c->baton, false);
	}
	c->worker = w;
	c->prev = c->next = NULL;
	c->call = NULL;
	c->message = c->response = NULL;
	c->text = grpc_empty_slice();
	c->has_trailer = c->in_answered = false;
	grpc_call_details_init(&c->details);
	return c;
}

static void call_keep(struct toll_grpc_call *c)
{
	struct toll_grpc_worker *w = c->worker;

	if (w->kept_count >= KEPT) {
		grpc_metadata_array_destroy(&c->metadata);
		free(c);
		return;
	}
	c->next = w->kept;
	w->kept = c;
	w->kept_count++;
}

void toll_grpc_forget_kept(struct toll_grpc_worker *w)
{
	struct toll_grpc_call *next;

	for (struct toll_grpc_call *c = w->kept; c; c = next) {
		next = c->next;
		grpc_metadata_array_destroy(&c->metadata);
		free(c);
	}
	w->kept = NULL;
}

void toll_grpc_call_drop_message(struct toll_grpc_call *c)
{
	grpc_byte_buffer_destroy(c->message);
	c->message = NULL;
}

/* The last use of c: its worker keeps it or frees it. */
void toll_grpc_call_end(struct toll_grpc_call *c)
{
	struct toll_grpc_server *s = c->worker->server;

	toll_grpc_call_drop_message(c);
	grpc_byte_buffer_destroy(c->response);
	grpc_call_details_destroy(&c->details);
	grpc_slice_unref(c->text);
	if (c->has_trailer) {
		grpc_slice_unref(c->trailer.key);
		grpc_slice_unref(c->trailer.value);
	}
	c->metadata.count = 0; /* its elements were the call's */
	if (c->call)
		grpc_call_unref(c->call);
	call_keep(c);
	toll_grpc_server_leave(s);
}

/* ---- inside a handler ---- */

void *toll_grpc_call_data(struct toll_grpc_call *c)
{
	return c->data;
}

struct toll_grpc_call *toll_grpc_call_of(void *data)
{
	return toll_container_of(data, struct toll_grpc_call, data);
}

enum toll_grpc_encoding toll_grpc_call_encoding(const struct toll_grpc_call *c)
{
	switch (c->message->data.raw.compression) {
	case GRPC_COMPRESS_NONE:
		return TOLL_GRPC_IDENTITY;
	case GRPC_COMPRESS_GZIP:
		return TOLL_GRPC_GZIP;
	default:
		return TOLL_GRPC_OTHER;
	}
}

size_t toll_grpc_call_size(const struct toll_grpc_call *c)
{
	return toll_grpc_buffer_size(c->message);
}

void toll_grpc_call_take(struct toll_grpc_call *c, char *out)
{
	toll_grpc_buffer_copy(c->message, out);
	toll_grpc_call_drop_message(c);
}

unsigned toll_grpc_call_worker(const struct toll_grpc_call *c)
{
	return c->worker->index;
}

/* Core says "ipv4:127.0.0.1:40312", "ipv6:%5B::1%5D:40312" or "unix:". */
void toll_grpc_call_peer(const struct toll_grpc_call *c, char *buf, size_t size)
{
	char *text = grpc_call_get_peer(c->call);
	const char *at = strchr(text, ':');
	size_t len = 0;

	if (!at || strncmp(text, "unix", 4) == 0)
		at = "unix";
	else
		at++;
	for (; *at && len + 1 < size; at++) {
		if (strncmp(at, "%5B", 3) == 0 || strncmp(at, "%5D", 3) == 0) {
			buf[len++] = at[2] == 'B' ? '[' : ']';
			at += 2;
		} else {
			buf[len++] = *at;
		}
	}
	buf[len] = '\0';
	gpr_free(text);
}

struct toll_slice toll_grpc_call_header(const struct toll_grpc_call *c, const char *name)
{
	for (size_t i = 0; i < c->metadata.count; i++)
		if (toll_slice_is(toll_grpc_view(&c->metadata.metadata[i].key), name))
			return toll_grpc_view(&c->metadata.metadata[i].value);
	return toll_slice(NULL, 0);
}

const char *toll_grpc_call_client(const struct toll_grpc_call *c, char *buf, size_t size)
{
	return toll_grpc_tls_client(c->call, buf, size);
}
