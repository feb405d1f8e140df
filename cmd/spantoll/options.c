/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/scalar.h"
#include "config/suggest.h"

bool toll_colour_wanted(int fd)
{
	const char *no = getenv("NO_COLOR");

	return isatty(fd) && !(no && *no);
}

static void print_help(const struct toll_usage *u)
{
	printf("Usage: spantoll %s [flags]%s%s\n\n%s\nFlags:\n", u->verb, u->args ? " " : "",
	       u->args ? u->args : "", u->about);
	for (const struct toll_option *o = u->options; o->name; o++) {
		char head[64];

		snprintf(head, sizeof(head), "--%s%s%s", o->name, o->value ? " " : "",
		         o->value ? o->value : "");
		printf("  %-24s %s\n", head, o->help);
	}
	printf("  %-24s %s\n", "--help", "this text");
	if (u->ending)
		printf("\n%s", u->ending);
}

static const struct toll_option *find_option(const struct toll_usage *u, struct toll_slice name)
{
	for (const struct toll_option *o = u->options; o->name; o++)
		if (toll_slice_is(name, o->name))
			return o;
	return NULL;
}

static int unknown_flag(const struct toll_usage *u, struct toll_slice name)
{
	struct toll_suggest s;

	toll_suggest_init(&s, name);
	for (const struct toll_option *o = u->options; o->name; o++)
		toll_suggest_offer(&s, o->name);
	fprintf(stderr, "spantoll %s: unknown flag --%.*s", u->verb, TOLL_FMT(name));
	if (s.best)
		fprintf(stderr, ", did you mean --%s?", s.best);
	fprintf(stderr, " (spantoll %s --help lists them)\n", u->verb);
	return TOLL_EXIT_USAGE;
}

static int bad_value(const struct toll_usage *u, const struct toll_option *o, const char *value,
                     const char *wanted)
{
	fprintf(stderr, "spantoll %s: --%s: \"%s\" is no %s\n", u->verb, o->name, value, wanted);
	return TOLL_EXIT_USAGE;
}

static int set_flag(const struct toll_usage *u, const struct toll_option *o, const char *value)
{
	if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return bad_value(u, o, value, "true or false");
	*o->flag = !value || strcmp(value, "true") == 0;
	return -1;
}

static int set_number(const struct toll_usage *u, const struct toll_option *o, const char *value)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno || end == value || *end || n < 0)
		return bad_value(u, o, value, "whole number");
	*o->number = n;
	return -1;
}

static int set_duration(const struct toll_usage *u, const struct toll_option *o, const char *value)
{
	if (toll_scalar_duration(toll_slice_str(value), o->duration))
		return bad_value(u, o, value, "duration (200ms, 5s, 1h30m)");
	return -1;
}

static int add_to_list(const struct toll_usage *u, const struct toll_option *o, const char *value)
{
	if (o->list->count == TOLL_OPTION_LIST_MAX) {
		fprintf(stderr, "spantoll %s: --%s is given more than %d times\n", u->verb, o->name,
		        TOLL_OPTION_LIST_MAX);
		return TOLL_EXIT_USAGE;
	}
	o->list->at[o->list->count++] = value;
	return -1;
}

static int set_value(const struct toll_usage *u, const struct toll_option *o, const char *value)
{
	if (o->number)
		return set_number(u, o, value);
	if (o->duration)
		return set_duration(u, o, value);
	if (o->list)
		return add_to_list(u, o, value);
	*o->text = value;
	return -1;
}

/* Remembers that the option was there; it may have been already. */
static bool is_given(uint64_t *given, size_t index)
{
	uint64_t bit = index < 64 ? (uint64_t)1 << index : 0;
	bool was = *given & bit;

	*given |= bit;
	return was;
}

/* One argument that begins with "--"; *i moves on when the value is the next argument. */
static int take_flag(const struct toll_usage *u, int argc, char **argv, int *i, uint64_t *given)
{
	const char *word = argv[*i] + 2;
	const char *equals = strchr(word, '=');
	struct toll_slice name = toll_slice(word, equals ? (size_t)(equals - word) : strlen(word));
	const struct toll_option *o = find_option(u, name);
	const char *value = equals ? equals + 1 : NULL;

	if (!o)
		return unknown_flag(u, name);
	if (o->flag)
		return set_flag(u, o, value);
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if (!value) {
		fprintf(stderr, "spantoll %s: --%s needs a value: --%s %s\n", u->verb, o->name,
		        o->name, o->value);
		return TOLL_EXIT_USAGE;
	}
	if (!o->list && is_given(given, (size_t)(o - u->options))) {
		fprintf(stderr, "spantoll %s: --%s is given twice\n", u->verb, o->name);
		return TOLL_EXIT_USAGE;
	}
	return set_value(u, o, value);
}

static bool is_flag(const char *word)
{
	return word[0] == '-' && word[1];
}

/* What is no flag goes to where flags have been read already, and to the end when all are. */
static int take_words(const struct toll_usage *u, bool mixed, int argc, char **argv, int *ret_rest)
{
	uint64_t given = 0;
	int i, kept = 1, rc;

	for (i = 1; i < argc && (mixed || is_flag(argv[i])); i++) {
		if (!is_flag(argv[i])) {
			argv[kept++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help(u);
			return TOLL_EXIT_OK;
		}
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][1] != '-')
			return unknown_flag(u, toll_slice_str(argv[i] + 1));
		rc = take_flag(u, argc, argv, &i, &given);
		if (rc >= 0)
			return rc;
	}
	*ret_rest = i - (kept - 1);
	memmove(argv + *ret_rest, argv + 1, (size_t)(kept - 1) * sizeof(*argv));
	return -1;
}

static int parse(const struct toll_usage *u, bool mixed, int argc, char **argv, int *ret_rest)
{
	int rest = argc, rc = take_words(u, mixed, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (rest < argc && !u->args) {
		fprintf(stderr, "spantoll %s: takes no argument: \"%s\"\n", u->verb, argv[rest]);
		return TOLL_EXIT_USAGE;
	}
	if (ret_rest)
		*ret_rest = rest;
	return -1;
}

int toll_options_parse(const struct toll_usage *u, int argc, char **argv, int *ret_rest)
{
	return parse(u, false, argc, argv, ret_rest);
}

int toll_options_parse_mixed(const struct toll_usage *u, int argc, char **argv, int *ret_rest)
{
	return parse(u, true, argc, argv, ret_rest);
}
