/* SPDX-License-Identifier: Apache-2.0 */
/* prices_validate.c - `spantoll prices validate`: all that is wrong with price documents. */
#include <stdio.h>

#include "cmd/spantoll/findings_json.h"
#include "cmd/spantoll/prices_verb.h"
#include "cmd/spantoll/setup.h"

static void print_text(const struct toll_prices_book *b)
{
	toll_setup_explain(&b->findings);
	if (!b->book)
		return;
	for (uint32_t i = 0; i < b->count; i++)
		printf("%s: valid\n", b->names[i]);
	printf("%u rules, %u units\n", toll_pricebook_rule_count(b->book),
	       toll_pricebook_unit_count(b->book));
}

int toll_prices_verb_validate(int argc, char **argv)
{
	struct toll_prices_flags flags = { 0 };
	bool json = false;
	const struct toll_option options[] = {
		TOLL_PRICES_OPTIONS(&flags),
		{ "json", NULL, "findings as JSON on stdout", .flag = &json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"prices validate", "FILE...",
		"Checks price documents, in format v1 or the seed's, as one book: later files lie "
		"over\n"
		"earlier ones. Tells everything that is wrong, each with file, line, column and "
		"path.\n",
		"Exit status: 0 they can be used (there may be warnings), 3 they cannot.\n", options
	};
	struct toll_prices_book b;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (rest == argc && !flags.config.count) {
		fputs("spantoll prices validate: name a FILE, \"catalogue\", or --config\n",
		      stderr);
		return TOLL_EXIT_USAGE;
	}
	toll_prices_book_open(&b, &flags, argv + rest, argc - rest);
	toll_prices_book_compile(&b);
	if (json)
		toll_findings_json(&b.findings);
	else
		print_text(&b);
	rc = b.book ? TOLL_EXIT_OK : TOLL_EXIT_CONFIG;
	toll_prices_book_release(&b);
	return rc;
}
