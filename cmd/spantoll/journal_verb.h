/* SPDX-License-Identifier: Apache-2.0 */
/* journal_verb.h - what the verbs of `spantoll journal` share: how a journal is opened, read
 * through and told of. They write nothing, and work beside the daemon that has it. */
#ifndef TOLL_CMD_JOURNAL_VERB_H
#define TOLL_CMD_JOURNAL_VERB_H

#include <stdio.h>

#include "cmd/spantoll/options.h"
#include "pipeline/journal_peek.h"

#define TOLL_JOURNAL_VERB(name, function, help) int function(int argc, char **argv);
#include "cmd/spantoll/journal_verbs.def"

/* The one argument; else says so: an enum toll_exit. */
int toll_journal_directory(const struct toll_usage *usage, int argc, char **argv,
                           const char **ret_directory);
/* Says on stderr why not: an enum toll_exit. */
int toll_journal_look(const char *verb, const char *directory, struct toll_peek **ret);
int toll_journal_no_memory(const char *verb);
/* What reading a journal failed with. */
int toll_journal_cannot_read(const char *verb, int err);

/* How far a verb has come, for who waits at a terminal; nothing else sees it. */
struct toll_journal_progress {
	struct toll_journal_mark begin, end;
	uint64_t told_ns;
	bool wanted;
};

void toll_journal_progress_begin(struct toll_journal_progress *p, struct toll_journal_mark begin,
                                 struct toll_journal_mark end);
void toll_journal_progress_at(struct toll_journal_progress *p, uint64_t seq);
void toll_journal_progress_end(struct toll_journal_progress *p);

/* "3 records with 1500 spans worth $0.12": the exact decimal. */
#define TOLL_JOURNAL_WORTH 128
const char *toll_journal_worth(struct toll_journal_mark m, char buf[TOLL_JOURNAL_WORTH]);
/* {"records":3,"spans":1500,"usd":0.12 - without the closing brace. */
void toll_journal_print_worth(FILE *out, struct toll_journal_mark m);

static inline struct toll_journal_mark toll_journal_minus(struct toll_journal_mark to,
                                                          struct toll_journal_mark from)
{
	return (struct toll_journal_mark){ to.seq - from.seq, to.items - from.items,
		                           to.pico - from.pico };
}

#endif
