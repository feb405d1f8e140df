/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/journal_verb.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define TELL_EVERY (200 * TOLL_MS)

/* ---- opening ---- */

int toll_journal_directory(const struct toll_usage *usage, int argc, char **argv,
                           const char **ret_directory)
{
	int rest, rc = toll_options_parse_mixed(usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (argc - rest == 1) {
		*ret_directory = argv[rest];
		return -1;
	}
	if (argc == rest)
		fprintf(stderr, "spantoll %s: name the journal's DIRECTORY (spantoll %s --help)\n",
		        usage->verb, usage->verb);
	else
		fprintf(stderr, "spantoll %s: one DIRECTORY; not also \"%s\"\n", usage->verb,
		        argv[rest + 1]);
	return TOLL_EXIT_USAGE;
}

/* The storage's directory has one of each pipeline. */
static void hint(const char *verb, const char *directory)
{
	DIR *dir = opendir(directory);
	size_t len = strlen(directory);
	struct dirent *found;

	while (len > 1 && directory[len - 1] == '/')
		len--;
	while (dir && (found = readdir(dir))) {
		char path[600];
		struct stat st;

		snprintf(path, sizeof(path), "%.*s/%s/checkpoint", (int)len, directory,
		         found->d_name);
		if (found->d_name[0] == '.' || stat(path, &st) < 0)
			continue;
		path[strlen(path) - strlen("/checkpoint")] = '\0';
		fprintf(stderr, "spantoll %s: there is one in %s\n", verb, path);
	}
	if (dir)
		closedir(dir);
}

int toll_journal_look(const char *verb, const char *directory, struct toll_peek **ret)
{
	struct toll_error why;
	int err;

	toll_log_set_level(TOLL_LOG_ERROR); /* the verb tells it better */
	err = toll_peek_open(directory, ret, &why);
	if (!err)
		return TOLL_EXIT_OK;
	fprintf(stderr, "spantoll %s: %s\n", verb, why.text);
	if (err == TOLL_EREFUSED)
		hint(verb, directory);
	return TOLL_EXIT_FAILED;
}

int toll_journal_no_memory(const char *verb)
{
	fprintf(stderr, "spantoll %s: out of memory\n", verb);
	return TOLL_EXIT_FAILED;
}

int toll_journal_cannot_read(const char *verb, int err)
{
	if (err == TOLL_ENOMEM)
		return toll_journal_no_memory(verb);
	fprintf(stderr, "spantoll %s: the journal cannot be read: the disk, or the right to read\n",
	        verb);
	return TOLL_EXIT_FAILED;
}

/* ---- progress ---- */

void toll_journal_progress_begin(struct toll_journal_progress *p, struct toll_journal_mark begin,
                                 struct toll_journal_mark end)
{
	*p = (struct toll_journal_progress){ begin, end, toll_clock_mono_ns(),
		                             isatty(STDERR_FILENO) != 0 };
}

void toll_journal_progress_at(struct toll_journal_progress *p, uint64_t seq)
{
	uint64_t now, all = p->end.seq - p->begin.seq;

	if (!p->wanted || !all || seq < p->begin.seq)
		return;
	now = toll_clock_mono_ns();
	if (now - p->told_ns < TELL_EVERY)
		return;
	p->told_ns = now;
	fprintf(stderr, "\r%3.0f %% of %" PRIu64 " records ",
	        (double)(seq - p->begin.seq) * 100 / (double)all, all);
}

void toll_journal_progress_end(struct toll_journal_progress *p)
{
	if (p->wanted)
		fputs("\r\033[K", stderr);
}

/* ---- amounts ---- */

const char *toll_journal_worth(struct toll_journal_mark m, char buf[TOLL_JOURNAL_WORTH])
{
	char usd[TOLL_MONEY_TEXT];

	toll_money_print_wide(m.pico, usd);
	snprintf(buf, TOLL_JOURNAL_WORTH, "%" PRIu64 " record%s with %" PRIu64 " span%s worth $%s",
	         m.seq, TOLL_PLURAL(m.seq), m.items, TOLL_PLURAL(m.items), usd);
	return buf;
}

void toll_journal_print_worth(FILE *out, struct toll_journal_mark m)
{
	char usd[TOLL_MONEY_TEXT];

	toll_money_print_wide(m.pico, usd);
	fprintf(out, "{\"records\":%" PRIu64 ",\"spans\":%" PRIu64 ",\"usd\":%s", m.seq, m.items,
	        usd);
}
