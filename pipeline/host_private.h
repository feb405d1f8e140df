/* SPDX-License-Identifier: Apache-2.0 */
/* host_private.h - the parts of a host, for the files host*.c only. */
#ifndef TOLL_PIPELINE_HOST_PRIVATE_H
#define TOLL_PIPELINE_HOST_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <uv.h>

#include "pipeline/host.h"

#define TOLL_HOST_INSTANCE_TEXT 33
#define TOLL_HOST_WHY_MAX       160

/* A function that another thread wants run on the main thread. */
struct toll_host_call_entry {
	struct toll_host_call_entry *next;
	void (*fn)(void *ctx);
	void *ctx;
};

struct toll_host_loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_signal_t term, interrupt, hup;
	bool signals_caught;
	void (*on_hup)(void *ctx);
	void *hup_ctx;
	atomic_bool stop;
	pthread_mutex_t lock; /* guards the calls and ended */
	struct toll_host_call_entry *first, **last;
	bool ended;
};

struct toll_host_service {
	struct toll_host_service *next;
	void *object;
	struct toll_host_tag *tag; /* of who published it; NULL: nobody's */
	const char *service;       /* behind this struct, as is id */
	const char *id;
	unsigned held; /* toll_host_hold() without its toll_host_drop() */
	bool leaving;  /* being withdrawn: nobody finds it any more */
};

struct toll_host_word {
	const struct toll_component *speaker; /* who may tell; NULL: anybody of this id */
	enum toll_health health;
	bool told; /* by the component itself */
	uint64_t since_wall_ns;
	char why[TOLL_HOST_WHY_MAX];
};

struct toll_host_state {
	struct toll_host_state *next;
	struct toll_host_word now;
	struct toll_host_word before; /* of the speaker before, while a start may be undone */
	char who[];
};

struct toll_host_gate {
	struct toll_host_gate *next;
	unsigned users;
	bool open;
	char what[];
};

struct toll_host_status {
	pthread_mutex_t lock; /* guards states and gates */
	struct toll_host_state *states;
	struct toll_host_gate *gates;
	atomic_bool started;
	bool was_ready; /* all gates were open once */
	struct {
		uint64_t hash, since_wall_ns; /* 0: not told */
		char problem[256];
	} config;
};

struct toll_host_stats {
	struct toll_host_stats *next;
	enum toll_kind kind;
	unsigned users;
	struct toll_stats stats;
	const char *who; /* behind this struct, as is id */
	const char *id;
};

struct toll_host_metrics {
	pthread_mutex_t lock; /* guards both lists; held while a source collects */
	struct toll_host_stats *stats;
	struct toll_metrics_source *sources;
};

struct toll_host {
	struct toll_host_loop loop;
	pthread_mutex_t services_lock; /* guards services */
	pthread_cond_t services_dropped;
	struct toll_host_service *services;
	struct toll_host_kept *kept;     /* main thread only, as what follows */
	struct toll_host_tag *starting;  /* main thread only */
	struct toll_memory_wish *wishes; /* the last one counts; main thread only */
	struct toll_host_status status;
	struct toll_host_metrics metrics;
	pthread_mutex_t view_lock; /* guards view, and what it shows against going away */
	struct toll_host_view *view;
	struct toll_recent *recent;
	struct toll_unpriced_table *unpriced;
	struct toll_trace *trace;
	struct toll_memory memory;
	uint64_t started_mono_ns, started_wall_ns;
	char instance[TOLL_HOST_INSTANCE_TEXT];
};

int toll_host_loop_init(struct toll_host_loop *l) TOLL_MUST_CHECK;
void toll_host_loop_release(struct toll_host_loop *l);
void toll_host_services_release(struct toll_host *h);
int toll_host_status_init(struct toll_host_status *s) TOLL_MUST_CHECK;
void toll_host_status_release(struct toll_host_status *s);
void toll_host_status_add(struct toll_host_status *s, const char *who);
void toll_host_status_remove(struct toll_host_status *s, const char *who);
int toll_host_metrics_init(struct toll_host_metrics *m) TOLL_MUST_CHECK;
void toll_host_metrics_release(struct toll_host_metrics *m);

#endif
