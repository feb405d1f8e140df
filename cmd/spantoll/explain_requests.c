/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/explain_requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prices/explain.h"

enum { INPUT_MAX = 64 << 20 };

static void add_batch(struct toll_explained *e, const struct toll_batch *b)
{
	for (uint32_t i = 0; i < b->span_count; i++) {
		if (b->spans[i].dropped)
			continue;
		fputs(e->spans++ ? ",\n" : "\n", e->out);
		toll_explain_span(b, &b->spans[i], e->out);
	}
}

static int explain_one(struct toll_one_pipeline *p, struct toll_slice request,
                       struct toll_explained *e, struct toll_error *reterr)
{
	struct toll_batch *b;
	int err = toll_one_pipeline_run(p, request, &b, reterr);

	if (err)
		return err;
	add_batch(e, b);
	toll_batch_unref(b);
	return 0;
}

static bool is_json(struct toll_slice s)
{
	size_t i = 0;

	while (i < s.len && strchr(" \t\r\n", s.ptr[i]))
		i++;
	return i < s.len && s.ptr[i] == '{';
}

/* One request per line, as the exporter file writes them. */
static int explain_lines(struct toll_one_pipeline *p, struct toll_slice s, struct toll_explained *e,
                         struct toll_error *reterr)
{
	int err = 0;

	while (s.len && !err) {
		const char *newline = memchr(s.ptr, '\n', s.len);
		size_t len = newline ? (size_t)(newline - s.ptr) : s.len;
		size_t taken = newline ? len + 1 : len;

		if (is_json(toll_slice(s.ptr, len)))
			err = explain_one(p, toll_slice(s.ptr, len), e, reterr);
		s = toll_slice(s.ptr + taken, s.len - taken);
	}
	return err;
}

static struct toll_slice skip_blanks(struct toll_slice s)
{
	while (s.len && strchr(" \t\r\n", *s.ptr))
		s = toll_slice(s.ptr + 1, s.len - 1);
	return s;
}

static int explain_input(struct toll_one_pipeline *p, struct toll_slice s, struct toll_explained *e,
                         struct toll_error *reterr)
{
	struct toll_error of_all;

	if (!is_json(s))
		return explain_one(p, s, e, reterr);
	s = skip_blanks(s);
	if (explain_one(p, s, e, &of_all) == 0)
		return 0;
	/* Several lines may also be one request, printed for people: then its own error counts. */
	if (memchr(s.ptr, '\n', s.len) && explain_lines(p, s, e, reterr) == 0)
		return 0;
	*reterr = of_all;
	return of_all.code;
}

static int read_all(FILE *in, const char *name, char **ret, size_t *ret_len,
                    struct toll_error *reterr)
{
	char *bytes = malloc(INPUT_MAX + 1);
	size_t len = bytes ? fread(bytes, 1, INPUT_MAX + 1, in) : 0;
	int err = 0;

	if (!bytes)
		err = toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	else if (ferror(in))
		err = toll_fail(reterr, TOLL_EINVALID, "%s: %s", name, strerror(errno));
	else if (len > INPUT_MAX)
		err = toll_fail(reterr, TOLL_ETOOBIG, "%s: more than 64 MiB", name);
	if (err) {
		free(bytes);
		return err;
	}
	*ret = bytes;
	*ret_len = len;
	return 0;
}

static int read_input(const char *name, char **ret, size_t *ret_len, struct toll_error *reterr)
{
	FILE *in;
	int err;

	if (strcmp(name, "-") == 0)
		return read_all(stdin, name, ret, ret_len, reterr);
	in = fopen(name, "re");
	if (!in)
		return toll_fail(reterr, TOLL_EINVALID, "%s: %s", name, strerror(errno));
	err = read_all(in, name, ret, ret_len, reterr);
	fclose(in);
	return err;
}

int toll_explain_file(struct toll_one_pipeline *p, const char *name, struct toll_explained *e,
                      struct toll_error *reterr)
{
	struct toll_error why;
	char *bytes = NULL;
	size_t len = 0;
	int err = read_input(name, &bytes, &len, reterr);

	if (err)
		return err;
	err = explain_input(p, toll_slice(bytes, len), e, &why);
	free(bytes);
	return err ? toll_fail(reterr, err, "%s: %s", name, why.text) : 0;
}
