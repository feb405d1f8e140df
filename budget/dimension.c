/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/dimension.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "config/suggest.h"
#include "proto/attr.h"

/* In the order of keys; what follows `model` is ordered by name. */
static const struct {
	const char *name;
	enum toll_dimension_source source;
	enum toll_dimension record;
	bool by_span, unattributed;
	const char *keys[3];
} built_in[] = {
	{ "organisation",
	  TOLL_FROM_ATTRIBUTES,
	  0,
	  true,
	  false,
	  { "organization.id", "organisation", "organization" } },
	{ "namespace",
	  TOLL_FROM_ATTRIBUTES,
	  0,
	  false,
	  false,
	  { "k8s.namespace.name", "service.namespace" } },
	{ "tenant", TOLL_FROM_RECORD, TOLL_DIMENSION_TENANT, true, true, { NULL } },
	{ "service", TOLL_FROM_SERVICE, 0, false, false, { NULL } },
	{ "feature", TOLL_FROM_RECORD, TOLL_DIMENSION_FEATURE, true, true, { NULL } },
	{ "model", TOLL_FROM_RECORD, TOLL_DIMENSION_MODEL, true, false, { NULL } },
	{ "commit", TOLL_FROM_RECORD, TOLL_DIMENSION_COMMIT, true, false, { NULL } },
	{ "environment", TOLL_FROM_RECORD, TOLL_DIMENSION_ENVIRONMENT, true, false, { NULL } },
	{ "operation", TOLL_FROM_OPERATION, 0, true, false, { NULL } },
	{ "region", TOLL_FROM_REGION, 0, true, false, { "cloud.region" } },
	{ "session", TOLL_FROM_RECORD, TOLL_DIMENSION_SESSION, true, false, { NULL } },
};
#define ORDERED 6u

static void add_key(struct toll_budget_dimension *d, struct toll_slice name)
{
	enum toll_key id = toll_key_of(name);

	d->keys[d->key_count++] =
		(struct toll_dimension_key){ name, (uint16_t)id, (uint16_t)toll_key_twin(id) };
}

static void add_keys(struct toll_budget_dimension *d, const struct toll_slice_list *names)
{
	for (size_t i = 0; i < names->count && i < TOLL_DIMENSION_KEYS_MAX; i++)
		add_key(d, names->at[i]);
}

static bool is_plain_key(const struct toll_slice_list *key)
{
	return key->count == 0 || (key->count == 1 && toll_slice_is(key->at[0], "service.name"));
}

static bool find_built_in(const struct toll_budget_settings *set, struct toll_slice name,
                          struct toll_budget_dimension *d)
{
	for (size_t i = 0; i < TOLL_COUNT(built_in); i++) {
		if (!toll_slice_is(name, built_in[i].name))
			continue;
		*d = (struct toll_budget_dimension){ .name = toll_slice_str(built_in[i].name),
			                             .source = built_in[i].source,
			                             .record = built_in[i].record,
			                             .by_span = built_in[i].by_span,
			                             .unattributed = built_in[i].unattributed };
		for (size_t k = 0; k < TOLL_COUNT(built_in[i].keys) && built_in[i].keys[k]; k++)
			add_key(d, toll_slice_str(built_in[i].keys[k]));
		if (d->source == TOLL_FROM_SERVICE && !is_plain_key(&set->key))
			add_keys(d, &set->key);
		return true;
	}
	return false;
}

static bool find_configured(const struct toll_budget_settings *set, struct toll_slice name,
                            struct toll_budget_dimension *d)
{
	const struct toll_dimension_config *at = set->dimensions.at;
	bool unattributed = find_built_in(set, name, d) && d->unattributed;

	for (size_t i = 0; i < set->dimensions.count; i++)
		if (toll_slice_eq(at[i].name, name)) {
			*d = (struct toll_budget_dimension){ .name = at[i].name,
				                             .source = TOLL_FROM_ATTRIBUTES,
				                             .by_span = true,
				                             .unattributed = unattributed };
			add_keys(d, &at[i].attributes);
			return true;
		}
	return false;
}

static int fail_unknown(const struct toll_budget_settings *set, struct toll_slice name,
                        struct toll_error *reterr)
{
	const struct toll_dimension_config *at = set->dimensions.at;
	struct toll_suggest s;

	toll_suggest_init(&s, name);
	for (size_t i = 0; i < TOLL_COUNT(built_in); i++)
		toll_suggest_offer(&s, built_in[i].name);
	for (size_t i = 0; i < set->dimensions.count; i++)
		toll_suggest_offer(&s, at[i].name.ptr);
	if (s.best)
		return toll_fail(reterr, TOLL_ECONFIG, "unknown dimension, did you mean \"%s\"?",
		                 s.best);
	return toll_fail(reterr, TOLL_ECONFIG,
	                 "unknown dimension: neither built in nor listed under dimensions");
}

int toll_dimension_find(const struct toll_budget_settings *set, struct toll_slice name,
                        struct toll_budget_dimension *ret, struct toll_error *reterr)
{
	if (find_configured(set, name, ret) || find_built_in(set, name, ret))
		return 0;
	return fail_unknown(set, name, reterr);
}

static bool is_name(struct toll_slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-' || c == '.'))
			return false;
	}
	return name.len > 0 && name.len <= TOLL_DIMENSION_NAME_MAX;
}

static int check_dimension(const struct toll_budget_settings *set, size_t i,
                           struct toll_error *reterr)
{
	const struct toll_dimension_config *at = set->dimensions.at;

	if (!is_name(at[i].name))
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "a name is 1 to %d letters, digits, '_', '-' or '.'",
		                 TOLL_DIMENSION_NAME_MAX);
	if (toll_slice_is(at[i].name, "service"))
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "what names the service is the enforcer's setting \"key\"");
	for (size_t k = 0; k < i; k++)
		if (toll_slice_eq(at[k].name, at[i].name))
			return toll_fail(reterr, TOLL_ECONFIG, "\"%.*s\" is there twice",
			                 TOLL_FMT(at[i].name));
	if (at[i].attributes.count == 0 || at[i].attributes.count > TOLL_DIMENSION_KEYS_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "takes its values from 1 to %d attributes",
		                 TOLL_DIMENSION_KEYS_MAX);
	return 0;
}

int toll_dimensions_check(const struct toll_budget_settings *set, char at[64],
                          struct toll_error *reterr)
{
	snprintf(at, 64, "key");
	if (set->key.count > TOLL_DIMENSION_KEYS_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "is made of at most %d attributes",
		                 TOLL_DIMENSION_KEYS_MAX);
	for (size_t i = 0; i < set->dimensions.count; i++) {
		snprintf(at, 64, "dimensions::%zu", i);
		if (check_dimension(set, i, reterr) < 0)
			return TOLL_ECONFIG;
	}
	return 0;
}

static unsigned rank(struct toll_slice name)
{
	for (unsigned i = 0; i < ORDERED; i++)
		if (toll_slice_is(name, built_in[i].name))
			return i;
	return ORDERED;
}

int toll_dimension_order(struct toll_slice a, struct toll_slice b)
{
	unsigned first = rank(a), second = rank(b);
	size_t len = a.len < b.len ? a.len : b.len;
	int order;

	if (first != second)
		return first < second ? -1 : 1;
	order = memcmp(a.ptr, b.ptr, len);
	return order ? order : (a.len > b.len) - (a.len < b.len);
}
