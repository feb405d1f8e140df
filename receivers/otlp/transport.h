/* SPDX-License-Identifier: Apache-2.0 */
/* transport.h - the seam between a server engine and OTLP: request bytes in, answer out.
 *
 * An engine serves one protocol of one receiver. It hands each request to toll_otlp_export() and is
 * told the answer later, exactly once, from any thread. */
#ifndef TOLL_RECEIVERS_OTLP_TRANSPORT_H
#define TOLL_RECEIVERS_OTLP_TRANSPORT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "net/endpoint.h"
#include "net/inflate.h"
#include "pipeline/consumer.h"
#include "receivers/otlp/identity.h"
#include "receivers/otlp/response.h"
#include "receivers/otlp/security.h"

struct toll_batch;
struct toll_otlp;
struct toll_otlp_engine;
struct toll_otlp_request;

struct toll_otlp_engine_ops {
	const char *transport; /* label of metrics: "grpc" */
	const char *name;      /* for people: "OTLP/gRPC" */
	/* Sentences: over max_message_bytes once inflated; a compression that is not told in the
	 * headers, NULL: they always tell. */
	const char *too_big, *compressed;

	/* Listens and serves when this returns 0; e->security is ready. */
	int (*listen)(struct toll_otlp_engine *e, struct toll_error *reterr);
	/* The next four after listen() was 0; close and stop: as toll_otlp_engine_close, _stop. */
	void (*close)(struct toll_otlp_engine *e);
	bool (*stop)(struct toll_otlp_engine *e, uint64_t deadline_mono_ns);
	/* Where it listens. */
	const char *(*address)(const struct toll_otlp_engine *e);
	/* Requests that ended in failure before they were handed over. Any thread. */
	uint64_t (*failures)(const struct toll_otlp_engine *e);
	void (*free)(struct toll_otlp_engine *e); /* at any time when nothing is inside */

	/* Copies the request's bytes, as many as it was announced with, and lets go of them; out
	 * NULL: only lets go. At most once, before toll_otlp_export() returns. */
	void (*take)(struct toll_otlp_request *r, char *out);
	/* err 0: success, but for r->rejected spans. Otherwise the request is refused with this
	 * error and sentence (static; of JSON: until this returns); the engine adds when to
	 * come again where that is proper. r is gone afterwards. */
	void (*answer)(struct toll_otlp_request *r, int err, const char *why);
};

/* How requests ended; the label of otelcol_receiver_requests. */
enum toll_outcome {
	TOLL_OUTCOME_SUCCESS = 0,
	TOLL_OUTCOME_REFUSED,
	TOLL_OUTCOME_FAILURE,
	TOLL_OUTCOME_COUNT
};

/* What the settings of both protocols say; the pointers live longer than the engine. */
struct toll_otlp_engine_settings {
	struct toll_slice endpoint;
	int transport;            /* enum toll_otlp_transport */
	int64_t workers;          /* 0: one per processor */
	size_t max_message_bytes; /* as sent, and once inflated */
	const struct toll_server_tls *tls;
	const struct toll_otlp_auth_config *auth;
};

/* First member of every engine. */
struct toll_otlp_engine {
	const struct toll_otlp_engine_ops *ops;
	struct toll_otlp *receiver;
	struct toll_otlp_engine_settings set;
	struct toll_otlp_security security; /* between start and free */
	char setting[128];                  /* "receivers::otlp::protocols::grpc::endpoint" */
	char endpoint[TOLL_ENDPOINT_MAX];   /* as servers read it */
	bool listening;
	unsigned workers;
	struct toll_inflater *inflaters; /* one per worker */
	_Atomic uint64_t *outcomes;      /* TOLL_OUTCOME_COUNT; kept for the receiver's id */
};

/* Fills the first member. TOLL_ENOMEM: nothing to release. */
int toll_otlp_engine_init(struct toll_otlp_engine *e, const struct toll_otlp_engine_ops *ops,
                          struct toll_otlp *o,
                          const struct toll_otlp_engine_settings *set) TOLL_MUST_CHECK;
void toll_otlp_engine_release(struct toll_otlp_engine *e); /* for ops->free */

/* Listens and serves when this returns 0. */
int toll_otlp_engine_start(struct toll_otlp_engine *e, struct toll_error *reterr) TOLL_MUST_CHECK;
/* Takes no new requests; those inside go on. Returns at once. Legal before start and twice. */
void toll_otlp_engine_close(struct toll_otlp_engine *e);
/* Closes and waits for the answers of those inside, at most until the deadline. False: some are
 * still owed, and e must stay. Legal before start and twice. */
bool toll_otlp_engine_stop(struct toll_otlp_engine *e, uint64_t deadline_mono_ns);

/* A request that the engine answers by itself. Any thread. */
void toll_otlp_count(struct toll_otlp_engine *e, enum toll_outcome outcome);

/* Engines keep it inside the call. */
struct toll_otlp_request {
	struct toll_otlp_engine *engine;
	struct toll_ack ack;
	uint32_t spans;    /* given to the pipelines */
	uint32_t rejected; /* cannot be forwarded at all */
	uint8_t reason;    /* enum toll_drop of the first rejected */
	struct toll_otlp_unverified unverified;
};

/* What an engine knows of a request. Borrowed until toll_otlp_export() returns. */
struct toll_otlp_body {
	size_t size; /* as it came, before inflating */
	char *bytes; /* in one piece until they are taken, may be written to; NULL: not so */
	enum toll_encoding encoding;
	enum toll_otlp_format format;
	unsigned worker;      /* of the engine's workers: which thread this is */
	const char *peer;     /* "127.0.0.1:40312" */
	const char *identity; /* who the client has proved to be; NULL, "": nobody knows */
};

/* On the engine's worker thread. r's contents are set here. */
void toll_otlp_export(struct toll_otlp_engine *e, struct toll_otlp_request *r,
                      const struct toll_otlp_body *body);
/* Instead, where the body did not arrive whole: counts and answers. */
void toll_otlp_refuse(struct toll_otlp_engine *e, struct toll_otlp_request *r, int err,
                      const char *why);

/* receive.c: the body's bytes, inflated, JSON as protobuf, as a batch that can be decoded.
 * TOLL_EFULL, TOLL_ENOMEM, TOLL_ETOOBIG, TOLL_EINVALID, TOLL_EUNSUPPORTED with a sentence, which is
 * static or, of JSON, in buf. */
int toll_otlp_receive(struct toll_otlp_request *r, const struct toll_otlp_body *body,
                      struct toll_batch **ret, struct toll_error *buf,
                      const char **ret_why) TOLL_MUST_CHECK;

#endif
