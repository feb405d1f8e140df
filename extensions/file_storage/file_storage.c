/* SPDX-License-Identifier: Apache-2.0 */
/* file_storage - where the journals of pipelines are: makes the directory, tells how they are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "extensions/file_storage/report.h"
#include "extensions/file_storage/settings.h"
#include "pipeline/directory.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "pipeline/spool.h"

/* How often is looked whether a journal is full or its disk fails. */
#define LOOK_NS TOLL_S

struct file_storage {
	struct toll_extension super;
	const struct toll_file_storage_config *config;
	struct toll_storage storage;
	char *directory; /* canonical; NULL: not started */
	struct toll_spools *spools;
	struct toll_storage_report report;
	struct toll_metrics_source metrics;
	struct toll_timer *timer;
	bool published, measured;
};

static struct file_storage *storage_of(struct toll_component *c)
{
	return toll_container_of(c, struct file_storage, super.super);
}

static void collect(struct toll_metrics_source *self, struct toll_metrics_writer *w)
{
	struct file_storage *f = toll_container_of(self, struct file_storage, metrics);

	toll_storage_metrics(f->spools, f->directory, w);
}

static void look(void *ctx)
{
	struct file_storage *f = ctx;

	toll_storage_look(&f->report, f->spools, f->directory, &f->super.super);
}

/* ---- start ---- */

static const char *fix_of(int err, bool makes)
{
	if (err == -ENOENT)
		return makes ? ": nothing can be made there, name another"
		             : ": make it, or set create_directory: true";
	if (err == -ENOTDIR)
		return ": a part of it is a file, name another";
	if (err == -EACCES || err == -EPERM)
		return ": it must belong to the user that spantoll runs as";
	if (err == -EROFS)
		return ": mount a volume there that can be written";
	return err == -ENOSPC ? ": make room on its disk" : "";
}

static int no_directory(const struct file_storage *f, int err, struct toll_error *reterr)
{
	return toll_fail(reterr, TOLL_EDOWN, "%s: directory %s: %s%s", f->super.super.who,
	                 f->config->directory.ptr, strerror(-err),
	                 fix_of(err, f->config->create_directory));
}

#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

/* A limit that cannot be reached is none: the disk is full first, for others too. */
static void compare_with_disk(const struct file_storage *f)
{
	struct statvfs disk;
	uint64_t bytes;

	if (!f->directory || statvfs(f->directory, &disk) < 0)
		return;
	bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
	if (bytes && bytes < f->config->max_size)
		TOLL_WARN(f->super.super.who,
		          "the disk of %s has %llu MiB in all, max_size is %llu MiB (and a journal "
		          "begins with a file of %llu MiB): make the disk larger, or lower "
		          "max_size and segment_size",
		          f->directory, MIB(bytes), MIB(f->config->max_size),
		          MIB(f->config->segment_size));
}

/* Two ways of writing a path must not make two journals of it. */
static int find_directory(struct file_storage *f, struct toll_error *reterr)
{
	const struct toll_file_storage_config *c = f->config;
	int err = 0;

	if (c->create_directory)
		err = toll_directory_make(c->directory.ptr,
		                          (mode_t)toll_file_storage_mode(c->directory_permissions),
		                          1);
	if (!err)
		f->directory = realpath(c->directory.ptr, NULL);
	if (!err && (!f->directory || access(f->directory, R_OK | W_OK | X_OK) < 0))
		err = -errno;
	f->storage.directory = f->directory;
	if (err)
		return no_directory(f, err, reterr);
	compare_with_disk(f);
	return 0;
}

static int storage_start(struct toll_component *c, struct toll_error *reterr)
{
	struct file_storage *f = storage_of(c);
	int err = find_directory(f, reterr);

	if (err)
		return err;
	err = toll_host_publish(c->host, TOLL_STORAGE, c->id.text, &f->storage);
	if (err)
		return toll_fail(reterr, err, "%s: out of memory", c->who);
	f->published = true;
	toll_host_metrics_add(c->host, &f->metrics);
	f->measured = true;
	f->timer = toll_host_timer(c->host, LOOK_NS, LOOK_NS, look, f);
	return f->timer ? 0 : toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", c->who);
}

/* ---- life ---- */

static void storage_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct file_storage *f = storage_of(c);

	if (f->measured)
		toll_host_metrics_remove(c->host, &f->metrics);
	if (f->published)
		toll_host_withdraw(c->host, &f->storage);
	f->measured = f->published = false;
}

static void storage_free(struct toll_component *c)
{
	struct file_storage *f = storage_of(c);

	storage_shutdown(c, 0);
	toll_host_timer_stop(f->timer);
	toll_spools_let_go(c->host, f->spools);
	free(f->directory);
	free(f);
}

static const struct toll_component_ops storage_ops = { storage_start, storage_shutdown,
	                                               storage_free };

static int storage_create(const struct toll_settings *set, const void *config,
                          struct toll_component **ret, struct toll_error *reterr)
{
	const struct toll_file_storage_config *c = config;
	struct file_storage *f = calloc(1, sizeof(*f));

	if (!f)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&f->super.super, &storage_ops, set);
	f->config = c;
	f->storage.max_bytes = c->max_size;
	f->storage.segment_bytes = c->segment_size;
	f->storage.sync_interval_ns = c->sync_interval;
	f->storage.policy = (enum toll_journal_policy)c->when_full;
	f->metrics.collect = collect;
	f->spools = toll_spools_get(set->host);
	*ret = &f->super.super;
	return f->spools ? 0 : toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
}

const struct toll_factory toll_extension_file_storage = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_BETA,
	.type = "file_storage",
	.help = "Keeps a journal of each pipeline whose exporters name it: what was acknowledged "
		"survives a crash.",
	.config_size = sizeof(struct toll_file_storage_config),
	.fields = toll_file_storage_fields,
	.validate = toll_file_storage_validate,
	.serves = TOLL_STORAGE,
	.create = storage_create,
};
