/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_client_wait.c - a call whose caller waits for the answer. */
#include <pthread.h>
#include <string.h>

#include "net/grpc_client.h"

struct waiter {
	pthread_mutex_t lock; /* guards done, status, text */
	pthread_cond_t cond;
	bool done;
	int status;
	char *text;
	size_t size;
};

static void wake(void *ctx, const struct toll_grpc_reply *r)
{
	struct waiter *w = ctx;
	size_t len = strlen(r->message);

	pthread_mutex_lock(&w->lock);
	w->done = true;
	w->status = r->status;
	if (w->text) {
		len = len < w->size ? len : w->size - 1;
		memcpy(w->text, r->message, len);
		w->text[len] = '\0';
	}
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

int toll_grpc_client_call(struct toll_grpc_client *c, const char *method, struct toll_slice request,
                          uint64_t timeout_ns, char *ret_message, size_t size)
{
	struct waiter w = { .lock = PTHREAD_MUTEX_INITIALIZER,
		            .cond = PTHREAD_COND_INITIALIZER,
		            .text = ret_message,
		            .size = size };
	int err = toll_grpc_client_start(c, method, request, timeout_ns, wake, &w);

	if (err < 0)
		return err;
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.cond);
	pthread_mutex_destroy(&w.lock);
	return w.status;
}
