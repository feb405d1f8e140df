/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_out.h - what exporters that speak OTLP have in common, whatever carries it: a delivery goes
 * out in requests, one after another where one would be too large; what an answer means for the
 * spans; what is told and counted.
 *
 * Begins on the runner's thread, goes on with each answer on the thread of whoever gives it. */
#ifndef TOLL_PIPELINE_OTLP_OUT_H
#define TOLL_PIPELINE_OTLP_OUT_H

#include <pthread.h>
#include <stdatomic.h>

#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "pipeline/otlp_piece.h"

enum toll_otlp_out_fate {
	TOLL_OTLP_OUT_SENT = 0,  /* the destination has them, but for those it rejected */
	TOLL_OTLP_OUT_RETRY,     /* the same again, later */
	TOLL_OTLP_OUT_TOO_LARGE, /* never in one message of this size */
	TOLL_OTLP_OUT_REFUSED,   /* never */
};

/* Of one request. Strings are borrowed for the call. */
struct toll_otlp_out_verdict {
	enum toll_otlp_out_fate fate;
	int err;                   /* of RETRY: TOLL_EDOWN, TOLL_ETIMEOUT, TOLL_EFULL ... */
	uint64_t retry_after_ns;   /* of RETRY: what the destination asks for */
	uint64_t rejected;         /* of SENT: spans it will not keep */
	bool unreadable;           /* of SENT: what it says besides cannot be read */
	const char *status;        /* as people know it: "UNAVAILABLE", "status 503" */
	struct toll_slice message; /* the destination's words; may be empty */
};

enum toll_otlp_out_loss {
	TOLL_OTLP_OUT_LOST_REJECTED = 0, /* partial_success */
	TOLL_OTLP_OUT_LOST_REFUSED,      /* a status that forbids to try again */
	TOLL_OTLP_OUT_LOST_TOO_LARGE,    /* a span that alone is over the destination's limit */
	TOLL_OTLP_OUT_LOSSES,
};

struct toll_otlp_shipment; /* a delivery on its way */

struct toll_otlp_out {
	struct toll_exporter super;
	const char *target; /* for people; borrowed */
	/* Encodes the piece and sends it. 0: toll_otlp_out_answered(s) follows exactly once, from
	 * any thread, perhaps before this returns. Negative: not sent, it does not follow. */
	int (*send)(struct toll_otlp_out *o, const struct toll_otlp_piece *piece,
	            struct toll_otlp_shipment *s);
	atomic_bool stopping;
	atomic_size_t request_max; /* bytes in protobuf; shrinks when the destination takes less */
	pthread_mutex_t lock;      /* guards degraded, why */
	bool degraded;
	char why[256];
	_Atomic uint64_t lost[TOLL_OTLP_OUT_LOSSES]; /* spans */
	struct toll_metrics_source metrics;
	bool listed; /* among the host's metrics */
};

/* No request is larger, but one of a single span: what every server takes. */
#define TOLL_OTLP_OUT_REQUEST_MAX ((size_t)4 << 20)

/* In create(): fills all but target. */
void toll_otlp_out_init(struct toll_otlp_out *o, const struct toll_component_ops *ops,
                        const struct toll_settings *set,
                        int (*send)(struct toll_otlp_out *o, const struct toll_otlp_piece *piece,
                                    struct toll_otlp_shipment *s));
/* At the end of start(): its counters are shown from here on. */
void toll_otlp_out_started(struct toll_otlp_out *o);
/* At the begin of shutdown(): nothing more is sent. */
void toll_otlp_out_stop(struct toll_otlp_out *o);
void toll_otlp_out_release(struct toll_otlp_out *o);

/* The piece that was sent last, until its answer. */
const struct toll_otlp_piece *toll_otlp_out_piece(const struct toll_otlp_shipment *s);
/* The verdict on the piece that was sent last. */
void toll_otlp_out_answered(struct toll_otlp_shipment *s, const struct toll_otlp_out_verdict *v);

/* ---- otlp_trouble.c, for otlp_out.c ---- any thread */

/* The destination does not take what it is sent. Logs, and tells /status, when that is news. */
void toll_otlp_out_trouble(struct toll_otlp_out *o, const char *status, struct toll_slice message);
void toll_otlp_out_well(struct toll_otlp_out *o);
void toll_otlp_out_collect(struct toll_metrics_source *self, struct toll_metrics_writer *w);

#endif
