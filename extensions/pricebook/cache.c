/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/pricebook/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"

#define MAGIC    "spantoll price cache 1"
#define HEAD_MAX ((size_t)64 * 1024) /* everything in front of the documents */

/* ---- reading ---- */

static int broken(struct toll_error *reterr, const char *why)
{
	return toll_fail(reterr, TOLL_EINVALID, "the price cache is damaged: %s", why);
}

/* The rest of the next line if it begins with the word; text moves behind it. */
static bool take_line(struct toll_slice *text, const char *word, struct toll_slice *ret)
{
	const char *end = text->len ? memchr(text->ptr, '\n', text->len) : NULL;
	size_t len = strlen(word);

	if (!end || (size_t)(end - text->ptr) < len || memcmp(text->ptr, word, len) != 0)
		return false;
	*ret = toll_slice(text->ptr + len, (size_t)(end - text->ptr) - len);
	text->len -= (size_t)(end + 1 - text->ptr);
	text->ptr = end + 1;
	return true;
}

static bool copy_text(struct toll_slice from, char *to, size_t size)
{
	if (from.len >= size || (from.len && memchr(from.ptr, '\0', from.len)))
		return false;
	if (from.len)
		memcpy(to, from.ptr, from.len);
	to[from.len] = '\0';
	return true;
}

/* Digits up to the end or the first space; *s moves behind it. */
static bool take_number(struct toll_slice *s, uint64_t *ret)
{
	const char *space = s->len ? memchr(s->ptr, ' ', s->len) : NULL;
	size_t len = space ? (size_t)(space - s->ptr) : s->len;

	if (!toll_slice_digits(toll_slice(s->ptr, len), UINT64_MAX, ret))
		return false;
	len += space != NULL;
	*s = toll_slice(s->ptr + len, s->len - len);
	return true;
}

static int check_hash(struct toll_slice *text, struct toll_error *reterr)
{
	struct toll_slice line;
	char want[17];

	if (!take_line(text, MAGIC, &line) || line.len)
		return broken(reterr, "it does not begin as one");
	if (!take_line(text, "hash ", &line))
		return broken(reterr, "its hash is missing");
	snprintf(want, sizeof(want), "%016" PRIx64, toll_hash(*text));
	return toll_slice_is(line, want) ? 0 : broken(reterr, "its hash is another one");
}

static int parse_head(struct toll_slice *text, struct toll_price_cache *ret,
                      struct toll_error *reterr)
{
	struct toll_slice source, etag, synced;

	if (!take_line(text, "source ", &source) || !take_line(text, "etag ", &etag) ||
	    !take_line(text, "synced ", &synced) ||
	    !copy_text(source, ret->source, sizeof(ret->source)) ||
	    !copy_text(etag, ret->etag.text, sizeof(ret->etag.text)) ||
	    !take_number(&synced, &ret->synced_wall_ns) || synced.len)
		return broken(reterr, "its head is incomplete");
	return 0;
}

/* lines: the names and lengths; texts: what they tell of. */
static int parse_documents(struct toll_slice lines, struct toll_slice texts, struct toll_edition *e,
                           struct toll_error *reterr)
{
	struct toll_slice line;

	while (take_line(&lines, "document ", &line)) {
		uint64_t len;
		int err;

		if (!take_number(&line, &len) || len > texts.len)
			return broken(reterr, "a document is cut short");
		err = toll_edition_add_copy(e, line, toll_slice(texts.ptr, (size_t)len));
		if (err)
			return toll_fail(reterr, err, "the price cache: %s", toll_err_text(err));
		texts = toll_slice(texts.ptr + len, texts.len - (size_t)len);
	}
	return e->count && !texts.len ? 0 : broken(reterr, "its documents do not add up");
}

int toll_price_cache_parse(struct toll_slice text, struct toll_price_cache *ret,
                           struct toll_error *reterr)
{
	struct toll_slice lines, line;
	int err = check_hash(&text, reterr);

	memset(ret, 0, sizeof(*ret));
	if (!err)
		err = parse_head(&text, ret, reterr);
	if (err)
		return err;
	lines = text;
	while (take_line(&text, "document ", &line))
		;
	lines.len -= text.len;
	if (!take_line(&text, "", &line) || line.len)
		return broken(reterr, "its head has no end");
	ret->edition = toll_edition_new();
	if (!ret->edition)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = parse_documents(lines, text, ret->edition, reterr);
	if (err)
		ret->edition = toll_edition_unref(ret->edition);
	return err;
}

static int fail_errno(struct toll_error *reterr, const char *path)
{
	int err = errno;

	toll_fail(reterr, TOLL_EDOWN, "%s: %s", path, strerror(err));
	errno = err;
	return TOLL_EDOWN;
}

/* NULL: *ret_err says why. */
static char *read_all(FILE *f, size_t *ret_len, int *ret_err)
{
	struct stat st;
	char *text;

	*ret_err = TOLL_EINVALID;
	if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
	    (uint64_t)st.st_size > TOLL_EDITION_MAX_BYTES + HEAD_MAX)
		return NULL;
	*ret_err = TOLL_ENOMEM;
	text = malloc((size_t)st.st_size + 1);
	if (text)
		*ret_len = fread(text, 1, (size_t)st.st_size, f);
	return text;
}

int toll_price_cache_read(const char *path, struct toll_price_cache *ret, struct toll_error *reterr)
{
	int err, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	size_t len = 0;
	char *text;

	if (!f) {
		err = fail_errno(reterr, path);
		if (fd >= 0)
			close(fd);
		return err;
	}
	text = read_all(f, &len, &err);
	fclose(f);
	if (!text)
		return toll_fail(reterr, err, "%s",
		                 err == TOLL_ENOMEM ? "out of memory"
		                                    : "the price cache is no file of "
		                                      "at most 32 MiB");
	err = toll_price_cache_parse(toll_slice(text, len), ret, reterr);
	free(text);
	return err;
}

/* ---- writing ---- */

static void put_head(FILE *out, const struct toll_price_cache *c)
{
	fprintf(out, "source %s\netag %s\nsynced %" PRIu64 "\n", c->source, c->etag.text,
	        c->synced_wall_ns);
	for (uint32_t i = 0; i < c->edition->count; i++) {
		const struct toll_edition_document *d = &c->edition->documents[i];

		if (!d->borrowed)
			fprintf(out, "document %zu %s\n", d->text.len, d->name.ptr);
	}
	fputc('\n', out);
}

/* Everything behind the line of the hash; NULL: out of memory. */
static char *print_body(const struct toll_price_cache *c, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	if (!out)
		return NULL;
	put_head(out, c);
	for (uint32_t i = 0; i < c->edition->count; i++) {
		const struct toll_edition_document *d = &c->edition->documents[i];

		if (!d->borrowed)
			fwrite(d->text.ptr, 1, d->text.len, out);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* 0 or errno. */
static int write_file(const char *path, struct toll_slice body)
{
	char text[sizeof(MAGIC) + 32];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), err;
	struct toll_slice head;

	if (fd < 0)
		return errno;
	snprintf(text, sizeof(text), MAGIC "\nhash %016" PRIx64 "\n", toll_hash(body));
	head = toll_slice_str(text);
	err = toll_write_all(fd, &head);
	if (!err)
		err = toll_write_all(fd, &body);
	if (!err && fsync(fd))
		err = errno;
	if (close(fd) && !err)
		err = errno;
	return err;
}

/* So that the new name is on the disk too. */
static int sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int err = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	free(directory);
	return err;
}

static int replace(const char *path, struct toll_slice body, struct toll_error *reterr)
{
	char *beside;
	int err = 0;

	if (asprintf(&beside, "%s.new", path) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	errno = write_file(beside, body);
	if (errno || rename(beside, path) < 0 || sync_directory(path) < 0)
		err = fail_errno(reterr, path);
	if (err)
		unlink(beside);
	free(beside);
	return err;
}

int toll_price_cache_write(const char *path, const struct toll_price_cache *c,
                           struct toll_error *reterr)
{
	size_t len = 0;
	char *body = print_body(c, &len);
	int err;

	if (!body)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = replace(path, toll_slice(body, len), reterr);
	free(body);
	return err;
}
