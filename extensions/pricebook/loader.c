/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/pricebook/loader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "cost/pricebook.h"
#include "net/http_client.h"

#define TIMEOUT_NS (5 * TOLL_S)

/* The texts of all documents, one after the other in the order of the settings. */
struct document {
	const char *name;
	char *text;
	size_t len;
};

/* ---- reading files ---- */

static int fail_file(const char *path, struct toll_error *reterr)
{
	int err = errno == ENOMEM ? TOLL_ENOMEM : TOLL_EDOWN;

	return toll_fail(reterr, err, "%s: %s", path, strerror(errno));
}

/* One byte more than allowed is enough to know that it is too large. */
static int read_stream(FILE *f, struct document *d, struct toll_error *reterr)
{
	const size_t most = TOLL_PRICES_MAX_BYTES + 1;
	size_t room = 0, n;

	do {
		char *text;

		room = room ? room * 2 : 65536;
		room = room < most ? room : most;
		text = realloc(d->text, room);
		if (!text)
			return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", d->name);
		d->text = text;
		n = fread(d->text + d->len, 1, room - d->len, f);
		d->len += n;
	} while (d->len == room && room < most);
	return ferror(f) ? fail_file(d->name, reterr) : 0;
}

static int read_file(const char *path, struct document *ret, struct toll_error *reterr)
{
	FILE *f = fopen(path, "re");
	int err;

	ret->name = path;
	if (!f)
		return fail_file(path, reterr);
	err = read_stream(f, ret, reterr);
	fclose(f);
	return err;
}

static int fetch(const char *url, const atomic_bool *abort, struct document *ret,
                 struct toll_error *reterr)
{
	const struct toll_http_get get = { .url = url,
		                           .timeout_ns = TIMEOUT_NS,
		                           .max_bytes = TOLL_PRICES_MAX_BYTES,
		                           .abort = abort };

	ret->name = "price endpoint";
	return toll_http_get(&get, &ret->text, &ret->len, reterr);
}

/* ---- building the book ---- */

static struct toll_pricebook *new_book(const struct document *at, size_t count)
{
	struct toll_pricebook *book;
	uint64_t hash = 0;
	char version[20];

	for (size_t i = 0; i < count; i++)
		hash = toll_hash_seeded(toll_slice(at[i].text, at[i].len), hash);
	snprintf(version, sizeof(version), "%016" PRIx64, hash);
	book = toll_pricebook_new(toll_slice_str(version));
	if (book)
		toll_pricebook_set_sync(book, toll_clock_wall_ns());
	return book;
}

static int read_documents(const struct document *at, size_t count, struct toll_pricebook **ret,
                          struct toll_prices_notes *notes, struct toll_error *reterr)
{
	struct toll_pricebook *book = new_book(at, count);
	int err = 0;

	if (!book)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	for (size_t i = 0; i < count && !err; i++)
		err = toll_prices_json_read(toll_slice(at[i].text, at[i].len), at[i].name, book,
		                            notes, reterr);
	if (err)
		toll_shared_unref(toll_pricebook_shared(book));
	else
		*ret = book;
	return err;
}

int toll_prices_load(const struct toll_prices_settings *from, const atomic_bool *abort,
                     struct toll_pricebook **ret_book, struct toll_prices_notes *notes,
                     struct toll_error *reterr)
{
	size_t count = from->files.count ? from->files.count : 1;
	struct document *at = calloc(count, sizeof(*at));
	int err = 0;

	if (!at)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (from->endpoint.len)
		err = fetch(from->endpoint.ptr, abort, &at[0], reterr);
	for (size_t i = 0; i < from->files.count && !err; i++)
		err = read_file(from->files.at[i].ptr, &at[i], reterr);
	if (!err)
		err = read_documents(at, count, ret_book, notes, reterr);
	for (size_t i = 0; i < count; i++)
		free(at[i].text);
	free(at);
	return err;
}
