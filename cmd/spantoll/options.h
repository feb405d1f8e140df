/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - command-line flags of one verb: a table that both parses them and prints --help. */
#ifndef TOLL_CMD_OPTIONS_H
#define TOLL_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLL_OPTION_LIST_MAX 100

/* What the program's exit status says. */
enum toll_exit {
	TOLL_EXIT_OK = 0,
	TOLL_EXIT_FAILED = 1, /* could not start, or stopped by a fault */
	TOLL_EXIT_USAGE = 2,  /* unknown verb or flag */
	TOLL_EXIT_CONFIG = 3, /* the configuration is wrong; findings are on stderr */
};

/* The values of a flag that may be given several times, in their order; they point into argv. */
struct toll_option_list {
	const char *at[TOLL_OPTION_LIST_MAX];
	size_t count;
};

/* One flag. Exactly one of text, flag, duration, number, list is set: where the value goes. */
struct toll_option {
	const char *name;  /* without "--"; NULL ends the table */
	const char *value; /* what --help calls the value: "FILE"; NULL for flags */
	const char *help;
	const char **text;  /* points into argv */
	bool *flag;         /* --name; --name=false too */
	uint64_t *duration; /* nanoseconds, Go syntax: "1m30s" */
	int64_t *number;    /* >= 0 */
	struct toll_option_list *list;
};

#define TOLL_OPTION_END                 \
	{                               \
		.name = (const char *)0 \
	}

struct toll_usage {
	const char *verb;   /* "validate" */
	const char *args;   /* after the flags: "[FILE]"; NULL: none are taken */
	const char *about;  /* what it does; one or more full lines, each ending in \n */
	const char *ending; /* examples, exit status; may be NULL */
	const struct toll_option *options;
};

/* Reads argv[1..argc-1]; argv[0] is the verb. Returns -1 to go on, else the status to exit with
 * (--help was printed, or a fault was named on stderr). *ret_rest: index of the first argument that
 * is no flag; may be NULL when usage->args is NULL. */
int toll_options_parse(const struct toll_usage *usage, int argc, char **argv, int *ret_rest);
/* The same, where flags may follow arguments: argv is put into order, flags first. */
int toll_options_parse_mixed(const struct toll_usage *usage, int argc, char **argv, int *ret_rest);

/* Colour on this stream: a terminal, and NO_COLOR unset or empty. */
bool toll_colour_wanted(int fd);

#endif
