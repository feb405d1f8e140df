/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cost_record.h"

#include "cost/money.h"
#include "proto/attr.h"
#include "proto/json_write.h"

/* Attribute keys of each dimension, best first (semantics, "Attribution"). */
static const uint16_t commit_keys[] = { TOLL_KEY_VCS_REVISION, TOLL_KEY_VCS_REVISION_OLD,
	                                TOLL_KEY_SERVICE_VERSION, 0 };
static const uint16_t feature_keys[] = { TOLL_KEY_FEATURE, TOLL_KEY_APP_FEATURE,
	                                 TOLL_KEY_X_FEATURE_CONTEXT, 0 };
static const uint16_t tenant_keys[] = { TOLL_KEY_TENANT_ID, TOLL_KEY_ENDUSER_ID, TOLL_KEY_USER_ID,
	                                0 };
static const uint16_t session_keys[] = { TOLL_KEY_SESSION_ID, TOLL_KEY_X_SESSION_ID, 0 };
static const uint16_t model_keys[] = { TOLL_KEY_GEN_AI_RESPONSE_MODEL,
	                               TOLL_KEY_GEN_AI_REQUEST_MODEL, 0 };
static const uint16_t environment_keys[] = { TOLL_KEY_DEPLOYMENT_ENVIRONMENT_NAME,
	                                     TOLL_KEY_DEPLOYMENT_ENVIRONMENT, 0 };

static struct toll_slice first_of(const struct toll_node *n, const uint16_t *keys)
{
	for (; *keys; keys++) {
		struct toll_slice text = toll_attr_text(toll_node_find(n, (enum toll_key) * keys));

		if (text.len)
			return text;
	}
	return (struct toll_slice){ 0 };
}

static struct toll_slice dimension(const struct toll_batch *b, const struct toll_span *s,
                                   const uint16_t *keys)
{
	struct toll_slice text = first_of(&s->node, keys);

	return text.len ? text : first_of(&b->resources[s->resource].node, keys);
}

void toll_span_dimensions(const struct toll_batch *b, const struct toll_span *s,
                          struct toll_span_dimensions *ret)
{
	ret->service = b->resources[s->resource].service;
	ret->commit = dimension(b, s, commit_keys);
	ret->feature = dimension(b, s, feature_keys);
	ret->tenant = dimension(b, s, tenant_keys);
	ret->session = dimension(b, s, session_keys);
	ret->model = dimension(b, s, model_keys);
	ret->environment = dimension(b, s, environment_keys);
}

uint64_t toll_span_timestamp_ms(const struct toll_batch *b, const struct toll_span *s)
{
	uint64_t ms = s->end_unix_nano / 1000000;

	return ms > UINT64_C(1000000000000) && ms < UINT64_C(10000000000000) ? ms
	                                                                     : b->received_wall_ms;
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
	out = toll_json_uint(out, b->received_wall_ms);
	out = toll_json_raw(out, TOLL_SLICE(",\"adjusted_count\":"));
	return toll_json_uint(out, s->adjusted_count);
}

char *toll_cost_record(const struct toll_batch *b, const struct toll_span *s, char *out)
{
	struct toll_span_dimensions d;

	toll_span_dimensions(b, s, &d);
	out = put_seed_fields(out, b, s);
	out = put_identity(out, b, s);
	out = put_text(out, TOLL_SLICE(",\"model\":"), d.model);
	out = put_text(out, TOLL_SLICE(",\"commit\":"), d.commit);
	out = put_text(out, TOLL_SLICE(",\"feature\":"), d.feature);
	out = put_text(out, TOLL_SLICE(",\"tenant\":"), d.tenant);
	out = put_text(out, TOLL_SLICE(",\"session\":"), d.session);
	out = put_text(out, TOLL_SLICE(",\"region\":"), s->region);
	out = put_text(out, TOLL_SLICE(",\"environment\":"), d.environment);
	if (b->price_version)
		out = put_text(out, TOLL_SLICE(",\"price_version\":"),
		               toll_slice_str(b->price_version));
	*out++ = '}';
	return out;
}
