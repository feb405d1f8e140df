/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_http_headers.c - what OTLP/HTTP reads from headers. One line each: Content-Type,
 * Content-Encoding, a pattern of origins, Origin, Access-Control-Request-Headers. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

#include "receivers/otlp/cors.h"
#include "receivers/otlp/http_headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_type(const char *text)
{
	enum toll_otlp_format format;

	if (toll_otlp_read_type(text, &format))
		assert(strcasestr(text, toll_otlp_type(format)));
}

static void check_coding(const char *text)
{
	enum toll_encoding e = toll_otlp_read_coding(text);
	struct toll_slice name = toll_slice_str(text);
	unsigned set = toll_otlp_coding_set(&(struct toll_slice_list){ &name, 1 });
	char buf[TOLL_CODINGS_MAX];

	assert(e <= TOLL_ENCODING_UNKNOWN);
	assert(strlen(toll_otlp_print_codings(set, buf)) < sizeof(buf));
	if (toll_otlp_coding_named(name) != TOLL_ENCODING_UNKNOWN)
		assert(toll_otlp_read_coding(text) == toll_otlp_coding_named(name));
}

/* The plain way: a star may stand for every run of bytes. */
static bool matches(const char *pattern, const char *origin, bool star_used)
{
	if (*pattern == '*' && !star_used) {
		for (;; origin++) {
			if (matches(pattern + 1, origin, true))
				return true;
			if (!*origin)
				return false;
		}
	}
	if (!*pattern || !*origin)
		return *pattern == *origin;
	return tolower((unsigned char)*pattern) == tolower((unsigned char)*origin) &&
	       matches(pattern + 1, origin + 1, star_used);
}

static void check_origin(const char *pattern, const char *origin)
{
	struct toll_slice p = toll_slice_str(pattern);
	bool allowed =
		toll_otlp_cors_origin(&(struct toll_slice_list){ &p, 1 }, toll_slice_str(origin));

	assert(allowed == matches(pattern, origin, false));
}

static void check_answers(const char *pattern, const struct toll_otlp_preflight *preflight)
{
	struct toll_slice p = toll_slice_str(pattern);
	const struct toll_otlp_cors_config config = { .allowed_origins = { &p, 1 },
		                                      .exposed_headers = { &p, 1 },
		                                      .max_age = 1 };
	struct toll_http_response r = { .status = 200 }, other = r;
	struct toll_otlp_cors cors;
	int err = toll_otlp_cors_init(&cors, &config);

	assert(!err);
	toll_otlp_cors_preflight(&cors, preflight, &r);
	toll_otlp_cors_answer(&cors, preflight->origin, &other);
	assert(r.status == 204 && r.headers[0].name && other.headers[0].name);
	/* Room is left for Retry-After, Allow and Accept-Encoding. */
	assert(!other.headers[TOLL_HTTP_HEADERS - 3].name);
	toll_otlp_cors_release(&cors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct toll_slice named = { "x-key", 5 };
	char *text = malloc(size + 1), *rest = text, *line[5];

	if (!text || size > 4096) {
		free(text);
		return 0;
	}
	memcpy(text, data, size);
	text[size] = '\0';
	for (int i = 0; i < 5; i++) {
		line[i] = strsep(&rest, "\n");
		line[i] = line[i] ? line[i] : text + size;
	}
	check_type(line[0]);
	check_coding(line[1]);
	check_origin(line[2], line[3]);
	check_answers(line[2], &(struct toll_otlp_preflight){ line[3], "POST", line[4] });
	toll_otlp_cors_headers(&(struct toll_slice_list){ &named, 1 }, toll_slice_str(line[4]));
	free(text);
	return 0;
}
