/* SPDX-License-Identifier: Apache-2.0 */
/* verb_prices.c - `spantoll prices <verb>`: picks the verb of prices_verbs.def. */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/prices_verb.h"
#include "cmd/spantoll/verb.h"
#include "config/suggest.h"

static const struct toll_verb verbs[] = {
#define TOLL_PRICES_VERB(name, function, help) { name, function, help },
#include "cmd/spantoll/prices_verbs.def"
};

static int print_help(void)
{
	fputs("Usage: spantoll prices <verb> [flags] [FILE...]\n\n"
	      "Reads price documents and shows what they say. A FILE is a document in YAML or "
	      "JSON,\n"
	      "\"catalogue\" for the prices that ship with the program, or \"catalogue:SECTION\" "
	      "for a\n"
	      "part of them. Later files lie over earlier ones.\n\nVerbs:\n",
	      stdout);
	for (size_t i = 0; i < TOLL_COUNT(verbs); i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
	fputs("\nspantoll prices <verb> --help tells the flags of a verb; docs/prices.md tells the "
	      "format.\n",
	      stdout);
	return TOLL_EXIT_OK;
}

static int unknown(const char *name)
{
	struct toll_suggest s;

	if (*name == '-') {
		fprintf(stderr,
		        "spantoll prices: unknown flag %s: name a verb first (spantoll prices "
		        "--help)\n",
		        name);
		return TOLL_EXIT_USAGE;
	}
	toll_suggest_init(&s, toll_slice_str(name));
	for (size_t i = 0; i < TOLL_COUNT(verbs); i++)
		toll_suggest_offer(&s, verbs[i].name);
	fprintf(stderr, "spantoll prices: unknown verb \"%s\"", name);
	if (s.best)
		fprintf(stderr, ", did you mean \"%s\"?", s.best);
	fputs(" (spantoll prices --help lists them)\n", stderr);
	return TOLL_EXIT_USAGE;
}

int toll_verb_prices(int argc, char **argv)
{
	if (argc < 2) {
		fputs("spantoll prices: name a verb (spantoll prices --help lists them)\n", stderr);
		return TOLL_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help();
	for (size_t i = 0; i < TOLL_COUNT(verbs); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return verbs[i].main(argc - 1, argv + 1);
	return unknown(argv[1]);
}
