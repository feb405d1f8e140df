/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/factory.h"

static bool is_connector(const struct toll_config_component *c)
{
	return c->type->section == TOLL_SECTION_CONNECTORS;
}

/* NULL: out of memory. */
static char *name_of(const struct toll_config_component *receiver)
{
	const struct toll_factory *f = receiver->type->owner;
	struct toll_topic t;
	char *name;

	if (!f || !f->priced || !f->topic || !f->priced(receiver->settings))
		return strdup(TOLL_SOURCE_INLINE);
	f->topic(receiver->settings, &t);
	if (asprintf(&name, "%s:%.*s:%.*s", f->type, TOLL_FMT(t.group), TOLL_FMT(t.name)) < 0)
		return NULL;
	return name;
}

/* Every pipeline that leads to the exporter, through connectors too. */
static void mark(const struct toll_config *config, const struct toll_config_component *end,
                 bool *marks)
{
	for (size_t i = 0; i < config->pipeline_count; i++) {
		const struct toll_config_pipeline *p = &config->pipelines[i];

		if (marks[i] || !toll_config_ends_with(p, end))
			continue;
		marks[i] = true;
		for (size_t r = 0; r < p->receiver_count; r++)
			if (is_connector(p->receivers[r]))
				mark(config, p->receivers[r], marks);
	}
}

/* A topic's name stays, whatever else comes in. */
static int add(char **found, const struct toll_config_component *receiver, bool *ret_others)
{
	char *name = name_of(receiver);

	if (!name)
		return TOLL_ENOMEM;
	if (*found && strcmp(*found, name) != 0) {
		*ret_others = true;
		if (strcmp(*found, TOLL_SOURCE_INLINE) != 0) {
			free(name);
			return 0;
		}
	}
	free(*found);
	*found = name;
	return 0;
}

static int add_pipeline(char **found, const struct toll_config_pipeline *p, bool *ret_others)
{
	int err = 0;

	for (size_t i = 0; i < p->receiver_count && !err; i++)
		if (!is_connector(p->receivers[i]))
			err = add(found, p->receivers[i], ret_others);
	return err;
}

int toll_source_find(const struct toll_config *config, const struct toll_config_component *exporter,
                     char **ret, bool *ret_others)
{
	bool *marks = calloc(config->pipeline_count + 1, sizeof(*marks));
	bool others = false;
	char *found = NULL;
	int err = marks ? 0 : TOLL_ENOMEM;

	if (!err)
		mark(config, exporter, marks);
	for (size_t i = 0; i < config->pipeline_count && !err; i++)
		if (marks[i])
			err = add_pipeline(&found, &config->pipelines[i], &others);
	free(marks);
	if (!err && !found)
		found = strdup(TOLL_SOURCE_INLINE);
	if (err || !found) {
		free(found);
		return TOLL_ENOMEM;
	}
	if (ret_others)
		*ret_others = others;
	*ret = found;
	return 0;
}
