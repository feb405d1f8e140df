/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/verb_group.h"

#include <stdio.h>
#include <string.h>

#include "cmd/spantoll/options.h"
#include "config/suggest.h"

static int print_help(const struct toll_verb_group *g)
{
	printf("Usage: spantoll %s <verb> [flags]%s%s\n\n%s\nVerbs:\n", g->name,
	       *g->args ? " " : "", g->args, g->about);
	for (size_t i = 0; i < g->count; i++)
		printf("  %-10s %s\n", g->verbs[i].name, g->verbs[i].help);
	printf("\n%s", g->ending);
	return TOLL_EXIT_OK;
}

static int unknown(const struct toll_verb_group *g, const char *name)
{
	struct toll_suggest s;

	if (*name == '-') {
		fprintf(stderr,
		        "spantoll %s: unknown flag %s: name a verb first (spantoll %s --help)\n",
		        g->name, name, g->name);
		return TOLL_EXIT_USAGE;
	}
	toll_suggest_init(&s, toll_slice_str(name));
	for (size_t i = 0; i < g->count; i++)
		toll_suggest_offer(&s, g->verbs[i].name);
	fprintf(stderr, "spantoll %s: unknown verb \"%s\"", g->name, name);
	if (s.best)
		fprintf(stderr, ", did you mean \"%s\"?", s.best);
	fprintf(stderr, " (spantoll %s --help lists them)\n", g->name);
	return TOLL_EXIT_USAGE;
}

int toll_verb_group_run(const struct toll_verb_group *g, int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "spantoll %s: name a verb (spantoll %s --help lists them)\n",
		        g->name, g->name);
		return TOLL_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help(g);
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->verbs[i].name, argv[1]) == 0)
			return g->verbs[i].main(argc - 1, argv + 1);
	return unknown(g, argv[1]);
}
