/* SPDX-License-Identifier: Apache-2.0 */
/* resourcedetection - adds to every resource what was found out once, at the start, about the place
 * this process runs at. */
#include <stdio.h>
#include <stdlib.h>

#include "config/suggest.h"
#include "pipeline/factory.h"
#include "processors/resourcedetection/detect.h"
#include "proto/attr.h"
#include "proto/edit.h"

enum { TEXT_BYTES = 1024, ARENA_BYTES = 256 * 1024, ATTR_BYTES = 192 };

enum detector { ENV = 0, SYSTEM, DETECTOR_COUNT };

static const char *const detectors[DETECTOR_COUNT] = { "env", "system" };

/* Of the Collector; what they find out needs a cloud's or a cluster's own interface. */
static const char *const elsewhere[] = {
	"akamai",    "aks",         "alibaba_ecs", "azure",       "consul",  "digitalocean",
	"docker",    "dynatrace",   "ec2",         "ecs",         "eks",     "elastic_beanstalk",
	"gce",       "gcp",         "gke",         "heroku",      "hetzner", "ibmcloud",
	"k8sapi",    "k8snode",     "kubeadm",     "lambda",      "nova",    "openshift",
	"openstack", "oraclecloud", "scaleway",    "tencent_cvm", "upcloud", "vultr",
};

struct enabled {
	bool enabled;
};

struct detection_config {
	struct toll_slice_list detectors;
	bool override;
	uint64_t timeout;
	struct {
		struct toll_slice_list hostname_sources;
		struct {
			struct enabled host_name, host_id, host_arch, os_type, os_description;
		} attributes;
	} system;
};

struct detection {
	struct toll_processor super;
	const struct detection_config *config;
	struct toll_arena arena;
	struct detected_list found;
	size_t bytes; /* of all keys and values */
};

static struct detection *detection_of(struct toll_component *c)
{
	return toll_container_of(c, struct detection, super.super);
}

/* ---- at work ---- */

static int process(struct toll_processor *p, struct toll_batch *b)
{
	const struct detection *d = toll_container_of(p, struct detection, super);
	const struct detected_list *l = &d->found;
	int err = 0;

	toll_batch_allow(b, b->resource_count * (d->bytes + l->count * ATTR_BYTES));
	for (uint32_t i = 0; i < b->resource_count; i++) {
		struct toll_node *n = &b->resources[i].node;

		for (size_t k = 0; k < l->count && !err; k++)
			if (d->config->override || !toll_node_find_name(n, l->at[k].key))
				err = toll_node_set_str(b, n, l->at[k].key, l->at[k].value);
		/* service.name may be among them. */
		toll_resource_changed(&b->resources[i]);
	}
	return err;
}

/* ---- detecting ---- */

static struct toll_slice find_host_name(const struct detection_config *c, char *buf)
{
	struct toll_slice name = toll_slice("", 0);

	for (size_t i = 0; i < c->system.hostname_sources.count && !name.len; i++)
		name = detect_host_name(toll_slice_is(c->system.hostname_sources.at[i], "dns")
		                                ? DETECT_HOST_DNS
		                                : DETECT_HOST_OS,
		                        c->timeout, buf, TEXT_BYTES);
	return name;
}

static int detect_system(const struct detection_config *c, struct detected_list *l)
{
	char buf[TEXT_BYTES];
	int err = 0;

	if (c->system.attributes.host_name.enabled)
		err = detected_add(l, TOLL_SLICE("host.name"), find_host_name(c, buf));
	if (!err && c->system.attributes.host_id.enabled)
		err = detected_add(l, TOLL_SLICE("host.id"), detect_host_id(buf, sizeof(buf)));
	if (!err && c->system.attributes.host_arch.enabled)
		err = detected_add(l, TOLL_SLICE("host.arch"), detect_host_arch(buf, sizeof(buf)));
	if (!err && c->system.attributes.os_type.enabled)
		err = detected_add(l, TOLL_SLICE("os.type"), TOLL_SLICE("linux"));
	if (!err && c->system.attributes.os_description.enabled)
		err = detected_add(l, TOLL_SLICE("os.description"),
		                   detect_os_description(buf, sizeof(buf)));
	return err;
}

static int detect_environment(struct detected_list *l)
{
	const char *text = getenv("OTEL_RESOURCE_ATTRIBUTES");

	if (!text || !*text)
		text = getenv("OTEL_RESOURCE"); /* its older name */
	return text ? detect_env(l, text) : 0;
}

static int detection_start(struct toll_component *c, struct toll_error *reterr)
{
	struct detection *d = detection_of(c);
	const struct toll_slice_list *list = &d->config->detectors;
	int err = 0;

	for (size_t i = 0; i < list->count && !err; i++)
		err = toll_slice_is(list->at[i], detectors[ENV])
		              ? detect_environment(&d->found)
		              : detect_system(d->config, &d->found);
	for (size_t i = 0; i < d->found.count; i++)
		d->bytes += 2 * (d->found.at[i].key.len + d->found.at[i].value.len);
	if (err == TOLL_ECONFIG)
		return toll_fail(reterr, err,
		                 "%s: OTEL_RESOURCE_ATTRIBUTES must be key=value,key=value with "
		                 "values percent-encoded",
		                 c->who);
	return err ? toll_fail(reterr, err, "%s: %s", c->who, toll_err_text(err)) : 0;
}

/* ---- life ---- */

static void detection_free(struct toll_component *c)
{
	struct detection *d = detection_of(c);

	toll_arena_release(&d->arena);
	free(d);
}

static const struct toll_component_ops ops = { .start = detection_start, .free = detection_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct detection *d = calloc(1, sizeof(*d));

	if (!d)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&d->super.super, &ops, set);
	d->super.process = process;
	d->config = config;
	toll_arena_init(&d->arena, ARENA_BYTES);
	d->found.arena = &d->arena;
	*ret = &d->super.super;
	return 0;
}

/* ---- settings ---- */

static bool is_one_of(struct toll_slice text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (toll_slice_is(text, words[i]))
			return true;
	return false;
}

static void check_detector(struct toll_reporter *r, const char *path, struct toll_slice name)
{
	struct toll_suggest s;

	if (is_one_of(name, detectors, TOLL_COUNT(detectors)))
		return;
	if (is_one_of(name, elsewhere, TOLL_COUNT(elsewhere))) {
		toll_report_error(
			r, path,
			"detector \"%.*s\" is not here: detect it in the SDK, or in an "
			"OpenTelemetry Collector before spantoll; here are env and system",
			TOLL_FMT(name));
		return;
	}
	toll_suggest_init(&s, name);
	for (size_t i = 0; i < TOLL_COUNT(detectors); i++)
		toll_suggest_offer(&s, detectors[i]);
	if (s.best)
		toll_report_error(r, path, "unknown detector \"%.*s\", did you mean \"%s\"?",
		                  TOLL_FMT(name), s.best);
	else
		toll_report_error(r, path, "unknown detector \"%.*s\": here are env and system",
		                  TOLL_FMT(name));
}

static void validate(const void *config, struct toll_reporter *r)
{
	static const char *const sources[] = { "dns", "os" };
	const struct detection_config *c = config;
	char path[64];

	for (size_t i = 0; i < c->detectors.count; i++) {
		snprintf(path, sizeof(path), "detectors::%zu", i);
		check_detector(r, path, c->detectors.at[i]);
	}
	for (size_t i = 0; i < c->system.hostname_sources.count; i++) {
		snprintf(path, sizeof(path), "system::hostname_sources::%zu", i);
		if (!is_one_of(c->system.hostname_sources.at[i], sources, TOLL_COUNT(sources)))
			toll_report_error(r, path, "\"%.*s\" must be dns or os",
			                  TOLL_FMT(c->system.hostname_sources.at[i]));
	}
}

/* clang-format off */
static const struct toll_field on_fields[] = {
	TOLL_FIELD(struct enabled, enabled, BOOL, "true", "Whether it is added."),
	TOLL_FIELD_END,
};

static const struct toll_field off_fields[] = {
	TOLL_FIELD(struct enabled, enabled, BOOL, "false", "Whether it is added."),
	TOLL_FIELD_END,
};

#define ATTRIBUTE(name_, member, table, help_)                                            \
	{ .name = (name_), .type = TOLL_FIELD_GROUP, .help = (help_), .group = (table), \
	  .offset = offsetof(struct detection_config, system.attributes.member) }
#define NOT_HERE(name_) TOLL_FIELD_LATER(name_, "is not detected here")

static const struct toll_field attribute_fields[] = {
	ATTRIBUTE("host.name", host_name, on_fields, "Name of the host."),
	ATTRIBUTE("host.id", host_id, off_fields, "The machine id of systemd or D-Bus."),
	ATTRIBUTE("host.arch", host_arch, off_fields, "amd64, arm64 and so on."),
	ATTRIBUTE("os.type", os_type, on_fields, "Always linux."),
	ATTRIBUTE("os.description", os_description, off_fields, "Name of the distribution, and of the kernel."),
	NOT_HERE("host.ip"), NOT_HERE("host.mac"), NOT_HERE("host.interface"), NOT_HERE("host.cpu.vendor.id"),
	NOT_HERE("host.cpu.family"), NOT_HERE("host.cpu.model.id"), NOT_HERE("host.cpu.model.name"),
	NOT_HERE("host.cpu.stepping"), NOT_HERE("host.cpu.cache.l2.size"), NOT_HERE("os.name"),
	NOT_HERE("os.version"), NOT_HERE("os.build.id"),
	TOLL_FIELD_END,
};

static const struct toll_field system_fields[] = {
	TOLL_FIELD_AS("hostname_sources", struct detection_config, system.hostname_sources, LIST, "[dns, os]",
	              "Where host.name comes from, the first that answers: dns (with its domain) or os."),
	{ .name = "resource_attributes", .type = TOLL_FIELD_GROUP, .group = attribute_fields,
	  .help = "What the detector system adds." },
	TOLL_FIELD_END,
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct detection_config, detectors, LIST, "[env]",
	           "In this order: env, system; of two that know an attribute the first counts."),
	TOLL_FIELD(struct detection_config, override, BOOL, "true",
	           "Replace attributes that a resource has already."),
	TOLL_FIELD(struct detection_config, timeout, DURATION, "5s",
	           "How long the start waits for a name server.", .min = 1, .max = INT64_C(60000000000)),
	{ .name = "system", .type = TOLL_FIELD_GROUP, .group = system_fields, .help = "Of the detector system." },
	TOLL_FIELD_LATER("refresh_interval", "has no effect: detected once, at the start"),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_processor_resourcedetection = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "resourcedetection",
	.alias = "resource_detection",
	.help = "Adds to every resource what is known of the host and the environment.",
	.config_size = sizeof(struct detection_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
