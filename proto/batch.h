/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - the spans of one OTLP request, as views into the bytes that arrived.
 *
 * Life: new -> decoded -> processed (one thread, mutable) -> sealed (shared, read-only) -> freed
 * with the last reference. Nothing inside is freed on its own: it all lives in the arena. Field
 * numbers: opentelemetry-proto v1.9, trace/v1/trace.proto and collector/trace/v1. */
#ifndef TOLL_PROTO_BATCH_H
#define TOLL_PROTO_BATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/memory.h"
#include "base/slice.h"

enum toll_key {
	TOLL_KEY_OTHER = 0,
#define TOLL_KEY(id, text) TOLL_KEY_##id,
#include "proto/semconv.def"
	TOLL_KEY_COUNT,
	TOLL_KEY_COST_UNITS = TOLL_KEY_COUNT, /* any key that begins with "cost.units." */
	TOLL_KEY_COST_BREAKDOWN,              /* ... with "cost.breakdown." */
	/* Keys from here to TOLL_KEY_COUNT tell of usage: what was measured, what a model used. */
	TOLL_KEY_MEASURED_FIRST = TOLL_KEY_HTTP_REQUEST_BODY_SIZE,
	TOLL_KEY_MODEL_FIRST = TOLL_KEY_GEN_AI_PROVIDER_NAME,
};

/* Which bit of toll_node.known a key sets. Those of usage share two, so that a span without any is
 * told from them by one test; the others hardly ever share one. */
#define TOLL_KNOWN_MODEL    (UINT64_C(1) << 63)
#define TOLL_KNOWN_MEASURED (UINT64_C(1) << 62)
#define TOLL_KNOWN(id)                                                \
	((int)(id) >= TOLL_KEY_COST_UNITS       ? UINT64_C(1) << 61   \
	 : (int)(id) >= TOLL_KEY_MODEL_FIRST    ? TOLL_KNOWN_MODEL    \
	 : (int)(id) >= TOLL_KEY_MEASURED_FIRST ? TOLL_KNOWN_MEASURED \
	                                        : UINT64_C(1) << ((id) % 61))

enum toll_attr_state {
	TOLL_ATTR_RECEIVED = 0, /* element lies in the wire bytes */
	TOLL_ATTR_CHANGED,      /* replaced in place: element lies in the arena */
	TOLL_ATTR_ADDED,        /* appended: element lies in the arena */
	TOLL_ATTR_DELETED,      /* no longer there; skip */
};

/* One attribute: its encoded KeyValue field, tag first, and where key and value are inside it. */
struct toll_attr {
	const char *element;
	uint32_t element_len;
	uint32_t key_at, key_len;
	uint32_t value_at, value_len; /* encoded AnyValue; proto/attr.h decodes it. 0, 0: absent */
	uint16_t key_id;              /* enum toll_key */
	uint8_t state;                /* enum toll_attr_state */
};

static inline struct toll_slice toll_attr_key(const struct toll_attr *a)
{
	return toll_slice(a->element + a->key_at, a->key_len);
}

static inline struct toll_slice toll_attr_value(const struct toll_attr *a)
{
	return toll_slice(a->element + a->value_at, a->value_len);
}

/* In order of `at`: `removed` bytes there are replaced by `len` bytes. */
struct toll_edit {
	struct toll_edit *next;
	const char *at;
	char *bytes;
	uint32_t removed, len;
};

/* A message that carries attributes and may be edited: a span, a scope or a resource. Change it
 * through proto/edit.h only, which keeps views, edits and delta in step. */
struct toll_node {
	struct toll_slice element; /* the whole field as received, tag first; length 0: absent */
	struct toll_slice raw;     /* the message inside, without tag and length */
	struct toll_attr *attrs;
	uint32_t attr_count, attr_room;
	struct toll_edit *edits;
	struct toll_edit *last_edit; /* put in last: where the next one probably belongs */
	int32_t delta;               /* change of the encoded size by all edits */
	uint8_t field_tag;           /* tag byte of this message in the one around it */
	uint8_t attr_tag;            /* tag byte of an attribute in this message */
	uint64_t known;              /* TOLL_KNOWN(key_id) is set when such a key may be here */
};

/* What cost is attributed to besides the service (semantics, "Attribution"). */
enum toll_dimension {
	TOLL_DIMENSION_COMMIT = 0,
	TOLL_DIMENSION_FEATURE,
	TOLL_DIMENSION_TENANT,
	TOLL_DIMENSION_SESSION,
	TOLL_DIMENSION_MODEL,
	TOLL_DIMENSION_ENVIRONMENT,
	TOLL_DIMENSION_COUNT
};

struct toll_resource {
	struct toll_node node;     /* the Resource message */
	struct toll_slice element; /* the whole ResourceSpans field, tag first */
	struct toll_slice body;    /* without tag and length */
	struct toll_slice service; /* service.name, or "unknown_service": who pays */
	/* Where the client may not bill that service: what it said. Then service is
	 * "unverified:<client>", and prices are those of claimed. Else empty. */
	struct toll_slice claimed;
	uint64_t received_ms; /* when its spans came in, where they came to others before; 0: with
	                         the batch. Wall clock */
	uint32_t other_len;   /* bytes of the body that are not scopes */
	uint32_t scope_first, scope_count;
	uint32_t span_first, span_count;
	/* What the resource says; empty where it does not. Filled by sealing. */
	struct toll_slice dimensions[TOLL_DIMENSION_COUNT];
};

struct toll_scope {
	struct toll_node node;           /* the InstrumentationScope message; may be absent */
	struct toll_slice element, body; /* the ScopeSpans field */
	uint32_t other_len;              /* bytes of the body that are not spans */
	uint32_t resource;
	uint32_t span_first, span_count;
};

enum toll_cost_state {
	TOLL_COST_UNPRICED = 0, /* see unpriced */
	TOLL_COST_FREE,         /* explicitly 0 */
	TOLL_COST_PRICED,
};

enum toll_unpriced {
#define TOLL_UNPRICED(id, label) TOLL_UNPRICED_##id,
#include "proto/unpriced.def"
	TOLL_UNPRICED_COUNT
};

const char *toll_unpriced_label(enum toll_unpriced why);

enum toll_drop {
	TOLL_DROP_NOT = 0,
	TOLL_DROP_BAD_ID,      /* trace or span id of the wrong length or all zeros */
	TOLL_DROP_UNDECODABLE, /* the Span message is malformed */
	TOLL_DROP_TOO_DEEP,    /* AnyValues nested deeper than the limit */
	TOLL_DROP_FILTERED,    /* a processor's decision: not an error */
	TOLL_DROP_REPEATED,    /* was taken before, in another request */
};

struct toll_span {
	struct toll_node node;
	struct toll_slice name, trace_state;
	const uint8_t *trace_id;       /* 16 bytes */
	const uint8_t *span_id;        /* 8 bytes */
	const uint8_t *parent_span_id; /* 8 bytes, or NULL at a root */
	uint64_t start_unix_nano, end_unix_nano;
	uint32_t flags;
	uint32_t resource, scope; /* indexes into the batch */
	uint8_t kind, status;     /* as in OTLP: SpanKind, StatusCode */
	uint8_t dropped;          /* enum toll_drop; 0: keep */

	/* Filled by processors; what follows is never on the wire as received. */
	uint8_t cost_state;          /* enum toll_cost_state */
	uint8_t unpriced;            /* enum toll_unpriced, while cost_state is UNPRICED */
	struct toll_slice operation; /* name or route with its variable parts folded */
	const void *price;       /* pricing -> cost: what was found (struct toll_price), or NULL */
	int64_t cost_pico;       /* integer picodollars: NaN cannot happen */
	uint64_t threshold;      /* of head sampling, 56 bits; 0: stands for itself (sampling.h) */
	uint64_t adjusted_count; /* spans this one stands for, as a whole number; 1 */
	struct toll_slice cost_error; /* the sentence of cost.error; "" when there is none */
	struct toll_slice region;     /* cost.pricing_region */
};

/* Runs when the batch is freed: how a batch keeps a price book alive. */
struct toll_pin {
	struct toll_pin *next;
	void (*release)(void *object);
	void *object;
};

/* Where a batch is written down: a journal's epoch (32 hex digits; "": nowhere) and its record. */
struct toll_origin {
	char epoch[33];
	uint64_t seq;
};

struct toll_batch {
	struct toll_arena arena;
	struct toll_slice wire; /* the request message */
	struct toll_resource *resources;
	struct toll_scope *scopes;
	struct toll_span *spans;
	uint32_t resource_count, scope_count, span_count;
	uint32_t kept_count;    /* spans that are not dropped; kept in step by toll_span_drop() */
	uint32_t dropped_count; /* rejected by the decoder: partial_success */
	uint64_t received_mono_ns;
	uint64_t received_wall_ms;
	struct toll_origin origin; /* set before the batch is offered to an exporter */
	uint64_t digest[2];        /* of the request's body as it came; 0, 0: not known */
	const char *peer;          /* "127.0.0.1:40312"; in the arena, may be NULL */
	const char *price_version; /* of the book that priced it; pinned, may be NULL */
	struct toll_pin *pins;
	struct toll_memory *memory; /* what was charged for this batch, given back at the end */
	size_t charged;
	struct toll_batch *parent; /* a clone keeps what it shares alive */
	bool sealed;
	atomic_uint refs;
};

/* An empty batch with room for wire_size bytes; *ret_wire is where the caller writes them before
 * toll_otlp_decode() (it may shorten b->wire first). memory (may be NULL) is charged with what the
 * batch really holds, here and as it grows: TOLL_EFULL when the budget refuses; TOLL_ENOMEM. */
int toll_batch_new(size_t wire_size, struct toll_memory *memory, char **ret_wire,
                   struct toll_batch **ret) TOLL_MUST_CHECK;

struct toll_batch *toll_batch_ref(struct toll_batch *b);   /* sealed batches only */
struct toll_batch *toll_batch_unref(struct toll_batch *b); /* always returns NULL */
void toll_batch_seal(struct toll_batch *b);

/* Views, edits and results copied, wire bytes shared: for a second pipeline. Before sealing. The
 * digest is the request's and so the clone's too; its origin is its own. */
int toll_batch_clone(struct toll_batch *b, struct toll_batch **ret) TOLL_MUST_CHECK;

/* Charges what the arena has come to hold since. TOLL_EFULL when the budget refuses. */
int toll_batch_account(struct toll_batch *b) TOLL_MUST_CHECK;

/* release(object) when the batch goes. TOLL_ENOMEM: release was not and will not be called. */
int toll_batch_pin(struct toll_batch *b, void (*release)(void *object),
                   void *object) TOLL_MUST_CHECK;

/* Wall clock of receipt: which bucket of a window its money belongs to. */
static inline uint64_t toll_resource_received_ms(const struct toll_batch *b, uint32_t resource)
{
	uint64_t ms = b->resources[resource].received_ms;

	return ms ? ms : b->received_wall_ms;
}

void toll_span_drop(struct toll_batch *b, struct toll_span *s, enum toll_drop why);

#endif
