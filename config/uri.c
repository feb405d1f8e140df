/* SPDX-License-Identifier: Apache-2.0 */
#include "config/uri.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define FILES_MAX 1000
#define PIECE     16384

struct toll_uri toll_uri_split(struct toll_slice text)
{
	static const char *const names[] = {
		[TOLL_URI_ENV] = "env", [TOLL_URI_FILE] = "file", [TOLL_URI_YAML] = "yaml"
	};
	struct toll_uri uri = { .scheme = TOLL_URI_NONE, .rest = text };
	size_t len = 0;

	while (len < text.len &&
	       (isalpha((unsigned char)text.ptr[len]) ||
	        (len && (isdigit((unsigned char)text.ptr[len]) || strchr("+.-", text.ptr[len])))))
		len++;
	if (len < 2 || len == text.len || text.ptr[len] != ':')
		return uri;
	/* "NAME:-default" is a variable, not a scheme. */
	if (len + 1 < text.len && text.ptr[len + 1] == '-')
		return uri;
	uri.name = toll_slice(text.ptr, len);
	uri.rest = toll_slice(text.ptr + len + 1, text.len - len - 1);
	uri.scheme = TOLL_URI_UNKNOWN;
	for (int s = TOLL_URI_ENV; s <= TOLL_URI_YAML; s++)
		if (toll_slice_is(uri.name, names[s]))
			uri.scheme = s;
	return uri;
}

static int complain(const struct toll_uri_reader *r, enum toll_severity severity, const char *fmt,
                    ...) TOLL_PRINTF(3, 4);

static int complain(const struct toll_uri_reader *r, enum toll_severity severity, const char *fmt,
                    ...)
{
	va_list ap;

	if (r->quiet && severity != TOLL_FINDING_ERROR)
		return 0;
	va_start(ap, fmt);
	toll_findings_vadd(r->findings, severity, r->place, "", fmt, ap);
	va_end(ap);
	return severity == TOLL_FINDING_ERROR ? TOLL_ECONFIG : 0;
}

static int keep(const struct toll_uri_reader *r, struct toll_slice text, struct toll_uri_value *ret)
{
	char *copy = toll_arena_strdup(r->arena, text);

	if (!copy)
		return TOLL_ENOMEM;
	ret->text = toll_slice(copy, text.len);
	ret->set = true;
	return 0;
}

/* ---- env ---- */

static bool is_name(struct toll_slice s)
{
	if (!s.len || isdigit((unsigned char)*s.ptr))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '_')
			return false;
	return true;
}

static int read_env(const struct toll_uri_reader *r, struct toll_slice what,
                    struct toll_uri_value *ret)
{
	const char *colon = memmem(what.ptr, what.len, ":-", 2);
	struct toll_slice name =
		toll_slice(what.ptr, colon ? (size_t)(colon - what.ptr) : what.len);
	const char *copy, *value;

	if (!is_name(name))
		return complain(r, TOLL_FINDING_ERROR,
		                "\"%.*s\" is no name of an environment variable: letters, digits "
		                "and _, no digit first",
		                TOLL_FMT(name));
	copy = toll_arena_strdup(r->arena, name);
	if (!copy)
		return TOLL_ENOMEM;
	value = getenv(copy);
	if (value && !*value)
		complain(r, TOLL_FINDING_INFO,
		         "the environment variable %s is set, but empty: taken as null", copy);
	if (value)
		return keep(r, toll_slice_str(value), ret);
	ret->literal = true;
	if (colon)
		return keep(r, toll_slice(colon + 2, what.len - name.len - 2), ret);
	return complain(r, TOLL_FINDING_WARNING,
	                "the environment variable %s is not set: taken as null", copy);
}

/* ---- file ---- */

static int note_file(const struct toll_uri_reader *r, const char *path)
{
	struct toll_uri_files *f = r->files;

	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->at[i], path) == 0)
			return 0;
	if (f->count == FILES_MAX)
		return complain(r, TOLL_FINDING_ERROR, "more than %d files", FILES_MAX);
	if (f->count == f->room) {
		size_t room = f->room ? f->room * 2 : 8;
		const char **at = toll_arena_new(r->arena, const char *, room);

		if (!at)
			return TOLL_ENOMEM;
		if (f->count)
			memcpy(at, f->at, f->count * sizeof(*at));
		f->at = at;
		f->room = room;
	}
	f->at[f->count++] = path;
	return 0;
}

/* In pieces, as a file is hashed that nobody wants in memory. */
static uint64_t hash_text(struct toll_slice text, uint64_t hash)
{
	for (; text.len >= PIECE; text = toll_slice(text.ptr + PIECE, text.len - PIECE))
		hash = toll_hash_seeded(toll_slice(text.ptr, PIECE), hash);
	return toll_hash_seeded(text, hash);
}

static uint64_t hash_file(const char *path, uint64_t hash)
{
	FILE *f = fopen(path, "re");
	char piece[PIECE];
	size_t n;

	if (!f)
		return toll_hash_seeded(TOLL_SLICE("absent"), hash);
	while ((n = fread(piece, 1, PIECE, f)) == PIECE)
		hash = toll_hash_seeded(toll_slice(piece, n), hash);
	fclose(f);
	return toll_hash_seeded(toll_slice(piece, n), hash);
}

uint64_t toll_uri_files_hash(const char *const *paths, size_t count)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < count; i++)
		hash = hash_file(paths[i], hash);
	return hash;
}

/* All of a file into *ret (malloc), one byte more than allowed at most. 0 or errno. */
static int slurp(const char *path, size_t max, char **ret, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	char *text;
	int err = 0;

	if (!f)
		return errno;
	text = malloc(max + 1);
	errno = text ? 0 : ENOMEM;
	*ret_len = text ? fread(text, 1, max + 1, f) : 0;
	if (!text || ferror(f))
		err = errno ? errno : EIO;
	fclose(f);
	if (err)
		free(text);
	else
		*ret = text;
	return err;
}

static int complain_of_file(const struct toll_uri_reader *r, const char *name, const char *why)
{
	if (r->itself)
		return complain(r, TOLL_FINDING_ERROR, "%s", why);
	return complain(r, TOLL_FINDING_ERROR, "the file %s %s", name, why);
}

static int read_file(const struct toll_uri_reader *r, struct toll_slice path,
                     struct toll_uri_value *ret)
{
	const char *name = toll_arena_strdup(r->arena, path);
	char *text = NULL;
	char why[128] = "";
	size_t len = 0, known = r->files->count;
	int err = name ? note_file(r, name) : TOLL_ENOMEM, failed;

	if (err < 0)
		return err;
	failed = slurp(name, r->max_bytes, &text, &len);
	if (failed == ENOMEM)
		return TOLL_ENOMEM;
	if (!failed && r->files->count > known)
		r->files->said = hash_text(toll_slice(text, len), r->files->said);
	if (failed)
		snprintf(why, sizeof(why), "cannot be read: %s", strerror(failed));
	else if (len > r->max_bytes)
		snprintf(why, sizeof(why), "is too large: at most %zu KiB", r->max_bytes / 1024);
	err = *why ? complain_of_file(r, name, why) : keep(r, toll_slice(text, len), ret);
	free(text);
	return err;
}

/* ---- all of them ---- */

int toll_uri_read(const struct toll_uri_reader *r, const struct toll_uri *uri,
                  struct toll_uri_value *ret)
{
	*ret = (struct toll_uri_value){ .text = TOLL_SLICE("") };
	switch (uri->scheme) {
	case TOLL_URI_NONE:
	case TOLL_URI_ENV:
		return read_env(r, uri->rest, ret);
	case TOLL_URI_FILE:
		return read_file(r, uri->rest, ret);
	case TOLL_URI_YAML:
		ret->literal = true;
		return keep(r, uri->rest, ret);
	default:
		break;
	}
	if (toll_slice_is(uri->name, "http") || toll_slice_is(uri->name, "https"))
		return complain(r, TOLL_FINDING_ERROR,
		                "configuration is not fetched over %.*s: a daemon that starts must "
		                "not depend on another; fetch it to a file first",
		                TOLL_FMT(uri->name));
	return complain(r, TOLL_FINDING_ERROR,
	                "the scheme \"%.*s\" is not known: there are env, file and yaml",
	                TOLL_FMT(uri->name));
}
