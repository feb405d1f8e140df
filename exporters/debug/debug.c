/* SPDX-License-Identifier: Apache-2.0 */
/* debug - prints what passes; the smallest exporter that does something: copy it to start one. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cost/money.h"
#include "exporters/debug/text.h"
#include "pipeline/factory.h"
#include "pipeline/runner.h"
#include "proto/batch.h"

enum verbosity { VERBOSITY_BASIC = 0, VERBOSITY_NORMAL, VERBOSITY_DETAILED };

struct debug_config {
	int verbosity; /* enum verbosity */
	int64_t sampling_initial, sampling_thereafter;
	bool use_internal_logger;
	struct toll_exporter_settings common;
};

struct debug {
	struct toll_exporter super;
	const struct debug_config *config;
	int fd;
	uint64_t second, seen; /* deliveries in the current second */
};

/* The first ones of every second, then every n-th. */
static bool is_sampled(struct debug *d, uint64_t now_ns)
{
	const struct debug_config *c = d->config;
	uint64_t initial = (uint64_t)c->sampling_initial;
	uint64_t every = (uint64_t)c->sampling_thereafter;

	if (now_ns / TOLL_S != d->second) {
		d->second = now_ns / TOLL_S;
		d->seen = 0;
	}
	d->seen++;
	return d->seen <= initial || (every && (d->seen - initial) % every == 0);
}

static toll_i128 worth_of(const struct toll_part *p)
{
	toll_i128 pico = 0;

	for (uint32_t i = p->first; i < p->first + p->count; i++)
		if (!p->batch->spans[i].dropped &&
		    p->batch->spans[i].cost_state == TOLL_COST_PRICED)
			pico += p->batch->spans[i].cost_pico;
	return pico;
}

static void print_head(const struct debug *d, const struct toll_delivery *delivery, FILE *out)
{
	char when[32], usd[TOLL_MONEY_TEXT];
	uint32_t resources = 0;
	toll_i128 pico = 0;

	for (uint32_t i = 0; i < delivery->part_count; i++) {
		resources += delivery->parts[i].batch->resource_count;
		pico += worth_of(&delivery->parts[i]);
	}
	toll_money_print_usd(pico, usd);
	fprintf(out, "%s  info   %s  Traces  resource spans=%u spans=%u cost=%s\n",
	        toll_clock_rfc3339(toll_clock_wall_ns(), 1, when, sizeof(when)), d->super.super.who,
	        resources, delivery->span_count, usd);
}

static void print(const struct debug *d, const struct toll_delivery *delivery, FILE *out)
{
	print_head(d, delivery, out);
	for (uint32_t i = 0; i < delivery->part_count; i++) {
		if (d->config->verbosity == VERBOSITY_NORMAL)
			toll_debug_lines(&delivery->parts[i], out);
		if (d->config->verbosity == VERBOSITY_DETAILED)
			toll_debug_details(&delivery->parts[i], out);
	}
}

/* Nobody to tell when the terminal is gone. */
static void write_out(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static int export_parts(struct toll_exporter *e, struct toll_delivery *delivery)
{
	struct debug *d = toll_container_of(e, struct debug, super);
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (is_sampled(d, toll_clock_mono_ns())) {
		out = open_memstream(&text, &len);
		if (!out)
			return TOLL_ENOMEM;
		print(d, delivery, out);
		if (fclose(out) == 0)
			write_out(d->fd, text, len);
		free(text);
	}
	toll_delivery_done(delivery, 0);
	return 0;
}

static void debug_free(struct toll_component *c)
{
	free(toll_container_of(c, struct debug, super.super));
}

static const struct toll_component_ops debug_ops = { .free = debug_free };

static int debug_create(const struct toll_settings *set, const void *config,
                        struct toll_component **ret, struct toll_error *reterr)
{
	struct debug *d = calloc(1, sizeof(*d));

	if (!d)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&d->super.super, &debug_ops, set);
	d->super.export_parts = export_parts;
	d->super.max_in_flight = 1;
	d->config = config;
	d->fd = d->config->use_internal_logger ? STDERR_FILENO : STDOUT_FILENO;
	*ret = &d->super.super;
	return 0;
}

static void debug_validate(const void *config, struct toll_reporter *r)
{
	const struct debug_config *c = config;

	toll_exporter_settings_check(&c->common, r);
}

static const char *const verbosities[] = { "basic", "normal", "detailed", NULL };

static const struct toll_field debug_fields[] = {
	TOLL_FIELD(struct debug_config, verbosity, ENUM, "basic",
	           "basic: a line per delivery; normal: a line per span; detailed: everything.",
	           .choices = verbosities),
	TOLL_FIELD(struct debug_config, sampling_initial, INT, "2",
	           "Deliveries printed of every second, before sampling begins.", .max = INT64_MAX),
	TOLL_FIELD(struct debug_config, sampling_thereafter, INT, "1",
	           "Of the others every n-th is printed; 0: none.", .max = INT64_MAX),
	TOLL_FIELD(struct debug_config, use_internal_logger, BOOL, "true",
	           "true: to stderr, where the log goes; false: to stdout."),
	TOLL_EXPORTER_FIELDS(struct debug_config, "false"),
	TOLL_FIELD_LATER("output_paths", "output goes to stderr or stdout only"),
	TOLL_FIELD_END,
};

const struct toll_factory toll_exporter_debug = {
	.kind = TOLL_EXPORTER,
	.stability = TOLL_BETA,
	.type = "debug",
	.help = "Prints what passes to stderr or stdout.",
	.config_size = sizeof(struct debug_config),
	.fields = debug_fields,
	.exporter_settings = offsetof(struct debug_config, common),
	.validate = debug_validate,
	.create = debug_create,
};
