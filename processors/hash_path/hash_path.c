/* SPDX-License-Identifier: Apache-2.0 */
/* hash_path - folds the variable segments of path attributes, to bound the number of operations. */
#include <stdlib.h>

#include "pipeline/factory.h"
#include "proto/attr.h"
#include "proto/edit.h"
#include "proto/operation.h"
#include "proto/path.h"

enum { ATTRIBUTES_MAX = 16 };

struct hash_path_config {
	struct toll_slice_list attributes, keep, replace;
	struct toll_slice placeholder;
	bool rewrite;
};

struct hash_path {
	struct toll_processor super;
	const struct hash_path_config *config;
	struct toll_path_rules *rules;
	enum toll_key keys[ATTRIBUTES_MAX]; /* of config->attributes; OTHER: found by its name */
};

static struct hash_path *hash_path_of(struct toll_component *c)
{
	return toll_container_of(c, struct hash_path, super.super);
}

/* An attribute that is no string, or that there is no memory for, stays as it is. */
static void fold_attribute(struct hash_path *h, struct toll_batch *b, struct toll_node *n,
                           struct toll_attr *a)
{
	struct toll_value value = toll_value_decode(toll_attr_value(a));
	struct toll_slice folded;

	if (value.type != TOLL_VALUE_STRING ||
	    toll_path_fold(&b->arena, value.bytes, h->rules, &folded) < 0 ||
	    toll_slice_eq(folded, value.bytes))
		return;
	if (toll_attr_set_str(b, n, a, folded) < 0)
		return;
}

static void fold_span(struct hash_path *h, struct toll_batch *b, struct toll_node *n)
{
	const struct toll_slice_list *list = &h->config->attributes;

	for (size_t i = 0; i < list->count; i++) {
		const struct toll_attr *a = h->keys[i] == TOLL_KEY_OTHER
		                                    ? toll_node_find_name(n, list->at[i])
		                                    : toll_node_find(n, h->keys[i]);

		if (a)
			fold_attribute(h, b, n, &n->attrs[a - n->attrs]);
	}
}

static int process(struct toll_processor *p, struct toll_batch *b)
{
	struct hash_path *h = toll_container_of(p, struct hash_path, super);

	for (uint32_t i = 0; h->config->rewrite && i < b->span_count; i++)
		if (!b->spans[i].dropped)
			fold_span(h, b, &b->spans[i].node);
	/* Here, because these rules decide what an operation is, also where nothing is rewritten;
	 * afterwards, because what is folded already costs a look and no copy. */
	toll_batch_derive_operations(b, h->rules);
	return 0;
}

static void hash_path_free(struct toll_component *c)
{
	struct hash_path *h = hash_path_of(c);

	h->rules = toll_path_rules_free(h->rules);
	free(h);
}

static const struct toll_component_ops ops = { .free = hash_path_free };

static struct toll_path_settings settings_of(const struct hash_path_config *c)
{
	return (struct toll_path_settings){ .placeholder = c->placeholder,
		                            .keep = c->keep.at,
		                            .replace = c->replace.at,
		                            .keep_count = c->keep.count,
		                            .replace_count = c->replace.count };
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct hash_path *h = calloc(1, sizeof(*h));
	struct toll_path_settings rules;
	int err;

	if (!h)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&h->super.super, &ops, set);
	h->super.process = process;
	h->config = config;
	rules = settings_of(h->config);
	err = toll_path_rules_new(&rules, &h->rules, reterr);
	if (err) {
		free(h);
		return err;
	}
	for (size_t i = 0; i < h->config->attributes.count; i++)
		h->keys[i] = toll_key_of(h->config->attributes.at[i]);
	*ret = &h->super.super;
	return 0;
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct hash_path_config *c = config;
	struct toll_path_settings set = settings_of(c);
	struct toll_path_rules *rules = NULL;
	struct toll_error error;

	if (c->attributes.count > ATTRIBUTES_MAX)
		toll_report_error(r, "attributes", "at most %d attributes", ATTRIBUTES_MAX);
	if (toll_path_rules_new(&set, &rules, &error) < 0)
		toll_report_error(r, "", "%s", error.text);
	toll_path_rules_free(rules);
}

/* clang-format off */
static const struct toll_field fields[] = {
	TOLL_FIELD(struct hash_path_config, attributes, LIST, "[url.path, http.target, url.full]",
	           "Span attributes whose paths are folded."),
	TOLL_FIELD(struct hash_path_config, placeholder, STRING, "*", "What stands for a folded segment."),
	TOLL_FIELD(struct hash_path_config, keep, LIST, NULL,
	           "Regular expressions (POSIX extended) of segments that are never folded."),
	TOLL_FIELD(struct hash_path_config, replace, LIST, NULL,
	           "Regular expressions (POSIX extended) of segments that are always folded."),
	TOLL_FIELD(struct hash_path_config, rewrite, BOOL, "true",
	           "Change the attributes; when false, only the operation is derived."),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_processor_hash_path = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "hash_path",
	.help = "Folds the variable segments of paths: /users/123 becomes /users/*.",
	.config_size = sizeof(struct hash_path_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
