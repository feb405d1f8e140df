/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - named threads with all signals blocked: signals belong to the main loop. */
#ifndef TOLL_BASE_THREAD_H
#define TOLL_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "base/error.h"

/* name: at most 15 bytes are shown by the kernel ("toll-kafka"). */
int toll_thread_start(pthread_t *ret, const char *name, void *(*fn)(void *),
                      void *arg) TOLL_MUST_CHECK;

/* Joins a thread that is about to end. 0, or TOLL_ETIMEOUT at mono_deadline_ns (0: waits for ever):
 * it still runs; it may be joined later, or be left behind together with all it works on. */
int toll_thread_join_until(pthread_t t, uint64_t mono_deadline_ns) TOLL_MUST_CHECK;

/* Processors this process may use: cgroup v2 quota, affinity, at least 1. */
unsigned toll_cpu_count(void);

/* Condition variables on the monotonic clock. */
int toll_cond_init(pthread_cond_t *c) TOLL_MUST_CHECK;
/* 0, or TOLL_ETIMEOUT at mono_deadline_ns (0: wait for ever). Spurious wake-ups happen. */
int toll_cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t mono_deadline_ns);

#endif
