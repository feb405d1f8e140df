/* SPDX-License-Identifier: Apache-2.0 */
/* tsan_threads.c - C11 threads by way of pthreads, linked into tests by BUILD=tsan.
 *
 * librdkafka uses <threads.h>, of which gcc's ThreadSanitizer knows nothing: a thread made by
 * thrd_create() crashes at its first malloc, and locks are invisible. glibc's C11 objects are its
 * pthread objects, so these definitions, found before libc's, show the sanitizer what goes on. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#define SHOWN __attribute__((visibility("default")))

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a C11 mutex is a pthread mutex");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a C11 condition is a pthread condition");

struct start {
	thrd_start_t fn;
	void *arg;
};

static int result_of(int err)
{
	return err == 0 ? thrd_success : err == ETIMEDOUT ? thrd_timedout : thrd_error;
}

static pthread_mutex_t *mutex_of(mtx_t *m)
{
	return (pthread_mutex_t *)(void *)m;
}

static pthread_cond_t *cond_of(cnd_t *c)
{
	return (pthread_cond_t *)(void *)c;
}

static void *run(void *ctx)
{
	struct start s = *(struct start *)ctx;

	free(ctx);
	return (void *)(intptr_t)s.fn(s.arg);
}

SHOWN int thrd_create(thrd_t *t, thrd_start_t fn, void *arg)
{
	struct start *s = malloc(sizeof(*s));
	int err;

	if (!s)
		return thrd_nomem;
	*s = (struct start){ fn, arg };
	err = pthread_create(t, NULL, run, s);
	if (err)
		free(s);
	return result_of(err);
}

SHOWN int thrd_join(thrd_t t, int *ret)
{
	void *out = NULL;
	int err = pthread_join(t, &out);

	if (!err && ret)
		*ret = (int)(intptr_t)out;
	return result_of(err);
}

SHOWN int mtx_init(mtx_t *m, int type)
{
	pthread_mutexattr_t attr;
	int err;

	pthread_mutexattr_init(&attr);
	if (type & mtx_recursive)
		pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	err = pthread_mutex_init(mutex_of(m), &attr);
	pthread_mutexattr_destroy(&attr);
	return result_of(err);
}

SHOWN void mtx_destroy(mtx_t *m)
{
	pthread_mutex_destroy(mutex_of(m));
}

SHOWN int mtx_lock(mtx_t *m)
{
	return result_of(pthread_mutex_lock(mutex_of(m)));
}

SHOWN int mtx_unlock(mtx_t *m)
{
	return result_of(pthread_mutex_unlock(mutex_of(m)));
}

SHOWN int cnd_init(cnd_t *c)
{
	return result_of(pthread_cond_init(cond_of(c), NULL));
}

SHOWN void cnd_destroy(cnd_t *c)
{
	pthread_cond_destroy(cond_of(c));
}

SHOWN int cnd_signal(cnd_t *c)
{
	return result_of(pthread_cond_signal(cond_of(c)));
}

SHOWN int cnd_broadcast(cnd_t *c)
{
	return result_of(pthread_cond_broadcast(cond_of(c)));
}

SHOWN int cnd_wait(cnd_t *c, mtx_t *m)
{
	return result_of(pthread_cond_wait(cond_of(c), mutex_of(m)));
}

SHOWN int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
	return result_of(pthread_cond_timedwait(cond_of(c), mutex_of(m), until));
}

/* The sanitizer knows only the form with the other clock. */
SHOWN int pthread_clockjoin_np(pthread_t t, void **ret, clockid_t clock,
                               const struct timespec *until)
{
	struct timespec now, wall;
	int64_t ns;

	clock_gettime(clock, &now);
	clock_gettime(CLOCK_REALTIME, &wall);
	ns = (until->tv_sec - now.tv_sec) * INT64_C(1000000000) + until->tv_nsec - now.tv_nsec +
	     wall.tv_nsec;
	wall.tv_sec += ns / 1000000000;
	wall.tv_nsec = ns % 1000000000;
	if (wall.tv_nsec < 0) {
		wall.tv_sec--;
		wall.tv_nsec += 1000000000;
	}
	return pthread_timedjoin_np(t, ret, &wall);
}
