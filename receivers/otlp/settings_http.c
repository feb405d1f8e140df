/* SPDX-License-Identifier: Apache-2.0 */
/* settings_http.c - what may stand under protocols::http. */
#include "receivers/otlp/http_headers.h"
#include "receivers/otlp/settings.h"

static const char *const transport_names[] = { "tcp", "unix", NULL };

/* clang-format off */
#define HTTP struct toll_otlp_http_config
static const struct toll_field cors_fields[] = {
	TOLL_FIELD(struct toll_otlp_cors_config, allowed_origins, LIST, NULL,
	           "Web pages that may send: scheme://host:port with at most one *, or *. Empty: none."),
	TOLL_FIELD(struct toll_otlp_cors_config, allowed_headers, LIST, NULL,
	           "Request headers beyond Accept, Accept-Language, Content-Language, Content-Type and X-Requested-With; * for any."),
	TOLL_FIELD(struct toll_otlp_cors_config, exposed_headers, LIST, NULL, "Response headers that pages may read."),
	TOLL_FIELD(struct toll_otlp_cors_config, max_age, INT, "0",
	           "Seconds a browser may remember the permission; 0: its own default.", .min = -1, .max = 31536000),
	TOLL_FIELD_END,
};

const struct toll_field toll_otlp_http_fields[] = {
	TOLL_FIELD(HTTP, endpoint, STRING, "127.0.0.1:4318",
	           "host:port to listen on; 0.0.0.0 for all interfaces, port 0 for any free port.",
	           .listens = true),
	TOLL_FIELD(HTTP, transport, ENUM, "tcp", "With unix, endpoint is the path of a socket.",
	           .choices = transport_names),
	TOLL_FIELD(HTTP, traces_url_path, STRING, "/v1/traces", "Where spans are posted."),
	TOLL_FIELD(HTTP, max_request_body_size, SIZE, "20MiB", "Largest body, before and after inflating.",
	           .min = 1, .max = 1 << 30),
	TOLL_FIELD(HTTP, compression_algorithms, LIST, NULL,
	           "Content codings to take: \"\" (none), gzip, deflate, zlib, zstd; empty: all of them."),
	TOLL_FIELD(HTTP, cors, GROUP, NULL, "Web pages that may send spans.", .group = cors_fields),
	TOLL_FIELD(HTTP, response_headers, MAP, NULL, "Headers of every response."),
	TOLL_FIELD(HTTP, read_header_timeout, DURATION, "5s", "From accept to the end of the headers; 0: 5s."),
	TOLL_FIELD(HTTP, read_timeout, DURATION, "30s", "From there to the end of the body; 0: 30s."),
	TOLL_FIELD(HTTP, write_timeout, DURATION, "30s", "From the answer to its last byte; 0: 30s."),
	TOLL_FIELD(HTTP, idle_timeout, DURATION, "60s", "Between two requests of one connection; 0: 60s."),
	TOLL_FIELD(HTTP, keep_alives_enabled, BOOL, "true", "Several requests on one connection."),
	TOLL_FIELD(HTTP, max_connections, INT, "1024", "Connections at once; more wait.", .min = 1, .max = 1000000),
	TOLL_FIELD(HTTP, workers, INT, "0", "Threads that receive and process; 0: one per processor.",
	           .min = 0, .max = 256),
	TOLL_FIELD_LATER("metrics_url_path", "metrics are not received"),
	TOLL_FIELD_LATER("logs_url_path", "logs are not received"),
	TOLL_FIELD_LATER("profiles_url_path", "profiles are not received"),
	TOLL_FIELD_LATER("include_metadata", "request headers are not kept: what processors are to see must be an attribute of spans or resources"),
	TOLL_FIELD(HTTP, tls, GROUP, NULL, "TLS; without it everything travels as plain text.",
	           .group = toll_server_tls_fields, .present = offsetof(HTTP, tls.present)),
	TOLL_FIELD(HTTP, auth, GROUP, NULL, "Who may send; without it everybody who can connect.",
	           .group = toll_otlp_auth_fields, .present = offsetof(HTTP, auth.present)),
	TOLL_FIELD_LATER("middlewares", "there are no middlewares: auth says who may send, max_connections and memory_limiter how much"),
	TOLL_FIELD_END,
};
/* clang-format on */

#define AT "protocols::http::"

static void check_codings(const struct toll_slice_list *names, struct toll_reporter *r)
{
	for (size_t i = 0; i < names->count; i++) {
		struct toll_slice name = names->at[i];

		if (toll_otlp_coding_named(name) != TOLL_ENCODING_UNKNOWN)
			continue;
		if (toll_slice_is(name, "snappy") || toll_slice_is(name, "lz4") ||
		    toll_slice_is(name, "x-snappy-framed"))
			toll_report_warning(r, AT "compression_algorithms",
			                    "%.*s is not available: such requests are answered 415",
			                    TOLL_FMT(name));
		else
			toll_report_error(r, AT "compression_algorithms",
			                  "unknown \"%.*s\": use \"\", gzip, deflate, zlib, zstd",
			                  TOLL_FMT(name));
	}
}

static void check_origins(const struct toll_slice_list *origins, struct toll_reporter *r)
{
	for (size_t i = 0; i < origins->count; i++) {
		struct toll_slice o = origins->at[i];
		const char *star = o.len ? memchr(o.ptr, '*', o.len) : NULL;

		if (!o.len || (star && memchr(star + 1, '*', (size_t)(o.ptr + o.len - star - 1))))
			toll_report_error(r, AT "cors::allowed_origins",
			                  "\"%.*s\": write an origin with at most one *",
			                  TOLL_FMT(o));
	}
}

/* RFC 9110, "token". */
static bool is_token(struct toll_slice s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c && strchr(others, c))))
			return false;
	}
	return s.len > 0;
}

static bool is_value(struct toll_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
			return false;
	return s.len > 0;
}

static void check_headers(const struct toll_pair_list *headers, struct toll_reporter *r)
{
	for (size_t i = 0; i < headers->count; i++)
		if (!is_token(headers->at[i].key) || !is_value(headers->at[i].value))
			toll_report_error(r, AT "response_headers",
			                  "\"%.*s\" is no header with a value of one line",
			                  TOLL_FMT(headers->at[i].key));
}

void toll_otlp_http_validate(const struct toll_otlp_http_config *c, struct toll_reporter *r)
{
	toll_otlp_check_endpoint(c->endpoint, c->transport, AT "endpoint", r);
	if (!c->traces_url_path.len || c->traces_url_path.len > TOLL_OTLP_PATH_MAX)
		toll_report_error(r, AT "traces_url_path", "must have 1 to %d bytes",
		                  TOLL_OTLP_PATH_MAX);
	toll_server_tls_check(&c->tls, AT "tls", r);
	check_codings(&c->compression_algorithms, r);
	check_origins(&c->cors.allowed_origins, r);
	check_headers(&c->response_headers, r);
}
