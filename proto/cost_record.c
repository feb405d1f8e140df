/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cost_record.h"

#include "cost/money.h"
#include "proto/attr.h"
#include "proto/json_write.h"
#include "proto/sampling.h"

enum { KEYS_MAX = 4 };

#define BIT(id) TOLL_KNOWN(TOLL_KEY_##id)

/* Attribute keys of each dimension, best first, and which bits of toll_node.known they set. */
static const struct {
	uint64_t bits;
	uint16_t keys[KEYS_MAX];
} sources[TOLL_DIMENSION_COUNT] = {
	[TOLL_DIMENSION_COMMIT] = { BIT(VCS_REVISION) | BIT(VCS_REVISION_OLD) |
	                                    BIT(SERVICE_VERSION),
	                            { TOLL_KEY_VCS_REVISION, TOLL_KEY_VCS_REVISION_OLD,
	                              TOLL_KEY_SERVICE_VERSION } },
	[TOLL_DIMENSION_FEATURE] = { BIT(FEATURE) | BIT(APP_FEATURE) | BIT(X_FEATURE_CONTEXT) |
	                                     BIT(X_FEATURE_CONTEXT_PYTHON),
	                             { TOLL_KEY_FEATURE, TOLL_KEY_APP_FEATURE,
	                               TOLL_KEY_X_FEATURE_CONTEXT,
	                               TOLL_KEY_X_FEATURE_CONTEXT_PYTHON } },
	[TOLL_DIMENSION_TENANT] = { BIT(TENANT_ID) | BIT(ENDUSER_ID) | BIT(USER_ID),
	                            { TOLL_KEY_TENANT_ID, TOLL_KEY_ENDUSER_ID, TOLL_KEY_USER_ID } },
	[TOLL_DIMENSION_SESSION] = { BIT(SESSION_ID) | BIT(X_SESSION_ID) | BIT(X_SESSION_ID_PYTHON),
	                             { TOLL_KEY_SESSION_ID, TOLL_KEY_X_SESSION_ID,
	                               TOLL_KEY_X_SESSION_ID_PYTHON } },
	[TOLL_DIMENSION_MODEL] = { BIT(GEN_AI_RESPONSE_MODEL) | BIT(GEN_AI_REQUEST_MODEL),
	                           { TOLL_KEY_GEN_AI_RESPONSE_MODEL,
	                             TOLL_KEY_GEN_AI_REQUEST_MODEL } },
	[TOLL_DIMENSION_ENVIRONMENT] = { BIT(DEPLOYMENT_ENVIRONMENT_NAME) |
	                                         BIT(DEPLOYMENT_ENVIRONMENT),
	                                 { TOLL_KEY_DEPLOYMENT_ENVIRONMENT_NAME,
	                                   TOLL_KEY_DEPLOYMENT_ENVIRONMENT } },
};

static struct toll_slice dimension_of(const struct toll_node *n, enum toll_dimension d)
{
	if (!(n->known & sources[d].bits))
		return (struct toll_slice){ 0 };
	for (size_t i = 0; i < KEYS_MAX && sources[d].keys[i]; i++) {
		struct toll_slice text = toll_attr_text(toll_node_find(n, sources[d].keys[i]));

		if (text.len)
			return text;
	}
	return (struct toll_slice){ 0 };
}

void toll_batch_resolve_dimensions(struct toll_batch *b)
{
	for (uint32_t i = 0; i < b->resource_count; i++)
		for (int d = 0; d < TOLL_DIMENSION_COUNT; d++)
			b->resources[i].dimensions[d] =
				dimension_of(&b->resources[i].node, (enum toll_dimension)d);
}

struct toll_slice toll_span_dimension(const struct toll_batch *b, const struct toll_span *s,
                                      enum toll_dimension d)
{
	struct toll_slice own = dimension_of(&s->node, d);

	return own.len ? own : b->resources[s->resource].dimensions[d];
}

uint64_t toll_span_timestamp_ms(const struct toll_batch *b, const struct toll_span *s)
{
	uint64_t ms = s->end_unix_nano / 1000000;

	return ms > UINT64_C(1000000000000) && ms < UINT64_C(10000000000000)
	               ? ms
	               : toll_resource_received_ms(b, s->resource);
}

/* Names, digits and punctuation of all fields together stay below this. */
enum { FIXED_PART = 768 };

size_t toll_cost_record_bound(const struct toll_batch *b, const struct toll_span *s)
{
	const struct toll_resource *res = &b->resources[s->resource];
	size_t texts = res->service.len + s->operation.len + s->name.len + s->cost_error.len +
	               s->region.len + (b->price_version ? strlen(b->price_version) : 0);

	/* Dimensions are attributes: no longer than the messages that hold them, edits included. */
	texts += s->node.raw.len + res->node.raw.len;
	if (s->node.delta > 0)
		texts += (size_t)s->node.delta;
	if (res->node.delta > 0)
		texts += (size_t)res->node.delta;
	return FIXED_PART + 6 * texts;
}

/* name: with comma, quotes and colon. */
static char *put_text(char *out, struct toll_slice name, struct toll_slice text)
{
	return text.len ? toll_json_string(toll_json_raw(out, name), text) : out;
}

static char *put_amount(char *out, const struct toll_span *s)
{
	char text[TOLL_MONEY_TEXT];
	int64_t pico = s->cost_state == TOLL_COST_PRICED ? s->cost_pico : 0;

	return toll_json_raw(out, toll_slice(text, (size_t)toll_money_print(pico, text)));
}

/* The five fields that the seed's consumers validate. */
static char *put_seed_fields(char *out, const struct toll_batch *b, const struct toll_span *s)
{
	out = toll_json_raw(out, TOLL_SLICE("{\"trace_id\":"));
	out = toll_json_hex(out, s->trace_id, 16);
	out = toll_json_raw(out, TOLL_SLICE(",\"service\":"));
	out = toll_json_string(out, b->resources[s->resource].service);
	out = toll_json_raw(out, TOLL_SLICE(",\"operation\":"));
	out = toll_json_string(out, s->operation.len ? s->operation : s->name);
	out = toll_json_raw(out, TOLL_SLICE(",\"cost_amount\":"));
	out = put_amount(out, s);
	out = toll_json_raw(out, TOLL_SLICE(",\"timestamp\":"));
	return toll_json_uint(out, toll_span_timestamp_ms(b, s));
}

/* A number with a fraction where the share that was sampled is not one in so many. */
static char *put_adjusted(char *out, const struct toll_span *s)
{
	char text[TOLL_ADJUSTED_TEXT];

	return toll_json_raw(out, toll_slice(text, (size_t)toll_span_print_adjusted(s, text)));
}

/* The count is rounded; readers that add up need what it was made of. */
static char *put_threshold(char *out, const struct toll_span *s)
{
	char text[TOLL_THRESHOLD_TEXT];

	if (!s->threshold)
		return out;
	return put_text(out, TOLL_SLICE(",\"sampling_threshold\":"),
	                toll_slice(text, (size_t)toll_threshold_print(s->threshold, text)));
}

static char *put_identity(char *out, const struct toll_batch *b, const struct toll_span *s)
{
	if (s->cost_state == TOLL_COST_UNPRICED)
		out = put_text(out, TOLL_SLICE(",\"cost_error\":"),
		               s->cost_error.len ? s->cost_error : TOLL_SLICE("no cost processor"));
	out = toll_json_raw(out, TOLL_SLICE(",\"span_id\":"));
	out = toll_json_hex(out, s->span_id, 8);
	if (s->parent_span_id) {
		out = toll_json_raw(out, TOLL_SLICE(",\"parent_span_id\":"));
		out = toll_json_hex(out, s->parent_span_id, 8);
	}
	out = toll_json_raw(out, TOLL_SLICE(",\"received_ms\":"));
	out = toll_json_uint(out, toll_resource_received_ms(b, s->resource));
	out = toll_json_raw(out, TOLL_SLICE(",\"adjusted_count\":"));
	return put_threshold(put_adjusted(out, s), s);
}

static char *put_dimension(char *out, const struct toll_batch *b, const struct toll_span *s,
                           struct toll_slice name, enum toll_dimension d)
{
	return put_text(out, name, toll_span_dimension(b, s, d));
}

char *toll_cost_record(const struct toll_batch *b, const struct toll_span *s, char *out)
{
	out = put_seed_fields(out, b, s);
	out = put_identity(out, b, s);
	out = put_dimension(out, b, s, TOLL_SLICE(",\"model\":"), TOLL_DIMENSION_MODEL);
	out = put_dimension(out, b, s, TOLL_SLICE(",\"commit\":"), TOLL_DIMENSION_COMMIT);
	out = put_dimension(out, b, s, TOLL_SLICE(",\"feature\":"), TOLL_DIMENSION_FEATURE);
	out = put_dimension(out, b, s, TOLL_SLICE(",\"tenant\":"), TOLL_DIMENSION_TENANT);
	out = put_dimension(out, b, s, TOLL_SLICE(",\"session\":"), TOLL_DIMENSION_SESSION);
	out = put_text(out, TOLL_SLICE(",\"region\":"), s->region);
	out = put_dimension(out, b, s, TOLL_SLICE(",\"environment\":"), TOLL_DIMENSION_ENVIRONMENT);
	if (b->price_version)
		out = put_text(out, TOLL_SLICE(",\"price_version\":"),
		               toll_slice_str(b->price_version));
	*out++ = '}';
	return out;
}
