/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry.c - service::telemetry: the Collector's nested shape -> the few values we need. */
#include "config/telemetry.h"

#include "config/scalar.h"

struct prometheus {
	struct toll_slice host;
	int64_t port;
	bool without_type_suffix, without_units, without_scope_info;
};

struct exporter {
	struct prometheus prometheus;
	bool has_prometheus;
};

struct pull {
	struct exporter exporter;
};

struct reader {
	struct pull pull;
	bool has_pull;
};

struct metrics {
	int level;
	struct toll_slice address;
	struct toll_group_list readers;
};

struct sampling {
	bool enabled;
	uint64_t tick;
	int64_t initial, thereafter;
};

struct logs {
	int level, encoding;
	struct sampling sampling;
};

struct telemetry {
	struct metrics metrics;
	struct logs logs;
};

static const char *const metrics_levels[] = { "none", "basic", "normal", "detailed", NULL };
static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const log_encodings[] = { "console", "json", NULL };

static const struct toll_field prometheus_fields[] = {
	TOLL_FIELD(struct prometheus, host, STRING, "localhost", "Address to listen on."),
	TOLL_FIELD(struct prometheus, port, INT, "8888", "Port to listen on.", .min = 0,
	           .max = 65535),
	TOLL_FIELD(struct prometheus, without_type_suffix, BOOL, "false",
	           "Counters without _total behind their name."),
	TOLL_FIELD(struct prometheus, without_units, BOOL, "true",
	           "Names without units; always so here."),
	TOLL_FIELD(struct prometheus, without_scope_info, BOOL, "true",
	           "No labels about the instrumentation scope; always so here."),
	TOLL_FIELD_LATER("with_resource_constant_labels",
	                 "resource labels are not exposed: ignored"),
	TOLL_FIELD_END,
};

static const struct toll_field exporter_fields[] = {
	TOLL_FIELD(struct exporter, prometheus, GROUP, NULL, "Prometheus text at /metrics.",
	           .group = prometheus_fields,
	           .present = offsetof(struct exporter, has_prometheus)),
	TOLL_FIELD_LATER("otlp", "metrics are not pushed: only a prometheus exporter is served"),
	TOLL_FIELD_END,
};

static const struct toll_field pull_fields[] = {
	TOLL_FIELD(struct pull, exporter, GROUP, NULL, "What is served.", .group = exporter_fields),
	TOLL_FIELD_END,
};

static const struct toll_field reader_fields[] = {
	TOLL_FIELD(struct reader, pull, GROUP, NULL, "A reader that is asked.",
	           .group = pull_fields, .present = offsetof(struct reader, has_pull)),
	TOLL_FIELD_LATER("periodic", "metrics are not pushed: only pull readers are served"),
	TOLL_FIELD_END,
};

static const struct toll_field metrics_fields[] = {
	TOLL_FIELD(struct metrics, level, ENUM, "normal", "none switches the metrics off.",
	           .choices = metrics_levels),
	TOLL_FIELD(struct metrics, address, STRING, NULL,
	           "host:port, the older way to say where; readers say it better."),
	TOLL_FIELD(struct metrics, readers, GROUPS, NULL,
	           "Where metrics are served; absent: localhost:8888 without type suffixes.",
	           .group = reader_fields, .group_size = sizeof(struct reader)),
	TOLL_FIELD_LATER("views", "views are not supported: ignored"),
	TOLL_FIELD_END,
};

static const struct toll_field sampling_fields[] = {
	TOLL_FIELD(struct sampling, enabled, BOOL, "true", "false: every line is written."),
	TOLL_FIELD(struct sampling, tick, DURATION, "10s", "After so long counting begins again.",
	           .min = 1000000, .max = -1),
	TOLL_FIELD(struct sampling, initial, INT, "10",
	           "So many lines from one place in the program are written per tick ...", .min = 0,
	           .max = -1),
	TOLL_FIELD(struct sampling, thereafter, INT, "100",
	           "... and of the others every n-th; 0: none.", .min = 0, .max = -1),
	TOLL_FIELD_END,
};

static const struct toll_field logs_fields[] = {
	TOLL_FIELD(struct logs, level, ENUM, "info", "Lines below this level are not written.",
	           .choices = log_levels),
	TOLL_FIELD(struct logs, encoding, ENUM, "console", "A line of text, or of JSON.",
	           .choices = log_encodings),
	TOLL_FIELD_LATER("development", "has no effect here: ignored"),
	TOLL_FIELD(struct logs, sampling, GROUP, NULL, "Against floods of the same line.",
	           .group = sampling_fields),
	TOLL_FIELD_LATER("output_paths", "lines always go to stderr: ignored"),
	TOLL_FIELD_LATER("error_output_paths", "lines always go to stderr: ignored"),
	TOLL_FIELD_LATER("disable_caller", "has no effect here: ignored"),
	TOLL_FIELD_LATER("disable_stacktrace", "has no effect here: ignored"),
	TOLL_FIELD_LATER("initial_fields", "is not supported: ignored"),
	TOLL_FIELD_LATER("processors", "logs are not pushed: ignored"),
	TOLL_FIELD_END,
};

const struct toll_field toll_telemetry_fields[] = {
	TOLL_FIELD(struct telemetry, metrics, GROUP, NULL, "The daemon's own metrics.",
	           .group = metrics_fields),
	TOLL_FIELD(struct telemetry, logs, GROUP, NULL, "The daemon's own log lines.",
	           .group = logs_fields),
	TOLL_FIELD_LATER("traces", "the daemon does not trace itself: ignored"),
	TOLL_FIELD_LATER("resource", "resource attributes of the daemon are not exposed: ignored"),
	TOLL_FIELD_END,
};

/* "host:port", ":port", "[::1]:port". */
static void split_address(struct toll_reporter *r, struct toll_slice address,
                          struct toll_config_telemetry *t)
{
	const char *colon = memrchr(address.ptr, ':', address.len);
	size_t host_len = colon ? (size_t)(colon - address.ptr) : address.len;
	struct toll_slice host = toll_slice(address.ptr, host_len);
	int64_t port = 0;

	if (!colon || toll_scalar_int(toll_slice(colon + 1, address.len - host_len - 1), &port) ||
	    port < 0 || port > 65535) {
		toll_report_error(r, "metrics::address", "\"%.*s\" must be host:port",
		                  TOLL_FMT(address));
		return;
	}
	if (host.len > 1 && *host.ptr == '[' && host.ptr[host.len - 1] == ']')
		host = toll_slice(host.ptr + 1, host.len - 2);
	t->metrics_host = host;
	t->metrics_port = port;
	toll_report_warning(r, "metrics::address",
	                    "is deprecated: write readers: [{pull: {exporter: {prometheus: "
	                    "{host: ..., port: ...}}}}]");
}

static void use_readers(struct toll_reporter *r, const struct metrics *m,
                        struct toll_config_telemetry *t)
{
	const struct reader *at = m->readers.at;
	size_t used = 0;

	for (size_t i = 0; i < m->readers.count; i++) {
		const struct prometheus *p = &at[i].pull.exporter.prometheus;

		if (!at[i].has_pull || !at[i].pull.exporter.has_prometheus)
			continue;
		if (used++) {
			toll_report_warning(r, "metrics::readers",
			                    "only the first prometheus reader is served");
			return;
		}
		t->metrics_host = p->host;
		t->metrics_port = p->port;
		t->without_type_suffix = p->without_type_suffix;
	}
	if (!used && m->readers.at)
		t->metrics_enabled = false;
}

void toll_telemetry_parse(struct toll_parser *p, const struct toll_yaml_entry *entry,
                          const struct toll_yaml_path *path, struct toll_config_telemetry *ret)
{
	static const struct toll_yaml_entry absent = { 0 };
	struct telemetry raw = { 0 };
	struct toll_reporter r = { p, entry ? entry : &absent, path };

	toll_fields_parse(p, toll_telemetry_fields, r.entry, path, &raw);
	*ret = (struct toll_config_telemetry){
		.metrics_enabled = raw.metrics.level != 0,
		.metrics_host = TOLL_SLICE("localhost"),
		.metrics_port = 8888,
		.without_type_suffix = true,
		.log_level = toll_slice_str(log_levels[raw.logs.level]),
		.log_json = raw.logs.encoding == 1,
		.log_sampled = raw.logs.sampling.enabled,
		.log_tick = raw.logs.sampling.tick,
		.log_initial = raw.logs.sampling.initial,
		.log_thereafter = raw.logs.sampling.thereafter,
	};
	if (raw.metrics.address.len)
		split_address(&r, raw.metrics.address, ret);
	use_readers(&r, &raw.metrics, ret);
}
