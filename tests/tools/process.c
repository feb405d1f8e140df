/* SPDX-License-Identifier: Apache-2.0 */
/* process - the other end of test_processors_oracle.py: runs requests through the processors of a
 * configuration file, in the order of its first pipeline.
 *
 * argv: the file, whose receiver is "in" and whose exporter is "out".
 * in:  u32 length, request      out: i32 error, u32 kept spans, u32 length, encoded request
 */
#include <stdio.h>

#include "config/config.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "proto/otlp_encode.h"
#include "tests/support/otlp.h"

enum { STAGES_MAX = 16 };

extern const struct toll_factory toll_processor_attributes, toll_processor_resource,
	toll_processor_filter, toll_processor_probabilistic_sampler,
	toll_processor_resourcedetection;

static const struct toll_factory *const processors[] = {
	&toll_processor_attributes,
	&toll_processor_resource,
	&toll_processor_filter,
	&toll_processor_probabilistic_sampler,
	&toll_processor_resourcedetection,
};

struct chain {
	struct toll_config *config;
	struct toll_host *host;
	struct toll_stats stats;
	struct toll_processor *stages[STAGES_MAX];
	size_t count;
};

static void must(bool good, const char *why)
{
	if (good)
		return;
	fprintf(stderr, "process: %s\n", why);
	exit(1);
}

static void load(struct chain *c, const char *path)
{
	static const struct toll_field none[] = { TOLL_FIELD_END };
	static struct toll_config_type types[TOLL_COUNT(processors) + 3] = {
		{ .section = TOLL_SECTION_RECEIVERS, .type = "in", .help = "x", .fields = none },
		{ .section = TOLL_SECTION_EXPORTERS, .type = "out", .help = "x", .fields = none },
	};
	struct toll_findings findings = { 0 };

	for (size_t i = 0; i < TOLL_COUNT(processors); i++)
		types[i + 2] = (struct toll_config_type){ .section = TOLL_SECTION_PROCESSORS,
			                                  .type = processors[i]->type,
			                                  .help = processors[i]->help,
			                                  .fields = processors[i]->fields,
			                                  .config_size = processors[i]->config_size,
			                                  .validate = processors[i]->validate,
			                                  .owner = processors[i] };
	if (toll_config_load_file(path, types, &c->config, &findings))
		toll_findings_print(&findings, stderr);
	must(c->config, "the configuration has errors");
	toll_findings_release(&findings);
}

static void build(struct chain *c)
{
	const struct toll_config_pipeline *p = &c->config->pipelines[0];

	c->host = toll_host_new();
	must(c->host && p->processor_count <= STAGES_MAX, "no host, or too many processors");
	for (size_t i = 0; i < p->processor_count; i++) {
		const struct toll_config_component *part = p->processors[i];
		const struct toll_factory *f = part->type->owner;
		const struct toll_settings set = { .id = { part->type_name, part->name, part->id },
			                           .who = part->who,
			                           .host = c->host,
			                           .stats = &c->stats };
		struct toll_error error = { 0 };
		struct toll_component *made = NULL;

		must(f->create(&set, part->settings, &made, &error) == 0, error.text);
		must(!made->ops->start || made->ops->start(made, &error) == 0, error.text);
		c->stages[c->count++] = toll_container_of(made, struct toll_processor, super);
	}
}

static void release(struct chain *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->stages[i]->super.ops->free(&c->stages[i]->super);
	toll_host_free(c->host);
	toll_config_free(c->config);
}

static void put(const void *bytes, size_t len)
{
	must(fwrite(bytes, 1, len, stdout) == len, "cannot write");
}

static void answer(int err, uint32_t kept, struct toll_slice bytes)
{
	uint32_t len = (uint32_t)bytes.len;

	put(&err, 4);
	put(&kept, 4);
	put(&len, 4);
	put(bytes.ptr, bytes.len);
	fflush(stdout);
}

static void serve(struct chain *c, struct toll_slice wire)
{
	int err;
	struct toll_batch *b = batch_of(wire, &err, NULL);
	struct toll_selection sel = { b, 0, TOLL_WHOLE_BATCH };
	size_t size;
	char *out;

	for (size_t i = 0; i < c->count && !err; i++)
		err = c->stages[i]->process(c->stages[i], b);
	if (!err)
		toll_batch_seal(b);
	size = err ? 0 : toll_otlp_size(&sel);
	out = malloc(size + 1);
	must(out && (err || toll_otlp_encode(&sel, out) == out + size), "encoded another size");
	answer(err, b->kept_count, toll_slice(out, size));
	free(out);
	toll_batch_unref(b);
}

int main(int argc, char **argv)
{
	struct chain c = { 0 };
	uint32_t len;

	must(argc == 2, "which configuration?");
	load(&c, argv[1]);
	build(&c);
	while (fread(&len, 4, 1, stdin) == 1) {
		char *wire = malloc(len + 1);

		must(wire && fread(wire, 1, len, stdin) == len, "cut off");
		serve(&c, toll_slice(wire, len));
		free(wire);
	}
	release(&c);
	return 0;
}
