/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/pricebook/loader.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cost/price_builder.h"
#include "net/http_client.h"
#include "prices/catalogue.h"

#define TIMEOUT_NS (5 * TOLL_S)

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

static int fetch(const struct toll_prices_settings *from, struct toll_http_etag *etag,
                 const atomic_bool *abort, struct document *ret, struct toll_error *reterr)
{
	const struct toll_http_get get = { .url = from->endpoint.ptr,
		                           .timeout_ns = TIMEOUT_NS,
		                           .max_bytes = TOLL_PRICES_MAX_BYTES,
		                           .abort = abort,
		                           .ca_file = toll_text_or_null(from->tls.ca_file),
		                           .cert_file = toll_text_or_null(from->tls.cert_file),
		                           .key_file = toll_text_or_null(from->tls.key_file),
		                           .skip_verify = from->tls.insecure_skip_verify,
		                           .etag = etag };

	ret->name = "price endpoint";
	return toll_http_get(&get, &ret->text, &ret->len, reterr);
}

/* ---- an edition of them ---- */

static int fail_to_add(const char *name, int err, struct toll_error *reterr)
{
	if (err == TOLL_EFULL)
		return toll_fail(reterr, err, "%s: there are more than %u price documents", name,
		                 TOLL_EDITION_DOCUMENTS);
	if (err == TOLL_ETOOBIG)
		return toll_fail(reterr, err, "%s: the price documents have more than %zu bytes",
		                 name, TOLL_EDITION_MAX_BYTES);
	return toll_fail(reterr, err, "%s: %s", name, toll_err_text(err));
}

static int add(struct toll_edition *e, struct document *d, struct toll_error *reterr)
{
	int err = toll_edition_add(e, toll_slice_str(d->name), d->text, d->len);

	d->text = NULL;
	return err ? fail_to_add(d->name, err, reterr) : 0;
}

static int add_files(struct toll_edition *e, const struct toll_prices_settings *from,
                     struct toll_error *reterr)
{
	int err = 0;

	for (size_t i = 0; i < from->files.count && !err; i++) {
		struct document d = { .len = 0 };

		err = read_file(from->files.at[i].ptr, &d, reterr);
		if (!err)
			err = add(e, &d, reterr);
		free(d.text);
	}
	return err;
}

static int add_catalogue(struct toll_edition *e, const struct toll_prices_settings *from)
{
	struct toll_slice text;
	const char *name;
	int err = 0;

	for (unsigned i = 0; !err && (text = toll_catalogue_document(i, &name)).ptr; i++) {
		char full[64];

		snprintf(full, sizeof(full), "catalogue/%s.yaml", name);
		if (toll_prices_has_section(from, i))
			err = toll_edition_add_borrowed(e, toll_slice_str(full), text);
	}
	return err;
}

static int add_copies(struct toll_edition *to, const struct toll_edition *from)
{
	int err = 0;

	for (uint32_t i = 0; i < from->count && !err; i++) {
		err = toll_edition_add_copy(to, from->documents[i].name, from->documents[i].text);
	}
	return err;
}

struct toll_edition *toll_prices_over_catalogue(const struct toll_prices_settings *from,
                                                struct toll_edition *take_e)
{
	struct toll_edition *e = toll_edition_new();
	int err = e ? add_catalogue(e, from) : TOLL_ENOMEM;

	if (!err && e->count)
		err = add_copies(e, take_e);
	if (!err && !e->count) { /* there is none */
		toll_edition_unref(e);
		return take_e;
	}
	toll_edition_unref(take_e);
	return err ? toll_edition_unref(e) : e;
}

static int fill(struct toll_edition *e, const struct toll_prices_settings *from,
                struct toll_http_etag *etag, const atomic_bool *abort, struct toll_error *reterr)
{
	struct document d = { .len = 0 };
	int err = add_catalogue(e, from);

	if (err)
		return fail_to_add("catalogue", err, reterr);
	if (!from->endpoint.len)
		return add_files(e, from, reterr);
	err = fetch(from, etag, abort, &d, reterr);
	return d.text && !err ? add(e, &d, reterr) : err;
}

int toll_prices_fetch(const struct toll_prices_settings *from, struct toll_http_etag *etag,
                      const atomic_bool *abort, struct toll_edition **ret_edition,
                      struct toll_error *reterr)
{
	struct toll_edition *e = toll_edition_new();
	int err;

	if (!e)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	etag->unchanged = false;
	err = fill(e, from, etag, abort, reterr);
	if (err || etag->unchanged)
		e = toll_edition_unref(e);
	*ret_edition = e;
	return err;
}

/* ---- compiling ---- */

int toll_prices_compile(struct toll_edition *e, struct toll_prices_notes *notes,
                        struct toll_error *reterr)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	int err = 0;

	if (!builder)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	for (uint32_t i = 0; i < e->count && !err; i++)
		err = toll_prices_read_briefly(e->documents[i].text, e->documents[i].name.ptr,
		                               e->documents[i].borrowed ? 0 : i + 1, builder, notes,
		                               reterr);
	if (!err)
		err = toll_pricebook_builder_finish(builder, toll_slice_str(e->version), &e->book,
		                                    reterr);
	else
		toll_pricebook_builder_free(builder);
	malloc_trim(0); /* while they were read the documents took several times the book */
	return err;
}
