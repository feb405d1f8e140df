/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/http_headers.h"

#include <stdio.h>
#include <strings.h>

static const char *const types[] = {
	[TOLL_OTLP_PROTOBUF] = "application/x-protobuf",
	[TOLL_OTLP_JSON] = "application/json",
};

static const char *const codings[] = {
	[TOLL_ENCODING_IDENTITY] = "identity", [TOLL_ENCODING_GZIP] = "gzip",
	[TOLL_ENCODING_DEFLATE] = "deflate",   [TOLL_ENCODING_ZLIB] = "zlib",
	[TOLL_ENCODING_ZSTD] = "zstd",
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to the first of end's bytes, without white space around it. */
static struct toll_slice word(const char *text, const char *end)
{
	struct toll_slice s;

	while (is_space(*text))
		text++;
	s = toll_slice(text, strcspn(text, end));
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static bool same(struct toll_slice a, const char *b)
{
	return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

bool toll_otlp_read_type(const char *text, enum toll_otlp_format *ret)
{
	struct toll_slice type = word(text ? text : "", ";");

	for (size_t i = 0; i < TOLL_COUNT(types); i++)
		if (same(type, types[i])) {
			*ret = (enum toll_otlp_format)i;
			return true;
		}
	return false;
}

const char *toll_otlp_type(enum toll_otlp_format format)
{
	return types[format];
}

enum toll_encoding toll_otlp_coding_named(struct toll_slice name)
{
	if (!name.len)
		return TOLL_ENCODING_IDENTITY;
	for (size_t i = 0; i < TOLL_COUNT(codings); i++)
		if (same(name, codings[i]))
			return (enum toll_encoding)i;
	return TOLL_ENCODING_UNKNOWN;
}

enum toll_encoding toll_otlp_read_coding(const char *text)
{
	return toll_otlp_coding_named(word(text ? text : "", ""));
}

unsigned toll_otlp_coding_set(const struct toll_slice_list *names)
{
	unsigned set = 0;

	for (size_t i = 0; i < names->count; i++)
		set |= 1u << toll_otlp_coding_named(names->at[i]);
	if (!names->count)
		return (1u << TOLL_ENCODING_UNKNOWN) - 1;
	if (set & 1u << TOLL_ENCODING_DEFLATE)
		set |= 1u << TOLL_ENCODING_ZLIB;
	return set & ~(1u << TOLL_ENCODING_UNKNOWN);
}

const char *toll_otlp_print_codings(unsigned set, char buf[TOLL_CODINGS_MAX])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < TOLL_COUNT(codings); i++)
		if (set & 1u << i)
			len += (size_t)snprintf(buf + len, TOLL_CODINGS_MAX - len, "%s%s",
			                        len ? ", " : "", codings[i]);
	return buf;
}
