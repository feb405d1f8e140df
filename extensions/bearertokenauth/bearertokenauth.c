/* SPDX-License-Identifier: Apache-2.0 */
/* bearertokenauth - lets in clients that show a token, and says whose it is. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/log.h"
#include "extensions/bearertokenauth/tokens.h"
#include "pipeline/auth.h"
#include "pipeline/factory.h"
#include "pipeline/file_watch.h"
#include "pipeline/host.h"

#define HEADER_MAX 64

struct named_token {
	struct toll_slice name;
	struct toll_slice token, filename; /* one of them */
};

struct bearer_config {
	struct toll_slice scheme, header;
	struct toll_slice token, filename;
	struct toll_slice_list tokens;
	struct toll_group_list named_tokens; /* struct named_token */
};

struct bearer {
	struct toll_extension super;
	const struct bearer_config *config;
	struct toll_authenticator auth;
	struct toll_snapshot tokens; /* struct toll_tokens */
	struct toll_file_watch **watches;
	size_t watch_count;
	char header[HEADER_MAX]; /* in lower case, as headers are looked up */
	bool published;
};

/* ---- one request ---- */

/* "Bearer TOKEN" -> "TOKEN"; the scheme in any case, as HTTP has it. */
static bool cut_scheme(struct toll_slice *value, struct toll_slice scheme)
{
	if (!scheme.len)
		return value->len > 0;
	if (value->len <= scheme.len || value->ptr[scheme.len] != ' ' ||
	    strncasecmp(value->ptr, scheme.ptr, scheme.len) != 0)
		return false;
	*value = toll_slice(value->ptr + scheme.len + 1, value->len - scheme.len - 1);
	return true;
}

static int check(struct toll_authenticator *a, const struct toll_auth_request *q,
                 char identity[TOLL_IDENTITY_MAX], const char **ret_why)
{
	struct bearer *e = toll_container_of(a, struct bearer, auth);
	struct toll_slice value = q->header(q, e->header);
	const struct toll_token *found;
	struct toll_shared *shared;

	*ret_why = "a token is required";
	if (!cut_scheme(&value, e->config->scheme))
		return TOLL_EDENIED;
	shared = toll_snapshot_get(&e->tokens);
	found = toll_tokens_find(toll_container_of(shared, struct toll_tokens, shared), value);
	if (found)
		toll_identity_print(
			toll_slice_str(found->name ? found->name : e->super.super.id.text),
			identity);
	toll_shared_unref(shared);
	*ret_why = "the token is not known";
	return found ? 0 : TOLL_EDENIED;
}

/* ---- tokens ---- */

static int add_named(struct toll_tokens *t, const struct bearer_config *c,
                     struct toll_error *reterr)
{
	const struct named_token *named = c->named_tokens.at;
	int err = 0;

	for (size_t i = 0; i < c->named_tokens.count && !err; i++)
		err = named[i].filename.len
		              ? toll_tokens_add_file(t, named[i].filename.ptr, named[i].name.ptr,
		                                     reterr)
		              : toll_tokens_add(t, named[i].token, named[i].name.ptr, reterr);
	return err;
}

static int add_all(struct toll_tokens *t, const struct bearer_config *c, struct toll_error *reterr)
{
	int err = 0;

	if (c->token.len)
		err = toll_tokens_add(t, c->token, NULL, reterr);
	for (size_t i = 0; i < c->tokens.count && !err; i++)
		err = toll_tokens_add(t, c->tokens.at[i], NULL, reterr);
	if (c->filename.len && !err)
		err = toll_tokens_add_file(t, c->filename.ptr, NULL, reterr);
	return err ? err : add_named(t, c, reterr);
}

static int load(struct bearer *e, struct toll_error *reterr)
{
	struct toll_tokens *t = toll_tokens_new();
	int err =
		t ? add_all(t, e->config, reterr) : toll_fail(reterr, TOLL_ENOMEM, "out of memory");

	if (!err)
		toll_snapshot_set(&e->tokens, &t->shared);
	else if (t)
		toll_shared_unref(&t->shared);
	return err;
}

static void reload(void *ctx)
{
	struct bearer *e = ctx;
	struct toll_error why;

	if (load(e, &why) < 0)
		TOLL_WARN(e->super.super.who, "the old tokens stay in use: %s", why.text);
	else
		TOLL_INFO(e->super.super.who, "tokens read again");
}

/* ---- life ---- */

static int watch(struct bearer *e, struct toll_slice path)
{
	struct toll_file_watch *w;

	if (!path.len)
		return 0;
	w = toll_file_watch_new(e->super.super.host, path.ptr, reload, e);
	if (!w)
		return TOLL_ENOMEM;
	e->watches[e->watch_count++] = w;
	return 0;
}

static int watch_files(struct bearer *e)
{
	const struct named_token *named = e->config->named_tokens.at;
	size_t count = e->config->named_tokens.count;
	int err;

	e->watches = calloc(count + 1, sizeof(struct toll_file_watch *));
	err = e->watches ? watch(e, e->config->filename) : TOLL_ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		err = watch(e, named[i].filename);
	return err;
}

static int bearer_start(struct toll_component *c, struct toll_error *reterr)
{
	struct bearer *e = toll_container_of(c, struct bearer, super.super);
	struct toll_error why;
	int err = load(e, &why);

	if (err)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: %s", c->who, why.text);
	err = watch_files(e);
	if (!err)
		err = toll_host_publish(c->host, "auth", c->id.text, &e->auth);
	if (err)
		return toll_fail(reterr, err, "%s: out of memory", c->who);
	e->published = true;
	return 0;
}

static void bearer_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct bearer *e = toll_container_of(c, struct bearer, super.super);

	if (e->published)
		toll_host_withdraw(c->host, &e->auth);
	e->published = false;
}

static void bearer_free(struct toll_component *c)
{
	struct bearer *e = toll_container_of(c, struct bearer, super.super);

	bearer_shutdown(c, 0);
	for (size_t i = 0; i < e->watch_count; i++)
		toll_file_watch_free(e->watches[i]); /* the main loop's */
	toll_snapshot_set(&e->tokens, NULL);
	free(e->watches);
	free(e);
}

static const struct toll_component_ops ops = { bearer_start, bearer_shutdown, bearer_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct bearer *e = calloc(1, sizeof(*e));

	if (!e)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&e->super.super, &ops, set);
	e->config = config;
	e->tokens = (struct toll_snapshot)TOLL_SNAPSHOT_INIT;
	e->auth = (struct toll_authenticator){ check, "Bearer" };
	for (size_t i = 0; i < e->config->header.len; i++)
		e->header[i] = (char)(e->config->header.ptr[i] | 0x20); /* checked: letters, '-' */
	*ret = &e->super.super;
	return 0;
}

/* ---- settings ---- */

static bool is_header(struct toll_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.ptr[i] | 0x20) >= 'a' && (s.ptr[i] | 0x20) <= 'z') && s.ptr[i] != '-' &&
		    !(s.ptr[i] >= '0' && s.ptr[i] <= '9'))
			return false;
	return s.len > 0 && s.len < HEADER_MAX;
}

static void check_named(const struct bearer_config *c, struct toll_reporter *r)
{
	const struct named_token *named = c->named_tokens.at;
	char path[64];

	for (size_t i = 0; i < c->named_tokens.count; i++) {
		snprintf(path, sizeof(path), "named_tokens::%zu", i);
		if (!named[i].token.len == !named[i].filename.len)
			toll_report_error(r, path, "needs a token or a filename, one of the two");
	}
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct bearer_config *c = config;

	if (!c->token.len && !c->tokens.count && !c->filename.len && !c->named_tokens.count)
		toll_report_error(r, "",
		                  "has no token: set filename, token, tokens or named_tokens");
	if ((c->token.len > 0) + (c->tokens.count > 0) + (c->filename.len > 0) > 1)
		toll_report_error(r, "", "filename, token and tokens exclude each other");
	if (!is_header(c->header))
		toll_report_error(r, "header", "is not the name of a header");
	check_named(c, r);
}

/* clang-format off */
static const struct toll_field named_fields[] = {
	TOLL_FIELD(struct named_token, name, STRING, NULL, "Whose token it is: the identity of the client.", .required = true),
	TOLL_FIELD(struct named_token, token, SECRET, NULL, "The token; better from ${env:NAME}."),
	TOLL_FIELD(struct named_token, filename, STRING, NULL, "A file with tokens, one per line."),
	TOLL_FIELD_END,
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct bearer_config, scheme, STRING, "Bearer", "What stands before the token; \"\": nothing."),
	TOLL_FIELD(struct bearer_config, header, STRING, "Authorization", "The header that carries it."),
	TOLL_FIELD(struct bearer_config, token, SECRET, NULL, "The token; better from ${env:NAME}."),
	TOLL_FIELD(struct bearer_config, tokens, LIST, NULL, "Several tokens.", .secret = true),
	TOLL_FIELD(struct bearer_config, filename, STRING, NULL,
	           "A file with tokens, one per line; read again when it changes."),
	TOLL_FIELD(struct bearer_config, named_tokens, GROUPS, NULL, "Tokens that tell clients apart.",
	           .group = named_fields, .group_size = sizeof(struct named_token)),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_extension_bearertokenauth = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_BETA,
	.type = "bearertokenauth",
	.help = "Lets in clients that show a token.",
	.serves = "auth",
	.config_size = sizeof(struct bearer_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
