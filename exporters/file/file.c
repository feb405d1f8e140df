/* SPDX-License-Identifier: Apache-2.0 */
/* file - spans as lines of JSON in a file that rotates. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "exporters/file/rotate.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "pipeline/runner.h"
#include "proto/cost_record.h"
#include "proto/otlp_json.h"

/* Text gathered before it is written: bounds the memory of a large delivery. */
#define WRITE_AT ((size_t)256 << 10)
#define MEGABYTE ((uint64_t)1 << 20) /* the Collector's rotation counts in MiB too */

enum encoding { ENCODING_OTLP_JSON = 0, ENCODING_JSON };

struct rotation_config {
	bool enabled;
	int64_t max_megabytes, max_backups;
};

struct file_config {
	struct toll_slice path;
	int encoding; /* enum encoding */
	int format;
	bool append;
	uint64_t flush_interval;
	struct rotation_config rotation;
	struct toll_exporter_settings common;
};

struct file {
	struct toll_exporter super;
	const struct file_config *config;
	struct toll_rotating_file out;
	struct toll_buffer buffer;
	bool failing; /* said so in log and status */
	bool *opened; /* kept: this process writes the file already, a reload must not empty it */
};

/* ---- one delivery ---- */

/* 0 or errno. */
static int flush(struct file *f)
{
	int err = f->buffer.err ? ENOMEM : 0;

	if (!err)
		err = toll_rotating_write(&f->out, f->buffer.ptr, f->buffer.len);
	f->buffer.len = 0;
	f->buffer.err = 0;
	return err;
}

static int write_records(struct file *f, const struct toll_part *p)
{
	int err = 0;

	for (uint32_t i = p->first; i < p->first + p->count && !err; i++) {
		const struct toll_span *s = &p->batch->spans[i];
		char *room, *end;

		if (s->dropped)
			continue;
		room = toll_buffer_room(&f->buffer, toll_cost_record_bound(p->batch, s) + 1);
		if (!room)
			return ENOMEM;
		end = toll_cost_record(p->batch, s, room);
		*end++ = '\n';
		f->buffer.len += (size_t)(end - room);
		if (f->buffer.len >= WRITE_AT)
			err = flush(f);
	}
	return err;
}

static int write_otlp(struct file *f, const struct toll_part *p)
{
	const struct toll_selection sel = { p->batch, p->first, p->count };
	char *end;

	toll_otlp_json(&sel, &f->buffer);
	end = toll_buffer_room(&f->buffer, 1);
	if (!end)
		return ENOMEM;
	*end = '\n';
	f->buffer.len++;
	return f->buffer.len >= WRITE_AT ? flush(f) : 0;
}

/* Roughly what a delivery will take as JSON: a file rotates before it, never in it. */
static uint64_t expected_size(const struct toll_delivery *d)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < d->part_count; i++) {
		const struct toll_part *p = &d->parts[i];

		bytes += 2 * p->batch->wire.len * p->count / (p->batch->span_count | 1);
	}
	return bytes;
}

static int write_delivery(struct file *f, const struct toll_delivery *d)
{
	int err = toll_rotating_begin(&f->out, expected_size(d));

	for (uint32_t i = 0; i < d->part_count && !err; i++)
		err = f->config->encoding == ENCODING_JSON ? write_records(f, &d->parts[i])
		                                           : write_otlp(f, &d->parts[i]);
	if (!err)
		err = flush(f);
	if (err) {
		toll_rotating_undo(&f->out);
		f->buffer.len = 0;
		f->buffer.err = 0;
	}
	return err;
}

static void tell(struct file *f, int err)
{
	struct toll_component *c = &f->super.super;
	char why[128], buf[64];

	if (!!err == f->failing)
		return; /* the queue tells of every attempt */
	if (err) {
		snprintf(why, sizeof(why), "cannot write %.60s: %s", f->out.path,
		         strerror_r(err, buf, sizeof(buf)));
		TOLL_WARN(c->who, "%s", why);
	} else {
		TOLL_INFO(c->who, "writes %s again", f->out.path);
	}
	f->failing = err != 0;
	toll_host_set_health(c->host, c, err ? TOLL_HEALTH_DEGRADED : TOLL_HEALTH_OK,
	                     err ? why : "");
}

static int export_parts(struct toll_exporter *e, struct toll_delivery *d)
{
	struct file *f = toll_container_of(e, struct file, super);
	int err = write_delivery(f, d);

	tell(f, err);
	/* Disks get room again, directories appear: whatever it is, it is tried again. */
	toll_delivery_done(d, err == ENOMEM ? TOLL_ENOMEM : err ? TOLL_EDOWN : 0);
	return 0;
}

/* ---- life ---- */

static int file_start(struct toll_component *c, struct toll_error *reterr)
{
	struct file *f = toll_container_of(c, struct file, super.super);
	bool truncate = !f->config->append && !f->config->rotation.enabled && !*f->opened;
	char buf[64];
	int err = toll_rotating_open(&f->out, truncate);

	if (err)
		return toll_fail(reterr, TOLL_EDOWN, "%s: cannot open %s: %s", c->who, f->out.path,
		                 strerror_r(err, buf, sizeof(buf)));
	/* The one before may still write: how long the file is will be known with the first
	 * delivery, which comes after its last. */
	if (*f->opened)
		toll_rotating_close(&f->out);
	*f->opened = true;
	return 0;
}

static void file_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct file *f = toll_container_of(c, struct file, super.super);

	toll_rotating_close(&f->out);
}

static void file_free(struct toll_component *c)
{
	struct file *f = toll_container_of(c, struct file, super.super);

	toll_rotating_close(&f->out);
	toll_buffer_release(&f->buffer);
	toll_host_let_go(c->host, f->opened);
	free(f);
}

static const struct toll_component_ops file_ops = { file_start, file_shutdown, file_free };

static int file_create(const struct toll_settings *set, const void *config,
                       struct toll_component **ret, struct toll_error *reterr)
{
	const struct file_config *conf = config;
	struct file *f = calloc(1, sizeof(*f));

	if (f)
		f->opened = toll_host_keep(set->host, "file", conf->path.ptr, sizeof(bool), NULL);
	if (!f || !f->opened) {
		free(f);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	toll_component_init(&f->super.super, &file_ops, set);
	f->super.export_parts = export_parts;
	f->super.max_in_flight = 1;
	f->config = conf;
	f->out.path = conf->path.ptr;
	f->out.fd = -1;
	if (conf->rotation.enabled) {
		f->out.max_bytes = (uint64_t)conf->rotation.max_megabytes * MEGABYTE;
		f->out.max_backups = (uint32_t)conf->rotation.max_backups;
	}
	*ret = &f->super.super;
	return 0;
}

static void file_validate(const void *config, struct toll_reporter *r)
{
	const struct file_config *c = config;

	toll_exporter_settings_check(&c->common, r);
	if (!c->path.len)
		toll_report_error(r, "path", "must name a file");
}

static const char *const encodings[] = { "otlp_json", "json", NULL };
static const char *const formats[] = { "json", NULL };

static const struct toll_field rotation_fields[] = {
	TOLL_FIELD(struct rotation_config, max_megabytes, INT, "100",
	           "A file of so many MiB moves aside.", .min = 1, .max = 1 << 30),
	TOLL_FIELD(struct rotation_config, max_backups, INT, "100",
	           "So many older files are kept; 0: all.", .min = 0, .max = 10000),
	TOLL_FIELD_LATER("max_days", "older files are removed by number (max_backups), not by age"),
	TOLL_FIELD_LATER("localtime", "the names of older files carry UTC"),
	TOLL_FIELD_END,
};

static const struct toll_field file_fields[] = {
	TOLL_FIELD(struct file_config, path, STRING, NULL, "Where to write.", .required = true),
	TOLL_FIELD(struct file_config, encoding, ENUM, "otlp_json",
	           "otlp_json: a request per line, as the Collector; json: a cost record per span.",
	           .choices = encodings),
	TOLL_FIELD(struct file_config, format, ENUM, "json",
	           "The Collector's name for the encoding; json only.", .choices = formats),
	TOLL_FIELD(struct file_config, append, BOOL, "false",
	           "Without rotation: keep what the file has at the start."),
	TOLL_FIELD(struct file_config, flush_interval, DURATION, "1s",
	           "Accepted for the Collector's files: here every delivery is written at once."),
	TOLL_FIELD(struct file_config, rotation, GROUP, NULL, "Move full files aside.",
	           .group = rotation_fields,
	           .present = offsetof(struct file_config, rotation.enabled)),
	TOLL_EXPORTER_FIELDS(struct file_config, "false"),
	TOLL_FIELD_LATER("compression", "lines are written as they are"),
	TOLL_FIELD_LATER("group_by", "all spans go to one file"),
	TOLL_FIELD_LATER("create_directory", "the directory must exist"),
	TOLL_FIELD_END,
};

const struct toll_factory toll_exporter_file = {
	.kind = TOLL_EXPORTER,
	.stability = TOLL_BETA,
	.type = "file",
	.help = "Writes spans as lines of JSON into a file that rotates.",
	.config_size = sizeof(struct file_config),
	.fields = file_fields,
	.exporter_settings = offsetof(struct file_config, common),
	.validate = file_validate,
	.create = file_create,
};
