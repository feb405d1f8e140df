/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/storage_rules.h"

#include <stdio.h>
#include <string.h>

#include "cmd/spantoll/connector_rules.h"
#include "cmd/spantoll/field_walk.h"
#include "pipeline/consumer.h"
#include "pipeline/factory.h"
#include "pipeline/runner.h"
#include "pipeline/spool.h"

#define STORAGE "sending_queue::storage"

struct walk {
	const struct toll_config *config;
	struct toll_findings *findings;
};

/* The storage that an exporter names; NULL: none, or no exporter. */
static const char *storage_of(const struct toll_config_component *c)
{
	const struct toll_factory *factory = c->type->owner;

	if (!factory || factory->kind != TOLL_EXPORTER)
		return NULL;
	return toll_exporter_storage(
		(const void *)((const char *)c->settings + factory->exporter_settings));
}

static const struct toll_config_component *first_with_storage(const struct toll_config_pipeline *p)
{
	for (size_t i = 0; i < p->exporter_count; i++)
		if (storage_of(p->exporters[i]))
			return p->exporters[i];
	return NULL;
}

bool toll_pipeline_has_journal(const struct toll_config_pipeline *p)
{
	return first_with_storage(p) != NULL;
}

struct segment {
	const char *storage;
	uint64_t bytes;
};

static void find_segment(void *ctx, const struct toll_field_seen *seen)
{
	struct segment *s = ctx;

	if (seen->component->type->section == TOLL_SECTION_EXTENSIONS &&
	    strcmp(seen->component->id, s->storage) == 0 && strcmp(seen->path, "segment_size") == 0)
		s->bytes = *(const uint64_t *)seen->value;
}

/* 0: no such storage, or no such setting. */
static uint64_t segment_of(const struct toll_config *config, const char *storage)
{
	struct segment s = { storage, 0 };

	toll_field_walk(config, find_segment, &s);
	return s.bytes;
}

/* ---- one journal per pipeline ---- */

static void check_pipeline(const struct toll_config_pipeline *p, struct toll_findings *findings)
{
	const struct toll_config_component *first = first_with_storage(p);
	const char *storage = first ? storage_of(first) : NULL;
	char path[256];

	for (size_t i = 0; storage && i < p->exporter_count; i++) {
		const struct toll_config_component *c = p->exporters[i];
		const char *other = storage_of(c);

		if (!other || strcmp(other, storage) == 0)
			continue;
		snprintf(path, sizeof(path), "exporters::%s::" STORAGE, c->id);
		toll_findings_add(findings, TOLL_FINDING_ERROR, toll_config_place(c, STORAGE), path,
		                  "pipeline %s has one journal, and \"%s\" keeps it in \"%s\": "
		                  "name that one",
		                  p->id, first->id, storage);
	}
}

/* ---- receivers that promise one ---- */

static void check_journaled(const struct walk *w, const struct toll_field_seen *seen)
{
	struct toll_ways ways = toll_ways_find(w->config, seen->component);
	const struct toll_config_pipeline *without = NULL;
	size_t with = 0;

	for (size_t i = 0; i < ways.count; i++) {
		const struct toll_config_pipeline *p = &w->config->pipelines[ways.pipelines[i]];

		if (first_with_storage(p))
			with++;
		else if (!toll_pipeline_only_connects(p)) /* nothing waits there */
			without = p;
	}
	if (!with)
		toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
		                   "journaled needs a journal: let an exporter behind this "
		                   "receiver name a file_storage in " STORAGE
		                   ", or say received or exported");
	else if (without)
		toll_field_finding(w->findings, TOLL_FINDING_WARNING, seen, "",
		                   "pipeline %s has no journal: its spans are in memory only when "
		                   "the client hears OK; let one of its exporters name a "
		                   "file_storage in " STORAGE,
		                   without->id);
}

static void check_acknowledge(void *ctx, const struct toll_field_seen *seen)
{
	const struct walk *w = ctx;

	if (seen->component->type->section == TOLL_SECTION_RECEIVERS &&
	    seen->field->type == TOLL_FIELD_ENUM && strcmp(seen->path, "acknowledge") == 0 &&
	    *(const int *)seen->value == TOLL_ACK_JOURNALED)
		check_journaled(w, seen);
}

/* ---- receivers that read again ---- */

/* What is read from a topic is in the topic until its offset is committed: killed before that, the
 * journal has it and it is read again. */
static void check_read_again(const struct toll_config *config,
                             const struct toll_config_component *receiver,
                             struct toll_findings *findings)
{
	struct toll_ways ways = toll_ways_find(config, receiver);
	const struct toll_factory *factory = receiver->type->owner;
	const struct toll_config_component *e;
	char path[256];

	for (size_t i = 0; factory && factory->topic && i < ways.count; i++) {
		e = first_with_storage(&config->pipelines[ways.pipelines[i]]);
		if (!e)
			continue;
		snprintf(path, sizeof(path), "exporters::%s::" STORAGE, e->id);
		toll_findings_add(
			findings, TOLL_FINDING_WARNING, toll_config_place(e, STORAGE), path,
			"receiver \"%s\" reads again what it had not committed when it was "
			"killed, and the journal has it as well: it then counts twice; leave "
			"storage away, the topic keeps the spans",
			receiver->id);
		return;
	}
}

/* ---- requests that fit into a file of the journal ---- */

#define HEAD_BYTES 8192 /* of a segment that no request can have */

/* The smallest segment of the storages behind the receiver; 0: there is none. */
static uint64_t segment_behind(const struct walk *w, const struct toll_config_component *receiver,
                               const char **ret_storage)
{
	struct toll_ways ways = toll_ways_find(w->config, receiver);
	uint64_t least = 0;

	for (size_t i = 0; i < ways.count; i++) {
		const struct toll_config_component *e =
			first_with_storage(&w->config->pipelines[ways.pipelines[i]]);
		uint64_t bytes = e ? segment_of(w->config, storage_of(e)) : 0;

		if (!bytes || (least && bytes >= least))
			continue;
		least = bytes;
		*ret_storage = storage_of(e);
	}
	return least;
}

static void check_request_size(void *ctx, const struct toll_field_seen *seen)
{
	const struct walk *w = ctx;
	bool mib = strcmp(seen->field->name, "max_recv_msg_size_mib") == 0;
	const char *storage = "";
	uint64_t most, segment;

	if (seen->component->type->section != TOLL_SECTION_RECEIVERS ||
	    (!mib && strcmp(seen->field->name, "max_request_body_size") != 0))
		return;
	most = mib ? (uint64_t) * (const int64_t *)seen->value << 20
	           : *(const uint64_t *)seen->value;
	segment = segment_behind(w, seen->component, &storage);
	if (segment && most > segment - HEAD_BYTES)
		toll_field_finding(w->findings, TOLL_FINDING_WARNING, seen, "",
		                   "requests may be larger than a file of the journal and are then "
		                   "refused for good: lower this, or raise segment_size of \"%s\" "
		                   "(%llu bytes)",
		                   storage, (unsigned long long)segment);
}

/* ---- storages ---- */

static bool is_storage(const struct toll_config_component *c)
{
	const struct toll_factory *factory = c->type->owner;

	return factory && factory->serves && strcmp(factory->serves, TOLL_STORAGE) == 0;
}

static bool is_named(const struct toll_config *config, const char *storage)
{
	for (size_t i = 0; i < config->pipeline_count; i++) {
		const struct toll_config_component *c = first_with_storage(&config->pipelines[i]);
		const char *named = c ? storage_of(c) : NULL;

		if (named && strcmp(named, storage) == 0)
			return true;
	}
	return false;
}

static void check_use(const struct toll_config *config, const struct toll_config_component *c,
                      struct toll_findings *findings)
{
	char path[256];

	if (!is_storage(c) || is_named(config, c->id))
		return;
	snprintf(path, sizeof(path), "extensions::%s", c->id);
	toll_findings_add(findings, TOLL_FINDING_WARNING, toll_config_place(c, ""), path,
	                  "no exporter names it in " STORAGE ": nothing is kept there");
}

static struct toll_slice without_slashes(struct toll_slice path)
{
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

static bool lists(const struct toll_config *config, const struct toll_config_component *c)
{
	for (size_t i = 0; i < config->extension_count; i++)
		if (config->extensions[i] == c)
			return true;
	return false;
}

/* Those of the storages that were looked at so far. */
struct directories {
	struct walk walk;
	const struct toll_config_component *component[TOLL_FANOUT_MAX];
	struct toll_slice at[TOLL_FANOUT_MAX];
	size_t count;
};

static void check_directory(void *ctx, const struct toll_field_seen *seen)
{
	struct directories *d = ctx;
	struct toll_slice path;

	if (!is_storage(seen->component) || strcmp(seen->path, "directory") != 0 ||
	    !lists(d->walk.config, seen->component))
		return;
	path = without_slashes(*(const struct toll_slice *)seen->value);
	for (size_t i = 0; i < d->count; i++)
		if (toll_slice_eq(d->at[i], path))
			toll_field_finding(d->walk.findings, TOLL_FINDING_ERROR, seen, "",
			                   "\"%s\" has this directory already: give each storage "
			                   "one of its own",
			                   d->component[i]->id);
	if (d->count == TOLL_FANOUT_MAX)
		return;
	d->component[d->count] = seen->component;
	d->at[d->count++] = path;
}

void toll_storage_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	struct walk w = { config, findings };
	struct directories d = { .walk = w };

	for (size_t i = 0; i < config->pipeline_count; i++)
		check_pipeline(&config->pipelines[i], findings);
	for (size_t i = 0; i < config->extension_count; i++)
		check_use(config, config->extensions[i], findings);
	for (size_t i = 0; i < config->component_count[TOLL_SECTION_RECEIVERS]; i++)
		check_read_again(config, &config->components[TOLL_SECTION_RECEIVERS][i], findings);
	toll_field_walk(config, check_acknowledge, &w);
	toll_field_walk(config, check_request_size, &w);
	toll_field_walk(config, check_directory, &d);
}
