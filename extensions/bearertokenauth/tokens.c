/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/bearertokenauth/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 8192

static void destroy(struct toll_shared *self)
{
	struct toll_tokens *t = toll_container_of(self, struct toll_tokens, shared);

	free(t->at);
	free(t);
}

struct toll_tokens *toll_tokens_new(void)
{
	struct toll_tokens *t = calloc(1, sizeof(*t));

	if (t)
		toll_shared_init(&t->shared, destroy);
	return t;
}

int toll_tokens_add(struct toll_tokens *t, struct toll_slice token, const char *name,
                    struct toll_error *reterr)
{
	struct toll_slice text = toll_slice_trim(token, TOLL_SPACES);
	struct toll_token *grown;

	if (!text.len)
		return toll_fail(reterr, TOLL_EINVALID, "an empty token");
	if (t->count == TOLL_TOKENS_MAX)
		return toll_fail(reterr, TOLL_EINVALID, "more than %d tokens", TOLL_TOKENS_MAX);
	grown = realloc(t->at, (t->count + 1) * sizeof(*grown));
	if (!grown)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	t->at = grown;
	if (!toll_sha256(text, grown[t->count].digest))
		return toll_fail(reterr, TOLL_EINTERNAL, "GnuTLS refuses SHA-256");
	grown[t->count++].name = name;
	return 0;
}

static int add_lines(struct toll_tokens *t, FILE *file, const char *name, struct toll_error *reterr)
{
	char line[LINE_MAX_BYTES];
	int err = 0;

	while (!err && fgets(line, sizeof(line), file)) {
		struct toll_slice text = toll_slice_trim(toll_slice_str(line), TOLL_SPACES);

		if (strlen(line) == sizeof(line) - 1)
			err = toll_fail(reterr, TOLL_EINVALID, "a line is too long");
		else if (text.len)
			err = toll_tokens_add(t, text, name, reterr);
	}
	explicit_bzero(line, sizeof(line));
	if (!err && ferror(file))
		err = toll_fail(reterr, TOLL_EINVALID, "%s", strerror(errno));
	return err;
}

int toll_tokens_add_file(struct toll_tokens *t, const char *path, const char *name,
                         struct toll_error *reterr)
{
	FILE *file = fopen(path, "re");
	size_t before = t->count;
	struct toll_error why;
	int err;

	if (!file)
		return toll_fail(reterr, TOLL_EINVALID, "cannot read %s: %s", path,
		                 strerror(errno));
	err = add_lines(t, file, name, &why);
	fclose(file);
	if (err)
		return toll_fail(reterr, err, "%s: %s", path, why.text);
	if (t->count == before)
		return toll_fail(reterr, TOLL_EINVALID, "%s: there is no token in it", path);
	return 0;
}

const struct toll_token *toll_tokens_find(const struct toll_tokens *t, struct toll_slice token)
{
	char digest[TOLL_SHA256_SIZE];
	const struct toll_token *found = NULL;

	if (!toll_sha256(token, digest))
		return NULL;
	for (size_t i = 0; i < t->count; i++)
		if (toll_same_secret(t->at[i].digest, digest, sizeof(digest)))
			found = &t->at[i];
	return found;
}
