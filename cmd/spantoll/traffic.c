/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/traffic.h"

#include <assert.h>
#include <stdlib.h>

#include "base/macro.h"
#include "cmd/spantoll/traffic_random.h"
#include "cmd/spantoll/traffic_span.h"
#include "proto/wire.h"

#define MAX_SPANS      64 /* of one trace, retries included */
#define VARIANTS       3  /* pods of one service; the last one is the canary */
#define RESOURCE_MAX   1024
#define ENVELOPE_MAX   (RESOURCE_MAX + 128)
#define STORM_RETRIES  4 /* at least, per call of the model */
#define STORM_WEIGHT   3 /* of the journey that has such calls */
#define TENANTS        6
#define PENDING_MIN    ((size_t)64 * 1024)
#define QUEUE_DELAY_US 120000
#define JOURNEYS_MAX   16

#define NAME_MAX_BYTES 40

enum shop_service {
#define TOLL_SHOP_SERVICE(id, ...) SERVICE_##id,
#include "cmd/spantoll/traffic_shop.def"
};

static const struct service_facts {
	const char *name, *language, *version, *commit, *canary_version, *canary_commit;
} services[] = {
#define TOLL_SHOP_SERVICE(id, name, language, version, commit, canary, canary_commit) \
	{ name, language, version, commit, canary, canary_commit },
#include "cmd/spantoll/traffic_shop.def"
};
_Static_assert(TOLL_COUNT(services) == TOLL_SHOP_SERVICES, "traffic.h says how many there are");

/* Journeys and steps in one row, as in the .def: an entry without a name begins a journey. */
static const struct entry {
	uint32_t weight;
	const char *feature;
	struct toll_shop_step step;
} entries[] = {
#define TOLL_SHOP_JOURNEY(weight, feature) { (weight), (feature), { 0 } },
#define TOLL_SHOP_STEP(caller, service, kind, look, name, a, b, from, to)                      \
	{ 0,                                                                                   \
	  NULL,                                                                                \
	  { (caller), SERVICE_##service, TOLL_SHOP_##kind, TOLL_LOOK_##look, (name), (a), (b), \
	    (from), (to) } },
#include "cmd/spantoll/traffic_shop.def"
};

static const struct price {
	uint8_t service;
	const char *operation, *per_ms;
} prices[] = {
#define TOLL_SHOP_PRICE(service, operation, per_ms) { SERVICE_##service, (operation), (per_ms) },
#include "cmd/spantoll/traffic_shop.def"
};

static const char *const tenants[TENANTS] = { "acme",    "bluebird", "contoso",
	                                      "dunmore", "evergrow", "fabrikam" };

struct journey {
	const struct entry *steps;
	uint32_t count, weight;
	const char *feature;
};

/* Encoded spans of one service that wait to be sent. */
struct pending {
	char name[NAME_MAX_BYTES];
	char *resource[VARIANTS]; /* encoded ResourceSpans.resource field */
	uint32_t resource_len[VARIANTS];
	char *bytes;
	size_t len, room;
	uint32_t *ends; /* of each span in bytes */
	uint32_t count, count_room;
	uint32_t requests; /* taken so far: chooses the pod */
	bool refused;
};

/* One span of the trace in the making. */
struct made {
	const struct toll_shop_step *step;
	int caller; /* index into made; -1: root */
	uint8_t span_id[8];
	uint64_t own_ns, total_ns, start_ns; /* start relative to the trace's */
	uint64_t delay_ns;                   /* after the caller's end: a queue */
	bool failed, throttled;
};

struct toll_traffic {
	uint64_t random;
	struct journey journeys[JOURNEYS_MAX];
	uint32_t journey_count;
	struct pending *pending;
	uint32_t service_count, shops, next;
	bool storm;
	char *request;
	size_t request_room;
	struct made made[MAX_SPANS];
	uint32_t made_count;
};

/* ---- setting up ---- */

static void index_journeys(struct toll_traffic *t)
{
	for (size_t i = 0; i < TOLL_COUNT(entries); i++) {
		if (entries[i].step.name) {
			t->journeys[t->journey_count - 1].count++;
			continue;
		}
		assert(t->journey_count < JOURNEYS_MAX);
		t->journeys[t->journey_count++] =
			(struct journey){ &entries[i + 1], 0, entries[i].weight,
			                  entries[i].feature };
	}
}

static char *put_resource_attr(char *out, const char *key, const char *value)
{
	return toll_write_kv_str(out, TOLL_TAG(1, TOLL_WIRE_BYTES), toll_slice_str(key),
	                         toll_slice_str(value));
}

static char *write_resource(char *out, const struct pending *p, const struct service_facts *f,
                            uint32_t variant)
{
	bool canary = variant == VARIANTS - 1;
	char pod[NAME_MAX_BYTES + 16], commit[48];

	snprintf(pod, sizeof(pod), "%s-7d9c5b-%c%c", p->name, 'k' + (int)variant, 'x');
	snprintf(commit, sizeof(commit), "%s0d4f2e6b8a1c3957f0e2d4b6", /* 32 of 40 digits */
	         canary ? f->canary_commit : f->commit);
	out = put_resource_attr(out, "service.name", p->name);
	out = put_resource_attr(out, "service.namespace", "shop");
	out = put_resource_attr(out, "service.version", canary ? f->canary_version : f->version);
	out = put_resource_attr(out, "service.instance.id", pod);
	out = put_resource_attr(out, "vcs.ref.head.revision", commit);
	out = put_resource_attr(out, "deployment.environment.name", "production");
	out = put_resource_attr(out, "cloud.provider", "aws");
	out = put_resource_attr(out, "cloud.region", "us-east-1");
	out = put_resource_attr(out, "k8s.pod.name", pod);
	out = put_resource_attr(out, "telemetry.sdk.language", f->language);
	return put_resource_attr(out, "telemetry.sdk.name", "opentelemetry");
}

static bool init_pending(struct pending *p, uint32_t index)
{
	const struct service_facts *f = &services[index % TOLL_SHOP_SERVICES];
	uint32_t shop = index / TOLL_SHOP_SERVICES + 1;
	char resource[RESOURCE_MAX];

	if (shop == 1)
		snprintf(p->name, sizeof(p->name), "%s", f->name);
	else
		snprintf(p->name, sizeof(p->name), "%s-%u", f->name, shop);
	for (uint32_t v = 0; v < VARIANTS; v++) {
		size_t len = (size_t)(write_resource(resource, p, f, v) - resource);

		assert(len <= sizeof(resource));
		p->resource[v] = malloc(len);
		if (!p->resource[v])
			return false;
		memcpy(p->resource[v], resource, len);
		p->resource_len[v] = (uint32_t)len;
	}
	return true;
}

struct toll_traffic *toll_traffic_new(const struct toll_traffic_settings *set)
{
	struct toll_traffic *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->random = set->seed;
	t->service_count = set->services ? set->services : TOLL_SHOP_SERVICES;
	if (t->service_count > TOLL_SHOP_SERVICES_LIMIT)
		t->service_count = TOLL_SHOP_SERVICES_LIMIT;
	t->shops = (t->service_count + TOLL_SHOP_SERVICES - 1) / TOLL_SHOP_SERVICES;
	index_journeys(t);
	t->pending = calloc(t->service_count, sizeof(*t->pending));
	if (!t->pending)
		return toll_traffic_free(t);
	for (uint32_t i = 0; i < t->service_count; i++)
		if (!init_pending(&t->pending[i], i))
			return toll_traffic_free(t);
	return t;
}

struct toll_traffic *toll_traffic_free(struct toll_traffic *t)
{
	if (!t)
		return NULL;
	for (uint32_t i = 0; t->pending && i < t->service_count; i++) {
		for (uint32_t v = 0; v < VARIANTS; v++)
			free(t->pending[i].resource[v]);
		free(t->pending[i].bytes);
		free(t->pending[i].ends);
	}
	free(t->pending);
	free(t->request);
	free(t);
	return NULL;
}

/* ---- one trace: who calls whom ---- */

static const struct journey *choose_journey(struct toll_traffic *t)
{
	uint32_t storm = t->storm ? STORM_WEIGHT : 1, total = 0, at;
	uint32_t weights[JOURNEYS_MAX] = { 0 };

	for (uint32_t i = 0; i < t->journey_count; i++) {
		const struct journey *j = &t->journeys[i];

		weights[i] = j->weight * (strcmp(j->feature, "assistant") == 0 ? storm : 1);
		total += weights[i];
	}
	at = toll_random_below(&t->random, total);
	for (uint32_t i = 0; i < t->journey_count; i++) {
		if (at < weights[i])
			return &t->journeys[i];
		at -= weights[i];
	}
	return &t->journeys[0];
}

static struct pending *pending_of(struct toll_traffic *t, uint8_t service, uint32_t shop)
{
	return &t->pending[(shop * TOLL_SHOP_SERVICES + service) % t->service_count];
}

static struct made *add_made(struct toll_traffic *t, const struct toll_shop_step *step, int caller)
{
	struct made *m = &t->made[t->made_count++];
	uint64_t id = toll_random_next(&t->random) | 1; /* never all zeros */

	*m = (struct made){ .step = step, .caller = caller };
	memcpy(m->span_id, &id, sizeof(id));
	m->own_ns = 1000 * toll_random_skewed(&t->random, step->own_us_from, step->own_us_to);
	if (step->kind == TOLL_SHOP_CONSUMER)
		m->delay_ns = 1000 * toll_random_skewed(&t->random, 2000, QUEUE_DELAY_US);
	return m;
}

/* The model is overloaded: calls that fail, before the one that is let through. */
static void add_retries(struct toll_traffic *t, const struct toll_shop_step *step, int caller)
{
	uint32_t n = STORM_RETRIES + toll_random_below(&t->random, STORM_RETRIES);

	for (; n && t->made_count < MAX_SPANS - 1; n--)
		add_made(t, step, caller)->failed = true;
}

/* The steps that take place, in order. place[]: where in made a step is, -1: it did not happen. */
static void make_spans(struct toll_traffic *t, const struct journey *j, uint32_t shop)
{
	int8_t place[MAX_SPANS] = { 0 };

	t->made_count = 0;
	for (uint32_t i = 0; i < j->count && t->made_count < MAX_SPANS; i++) {
		const struct toll_shop_step *step = &j->steps[i].step;
		int caller = step->caller < 0 ? -1 : place[step->caller];
		bool enters = step->kind == TOLL_SHOP_SERVER || step->kind == TOLL_SHOP_CONSUMER;

		place[i] = -1;
		if (step->caller >= 0 && caller < 0)
			continue;
		if (caller >= 0 && t->made[caller].throttled)
			continue;
		if (enters && caller >= 0 && pending_of(t, step->service, shop)->refused) {
			t->made[caller].throttled = step->kind == TOLL_SHOP_SERVER;
			continue;
		}
		if (t->storm && step->look == TOLL_LOOK_CHAT)
			add_retries(t, step, caller);
		place[i] = (int8_t)t->made_count;
		add_made(t, step, caller);
	}
}

/* Durations from the leaves up, starts from the root down. Returns how long the whole trace takes.
 */
static uint64_t lay_out(struct toll_traffic *t)
{
	uint64_t busy_until[MAX_SPANS], longest = 0;

	for (uint32_t i = t->made_count; i-- > 0;) {
		struct made *m = &t->made[i];

		m->total_ns += m->own_ns;
		if (m->caller >= 0 && m->step->kind != TOLL_SHOP_CONSUMER)
			t->made[m->caller].total_ns += m->total_ns;
	}
	for (uint32_t i = 0; i < t->made_count; i++) {
		struct made *m = &t->made[i];

		if (m->caller < 0) {
			m->start_ns = 0;
		} else if (m->step->kind == TOLL_SHOP_CONSUMER) {
			m->start_ns = t->made[m->caller].start_ns + t->made[m->caller].total_ns +
			              m->delay_ns;
		} else {
			m->start_ns = busy_until[m->caller];
			busy_until[m->caller] += m->total_ns;
		}
		busy_until[i] = m->start_ns + m->own_ns / 2;
		if (m->start_ns + m->total_ns > longest)
			longest = m->start_ns + m->total_ns;
	}
	return longest;
}

/* ---- one trace: its bytes ---- */

static bool make_room(struct pending *p)
{
	if (p->room - p->len < TOLL_SHOP_SPAN_MAX) {
		size_t room = p->room ? p->room * 2 : PENDING_MIN;
		char *grown = realloc(p->bytes, room);

		if (!grown)
			return false;
		p->bytes = grown;
		p->room = room;
	}
	if (p->count == p->count_room) {
		uint32_t room = p->count_room ? p->count_room * 2 : 256;
		uint32_t *grown = realloc(p->ends, room * sizeof(*grown));

		if (!grown)
			return false;
		p->ends = grown;
		p->count_room = room;
	}
	return true;
}

/* False when there was no memory for the span. */
static bool encode(struct toll_traffic *t, const struct made *m, struct pending *p,
                   struct toll_shop_span *common, uint64_t trace_start_ns)
{
	if (!make_room(p))
		return false;
	common->step = m->step;
	common->span_id = m->span_id;
	common->parent_id = m->caller < 0 ? NULL : t->made[m->caller].span_id;
	common->start_unix_nano = trace_start_ns + m->start_ns;
	common->end_unix_nano = common->start_unix_nano + m->total_ns;
	common->failed = m->failed;
	common->status = m->throttled ? 429 : 0;
	p->len = (size_t)(toll_shop_span_write(p->bytes + p->len, common) - p->bytes);
	p->ends[p->count++] = (uint32_t)p->len;
	return true;
}

uint32_t toll_traffic_trace(struct toll_traffic *t, uint64_t end_unix_nano)
{
	const struct journey *j = choose_journey(t);
	uint32_t shop = toll_random_below(&t->random, t->shops), encoded = 0;
	uint64_t id[2] = { toll_random_next(&t->random), toll_random_next(&t->random) | 1 };
	uint64_t start;
	char session[24];
	struct toll_shop_span common = { .trace_id = (const uint8_t *)id, .feature = j->feature };

	make_spans(t, j, shop);
	start = end_unix_nano - lay_out(t);
	common.number = (uint32_t)toll_random_next(&t->random);
	common.tenant = tenants[common.number % TENANTS];
	common.session = toll_slice(session, (size_t)snprintf(session, sizeof(session), "s-%05u",
	                                                      common.number % 50000));
	common.number %= 1000000;
	for (uint32_t i = 0; i < t->made_count; i++)
		encoded += encode(t, &t->made[i], pending_of(t, t->made[i].step->service, shop),
		                  &common, start);
	return encoded;
}

/* ---- requests ---- */

static size_t nested_size(size_t body)
{
	return 1 + toll_varint_size(body) + body;
}

static char *open_message(char *out, uint32_t field, size_t body)
{
	*out++ = (char)TOLL_TAG(field, TOLL_WIRE_BYTES);
	return toll_write_varint(out, body);
}

/* Request { resource_spans { resource, scope_spans { scope { name, version }, spans } } } */
static char *write_request(char *out, const struct pending *p, size_t span_bytes)
{
	static const struct toll_slice scope = TOLL_SLICE("\n\xd\n\x4shop\x12\x5"
	                                                  "1.4.0"); /* field 1: name, version */
	uint32_t variant = p->requests % VARIANTS;
	struct toll_slice resource = toll_slice(p->resource[variant], p->resource_len[variant]);
	size_t scope_spans = scope.len + span_bytes;
	size_t resource_spans = nested_size(resource.len) + nested_size(scope_spans);

	out = open_message(out, 1, resource_spans);
	out = toll_write_bytes(out, TOLL_TAG(1, TOLL_WIRE_BYTES), resource);
	out = open_message(out, 2, scope_spans);
	out = toll_write_raw(out, scope);
	return toll_write_raw(out, toll_slice(p->bytes, span_bytes));
}

static void forget_first(struct pending *p, uint32_t spans)
{
	uint32_t bytes = p->ends[spans - 1];

	p->count -= spans;
	p->len -= bytes;
	memmove(p->bytes, p->bytes + bytes, p->len);
	for (uint32_t i = 0; i < p->count; i++)
		p->ends[i] = p->ends[i + spans] - bytes;
}

static bool take_from(struct toll_traffic *t, struct pending *p, uint32_t max_spans,
                      struct toll_traffic_request *ret)
{
	uint32_t spans = p->count < max_spans ? p->count : max_spans;
	size_t bytes = p->ends[spans - 1];

	if (t->request_room < bytes + ENVELOPE_MAX) {
		char *grown = realloc(t->request, bytes + ENVELOPE_MAX);

		if (!grown)
			return false;
		t->request = grown;
		t->request_room = bytes + ENVELOPE_MAX;
	}
	ret->body =
		toll_slice(t->request, (size_t)(write_request(t->request, p, bytes) - t->request));
	ret->service = p->name;
	ret->spans = spans;
	forget_first(p, spans);
	p->requests++;
	return true;
}

bool toll_traffic_take(struct toll_traffic *t, uint32_t min_spans, uint32_t max_spans,
                       struct toll_traffic_request *ret)
{
	if (min_spans == 0)
		min_spans = 1;
	for (uint32_t i = 0; i < t->service_count; i++) {
		struct pending *p = &t->pending[t->next];

		t->next = (t->next + 1) % t->service_count;
		if (p->count >= min_spans)
			return take_from(t, p, max_spans ? max_spans : 1, ret);
	}
	return false;
}

/* ---- weather ---- */

void toll_traffic_set_storm(struct toll_traffic *t, bool storm)
{
	t->storm = storm;
}

void toll_traffic_refuse(struct toll_traffic *t, struct toll_slice service, bool refused)
{
	for (uint32_t i = 0; i < t->service_count; i++)
		if (toll_slice_is(service, t->pending[i].name))
			t->pending[i].refused = refused;
}

void toll_traffic_print_prices(FILE *out)
{
	fputs("{\n", out);
	for (size_t i = 0; i < TOLL_COUNT(prices); i++) {
		const char *service = services[prices[i].service].name;

		fprintf(out,
		        "  \"%s:%s\": {\"service\": \"%s\", \"operation\": \"%s\", "
		        "\"cost_per_ms\": %s}%s\n",
		        service, prices[i].operation, service, prices[i].operation,
		        prices[i].per_ms, i + 1 < TOLL_COUNT(prices) ? "," : "");
	}
	fputs("}\n", out);
}
