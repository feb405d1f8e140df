/* SPDX-License-Identifier: Apache-2.0 */
/* prices_verb.h - what the verbs of `spantoll prices` share: the books they read. */
#ifndef TOLL_CMD_PRICES_VERB_H
#define TOLL_CMD_PRICES_VERB_H

#include "cmd/spantoll/options.h"
#include "config/config.h"
#include "cost/pricebook.h"

#define TOLL_PRICES_VERB(name, function, help) int function(int argc, char **argv);
#include "cmd/spantoll/prices_verbs.def"

/* Where prices are said to come from; {0} to begin with. */
struct toll_prices_flags {
	struct toll_option_list config, set;
	const char *book;
};

/* clang-format off */
#define TOLL_PRICES_OPTIONS(flags)                                                                 \
	{ "config", "LOCATION", "the prices of a configuration: catalogue and files of its pricebook", \
	  .list = &(flags)->config },                                                               \
	{ "set", "KEY=VALUE", "one setting, over those of --config", .list = &(flags)->set },        \
	{ "book", "ID", "which pricebook of the configuration, where there are several",            \
	  .text = &(flags)->book }
/* clang-format on */

enum { TOLL_PRICES_DOCUMENTS = 64 };

/* Documents, lowest layer first, and the book made of them. */
struct toll_prices_book {
	struct toll_pricebook *book; /* NULL: not compiled, or refused */
	struct toll_findings findings;
	struct toll_arena arena;
	const char *names[TOLL_PRICES_DOCUMENTS]; /* by layer; in the arena */
	struct toll_slice texts[TOLL_PRICES_DOCUMENTS];
	uint32_t count;
};

/* Opens what flags or files (a path, "-", "catalogue", "catalogue:SECTION") name; the catalogue
 * where they name nothing. Faults become findings. */
void toll_prices_book_open(struct toll_prices_book *b, const struct toll_prices_flags *flags,
                           char **files, int count);
/* Reads the documents; the book is there afterwards unless there are errors among the findings. */
void toll_prices_book_compile(struct toll_prices_book *b);
void toll_prices_book_release(struct toll_prices_book *b);

/* Both, with findings told on stderr where there are errors; an enum toll_exit. */
int toll_prices_book_load(struct toll_prices_book *b, const struct toll_prices_flags *flags,
                          char **files, int count);

#endif
