/* SPDX-License-Identifier: Apache-2.0 */
/* prices_import.c - `spantoll prices import`: a published price list becomes a price document. */
#include <errno.h>
#include <time.h>

#include "cmd/spantoll/options.h"
#include "cmd/spantoll/prices_verb.h"
#include "prices/import.h"

enum { TOLD_MAX = 20 }; /* things left out that are named one by one */

struct import_options {
	const char *from, *service, *region;
	bool quiet;
};

static void tell(void *context, struct toll_slice what, const char *why)
{
	unsigned *told = context;
	struct toll_slice shown = toll_slice_cut(what, 200);

	if ((*told)++ >= TOLD_MAX)
		return;
	fputs("left out: ", stderr);
	for (size_t i = 0; i < shown.len; i++) /* a list may hold what a terminal obeys */
		fputc((unsigned char)shown.ptr[i] < 0x20 || shown.ptr[i] == 0x7f ? '?'
		                                                                 : shown.ptr[i],
		      stderr);
	fprintf(stderr, ": %s\n", why);
}

/* All of it, or a byte too much; NULL: errno. The caller frees it. */
static char *read_stream(FILE *in, size_t *ret_len)
{
	size_t room = 1 << 16, len = 0, got = 1;
	char *text = malloc(room);

	while (text && got && len <= TOLL_IMPORT_MAX_BYTES) {
		char *larger = len == room ? realloc(text, room *= 2) : text;

		if (!larger)
			free(text);
		text = larger;
		got = text ? fread(text + len, 1, room - len, in) : 0;
		len += got;
	}
	if (ferror(in)) {
		free(text);
		text = NULL;
	}
	*ret_len = len;
	return text;
}

static char *read_file(const char *name, size_t *ret_len)
{
	FILE *in = fopen(name, "re");
	char *text = in ? read_stream(in, ret_len) : NULL;

	if (in)
		fclose(in);
	return text;
}

static const struct toll_import_format *find_format(const char *name)
{
	const struct toll_import_format *f = toll_import_formats;

	while (f->name && strcmp(f->name, name) != 0)
		f++;
	return f->name ? f : NULL;
}

static const char *today(char buf[16])
{
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm) || !strftime(buf, 16, "%Y-%m-%d", &tm))
		return NULL;
	return buf;
}

static void report(const struct toll_import *im)
{
	fprintf(stderr, "%u rules, %u units; %u left out%s\n", im->rules, im->units, im->lost,
	        im->lost > TOLD_MAX ? ", of which 20 are named above" : "");
}

static int import(const struct import_options *o, const struct toll_import_format *format,
                  const char *file)
{
	struct toll_error why = { 0 };
	unsigned told = o->quiet ? TOLD_MAX : 0;
	bool is_stdin = strcmp(file, "-") == 0;
	char day[16];
	size_t len = 0;
	char *text = is_stdin ? read_stream(stdin, &len) : read_file(file, &len);
	struct toll_import im = { .out = stdout,
		                  .name = is_stdin ? "standard input" : file,
		                  .service = o->service,
		                  .region = o->region,
		                  .checked_at = today(day),
		                  .left_out = tell,
		                  .context = &told };
	int err = text ? format->run(&im, toll_slice(text, len), &why)
	               : toll_fail(&why, TOLL_EINVALID, "%s: %s", im.name, strerror(errno));

	free(text);
	if (!err && fflush(stdout) == EOF)
		err = toll_fail(&why, TOLL_EINVALID, "standard output: %s", strerror(errno));
	if (err)
		fprintf(stderr, "spantoll prices import: %s\n", why.text);
	else
		report(&im);
	return err ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

static int refuse_format(const char *name)
{
	if (name)
		fprintf(stderr, "spantoll prices import: --from %s: there is no such format\n",
		        name);
	else
		fputs("spantoll prices import: say with --from what the file is\n", stderr);
	for (const struct toll_import_format *f = toll_import_formats; f->name; f++)
		fprintf(stderr, "  %-13s %s\n", f->name, f->help);
	return TOLL_EXIT_USAGE;
}

int toll_prices_import(int argc, char **argv)
{
	struct import_options o = { 0 };
	const struct toll_option options[] = {
		{ .name = "from",
		  .value = "FORMAT",
		  .text = &o.from,
		  .help = "aws-offer, litellm, genai-prices, opencost or csv" },
		{ .name = "service",
		  .value = "CODE",
		  .text = &o.service,
		  .help = "aws-offer: refuse the list of any other service (AmazonS3)" },
		{ .name = "region",
		  .value = "REGION",
		  .text = &o.region,
		  .help = "aws-offer: only products of this region (eu-west-1)" },
		{ .name = "quiet",
		  .flag = &o.quiet,
		  .help = "do not name what is left out, only count it" },
		TOLL_OPTION_END
	};
	const struct toll_usage usage = {
		"prices import", "FILE",
		"Writes a price document to standard output from a price list that others "
		"publish.\n"
		"Amounts go over as they are written. What the format cannot say is named on\n"
		"standard error and counted. FILE - is standard input; at most 32 MiB.\n",
		"Example: spantoll prices import --from aws-offer index.json > s3.yaml\n"
		"Exit status: 0; 1 where the file is no such list or nothing in it can be said; "
		"2.\n",
		options
	};
	const struct toll_import_format *format;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	format = o.from ? find_format(o.from) : NULL;
	if (!format)
		return refuse_format(o.from);
	if (rest + 1 != argc) {
		fputs("spantoll prices import: name one file, or - for standard input\n", stderr);
		return TOLL_EXIT_USAGE;
	}
	return import(&o, format, argv[rest]);
}
