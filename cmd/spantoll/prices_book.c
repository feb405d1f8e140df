/* SPDX-License-Identifier: Apache-2.0 */
/* prices_book.c - files, the catalogue or a configuration -> the price book that a verb shows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/spantoll/prices_verb.h"
#include "cmd/spantoll/setup.h"
#include "cost/price_builder.h"
#include "pipeline/factory.h"
#include "prices/catalogue.h"
#include "prices/document.h"
#include "prices/settings.h"

#define TEXTS_LIMIT ((size_t)256 * 1024 * 1024)

static void complain(struct toll_prices_book *b, const char *name, const char *path,
                     const char *why)
{
	const struct toll_place at = { .file = name };

	toll_findings_add(&b->findings, TOLL_FINDING_ERROR, at, path, "%s", why);
}

static void add_document(struct toll_prices_book *b, const char *name, struct toll_slice text)
{
	const char *copy = toll_arena_strdup(&b->arena, toll_slice_str(name));

	if (b->count == TOLL_PRICES_DOCUMENTS) {
		complain(b, name, "", "too many documents: at most 64");
	} else if (!copy) {
		complain(b, name, "", "out of memory");
	} else {
		b->names[b->count] = copy;
		b->texts[b->count++] = text;
	}
}

/* ---- files ---- */

/* One byte more than allowed is enough to know that it is too large. */
static struct toll_slice read_stream(struct toll_prices_book *b, FILE *f)
{
	const size_t most = TOLL_PRICES_MAX_BYTES + 1;
	struct toll_slice copy;
	char *text = malloc(most);
	size_t len;

	if (!text)
		return toll_slice(NULL, 0);
	len = fread(text, 1, most, f);
	copy = toll_arena_dup(&b->arena, toll_slice(text, len));
	free(text);
	return copy;
}

static void add_stream(struct toll_prices_book *b, const char *name, FILE *f)
{
	struct toll_slice text;

	errno = 0;
	text = read_stream(b, f);
	if (ferror(f))
		complain(b, name, "", strerror(errno));
	else if (!text.ptr)
		complain(b, name, "", "out of memory");
	else
		add_document(b, name, text);
}

static void add_file(struct toll_prices_book *b, const char *path)
{
	FILE *f;

	if (strcmp(path, "-") == 0) {
		add_stream(b, "standard input", stdin);
		return;
	}
	f = fopen(path, "re");
	if (!f) {
		complain(b, path, "", strerror(errno));
		return;
	}
	add_stream(b, path, f);
	fclose(f);
}

/* ---- the catalogue ---- */

static void add_section(struct toll_prices_book *b, const char *section, struct toll_slice text)
{
	char name[64];

	snprintf(name, sizeof(name), "catalogue:%s", section);
	add_document(b, name, text);
}

static void add_catalogue(struct toll_prices_book *b)
{
	struct toll_slice text;
	const char *section;

	for (unsigned i = 0; (text = toll_catalogue_document(i, &section)).ptr; i++)
		if (toll_catalogue_is_preset(i))
			add_section(b, section, text);
}

static void add_one_section(struct toll_prices_book *b, const char *name, const char *wanted)
{
	char known[256] = "";
	struct toll_slice text;
	const char *section;

	for (unsigned i = 0; (text = toll_catalogue_document(i, &section)).ptr; i++) {
		size_t len = strlen(known);

		if (strcmp(section, wanted) == 0) {
			add_section(b, section, text);
			return;
		}
		snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "", section);
	}
	toll_findings_add(&b->findings, TOLL_FINDING_ERROR, (struct toll_place){ .file = name }, "",
	                  "there is no such section of the catalogue; there are %s", known);
}

static void add_named(struct toll_prices_book *b, const char *name)
{
	if (strncmp(name, "--", 2) == 0)
		complain(b, name, "", "flags go before files");
	else if (strcmp(name, "catalogue") == 0)
		add_catalogue(b);
	else if (strncmp(name, "catalogue:", 10) == 0)
		add_one_section(b, name, name + 10);
	else
		add_file(b, name);
}

/* ---- a configuration ---- */

static const struct toll_prices_settings *settings_of(const struct toll_config_component *c)
{
	const struct toll_factory *factory = c->type->owner;

	if (strcmp(c->type->type, "pricebook") == 0)
		return c->settings;
	if (factory && factory->implied_type && strcmp(factory->implied_type, "pricebook") == 0)
		return factory->implied(c->settings);
	return NULL;
}

/* The only pricebook, or the one that is wanted; NULL: none, or *ret_several. */
static const struct toll_config_component *find_book(const struct toll_config *c,
                                                     const char *wanted, bool *ret_several)
{
	static const enum toll_section sections[] = { TOLL_SECTION_EXTENSIONS,
		                                      TOLL_SECTION_PROCESSORS };
	const struct toll_config_component *found = NULL;

	*ret_several = false;
	for (size_t s = 0; s < TOLL_COUNT(sections); s++)
		for (size_t i = 0; i < c->component_count[sections[s]]; i++) {
			const struct toll_config_component *at = &c->components[sections[s]][i];

			if (!settings_of(at) || (wanted && strcmp(at->id, wanted) != 0))
				continue;
			*ret_several = *ret_several || found;
			found = at;
		}
	return *ret_several ? NULL : found;
}

static void add_chosen_sections(struct toll_prices_book *b, const struct toll_prices_settings *s)
{
	struct toll_slice text;
	const char *section;

	for (unsigned i = 0; (text = toll_catalogue_document(i, &section)).ptr; i++)
		if (toll_prices_has_section(s, i))
			add_section(b, section, text);
}

static void add_settings(struct toll_prices_book *b, const struct toll_config *config,
                         const struct toll_config_component *c)
{
	const struct toll_prices_settings *s = settings_of(c);

	if (s->endpoint.len)
		complain(b, config->file, c->id,
		         "takes its prices from an endpoint: save what it answers (curl -o "
		         "prices.json URL) and name that file");
	add_chosen_sections(b, s);
	for (size_t i = 0; i < s->files.count; i++)
		add_file(b, s->files.at[i].ptr);
}

static void add_configuration(struct toll_prices_book *b, const struct toll_prices_flags *flags)
{
	const struct toll_setup_flags setup = { .config = flags->config, .set = flags->set };
	const struct toll_config_source source = toll_setup_source(&setup);
	const struct toll_config_component *c;
	struct toll_config *config = NULL;
	bool several;

	if (toll_setup_load(&source, &config, &b->findings) < 0)
		return;
	c = find_book(config, flags->book, &several);
	if (c)
		add_settings(b, config, c);
	else
		complain(b, config->file, "",
		         several ? "there are several pricebooks: choose one with --book ID"
		                 : "there is no such extension pricebook, and no prices in the "
		                   "processor pricing");
	toll_config_free(config);
}

/* ---- the book ---- */

void toll_prices_book_open(struct toll_prices_book *b, const struct toll_prices_flags *flags,
                           char **files, int count)
{
	*b = (struct toll_prices_book){ .book = NULL };
	toll_arena_init(&b->arena, TEXTS_LIMIT);
	if (flags->config.count)
		add_configuration(b, flags);
	else if (!count)
		add_catalogue(b);
	for (int i = 0; i < count; i++)
		add_named(b, files[i]);
}

static void finish(struct toll_prices_book *b, struct toll_pricebook_builder *take_builder)
{
	struct toll_error why = { 0 };

	if (b->findings.errors)
		toll_pricebook_builder_free(take_builder);
	else if (toll_pricebook_builder_finish(take_builder, TOLL_SLICE(""), &b->book, &why) < 0)
		complain(b, b->count ? b->names[b->count - 1] : "", "", why.text);
}

void toll_prices_book_compile(struct toll_prices_book *b)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	int err = builder ? 0 : TOLL_ENOMEM;

	/* A document with errors does not hide those of the next one. */
	for (uint32_t i = 0; i < b->count && (!err || err == TOLL_EINVALID); i++)
		err = toll_prices_read(b->texts[i], b->names[i], i, builder, &b->findings);
	if (builder)
		finish(b, builder);
	else
		complain(b, "", "", "out of memory");
	toll_findings_sort(&b->findings);
}

void toll_prices_book_release(struct toll_prices_book *b)
{
	if (b->book)
		toll_shared_unref(toll_pricebook_shared(b->book));
	toll_findings_release(&b->findings);
	toll_arena_release(&b->arena);
}

int toll_prices_book_load(struct toll_prices_book *b, const struct toll_prices_flags *flags,
                          char **files, int count)
{
	toll_prices_book_open(b, flags, files, count);
	if (!b->findings.errors)
		toll_prices_book_compile(b);
	if (b->book)
		return TOLL_EXIT_OK;
	toll_setup_explain(&b->findings);
	return TOLL_EXIT_CONFIG;
}
