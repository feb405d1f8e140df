/* SPDX-License-Identifier: Apache-2.0 */
/* budget_ask.c - one question to the extension admin of a daemon, for the verbs of `spantoll
 * budget`.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/spantoll/budget_verb.h"
#include "net/http_client.h"

enum { TOKEN_MAX = 4096, ANSWER_MAX = 64 << 20, URL_MAX = 4096 };

static const char unix_scheme[] = "unix:";

static char *escape(const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	static const char hex[] = "0123456789ABCDEF";
	char *out = malloc(3 * strlen(text) + 1), *end = out;

	for (; out && *text; text++) {
		if (strchr(plain, *text)) {
			*end++ = *text;
			continue;
		}
		*end++ = '%';
		*end++ = hex[(unsigned char)*text >> 4];
		*end++ = hex[*text & 0xf];
	}
	if (out)
		*end = '\0';
	return out;
}

char *toll_budget_path(const char *prefix, const char *text, const char *argument,
                       const char *value)
{
	bool more = argument && *value;
	char *escaped = escape(text), *shown = escape(more ? value : "");
	char *path = NULL;

	if (escaped && shown &&
	    asprintf(&path, "%s%s%s%s%s%s", prefix, escaped, more ? "?" : "", more ? argument : "",
	             more ? "=" : "", shown) < 0)
		path = NULL;
	free(escaped);
	free(shown);
	return path;
}

const char *toll_budget_user(void)
{
	const char *sudo = getenv("SUDO_USER"), *user = getenv("USER");

	if (sudo && *sudo)
		return sudo;
	return user ? user : "";
}

int toll_budget_no_memory(const char *verb)
{
	fprintf(stderr, "spantoll %s: out of memory\n", verb);
	return TOLL_EXIT_FAILED;
}

/* ---- what is asked ---- */

static bool is_unix(const char *endpoint)
{
	return strncmp(endpoint, unix_scheme, sizeof(unix_scheme) - 1) == 0;
}

static void make_url(const char *endpoint, const char *path, char url[URL_MAX])
{
	if (is_unix(endpoint))
		snprintf(url, URL_MAX, "http://localhost%s", path);
	else
		snprintf(url, URL_MAX, "%s%s%s", strstr(endpoint, "://") ? "" : "http://", endpoint,
		         path);
}

/* The first line of the file. */
static int read_token(const char *verb, const char *file, char token[TOKEN_MAX])
{
	FILE *in = fopen(file, "re");
	bool read = in && fgets(token, TOKEN_MAX, in);

	if (in)
		fclose(in);
	if (!read) {
		fprintf(stderr, "spantoll %s: --token-file %s: cannot be read, or is empty\n", verb,
		        file);
		return TOLL_EXIT_USAGE;
	}
	token[strcspn(token, "\r\n")] = '\0';
	return TOLL_EXIT_OK;
}

/* ---- what comes of it ---- */

static void tell_nobody(const struct toll_budget_flags *f)
{
	fprintf(stderr,
	        "A daemon answers where the extension admin is on: add `admin: {}` to extensions "
	        "and to\nservice::extensions, and see that --endpoint (%s) is its endpoint.\n",
	        f->endpoint);
}

static void tell_token(const struct toll_budget_flags *f)
{
	fprintf(stderr, "%s\n",
	        f->token_file ? "The daemon does not take the token of --token-file."
	                      : "Name a file with a token: --token-file FILE.");
}

/* The extension says {"error": "..."}; anybody else something else. */
static void tell_refusal(const struct toll_budget_flags *f, const char *verb,
                         const struct toll_http_refusal *r, const char *why)
{
	struct json_object *o = json_tokener_parse(r->text), *text;
	bool ours = o && json_object_object_get_ex(o, "error", &text);

	fprintf(stderr, "spantoll %s: %s\n", verb, ours ? json_object_get_string(text) : why);
	if (!ours)
		tell_nobody(f);
	else if (r->status == 401)
		tell_token(f);
	json_object_put(o);
}

static int parse(const struct toll_budget_flags *f, const char *verb, const char *body,
                 struct json_object **ret)
{
	struct json_object *o = json_tokener_parse(body);

	if (json_object_is_type(o, json_type_object)) {
		*ret = o;
		return TOLL_EXIT_OK;
	}
	json_object_put(o);
	fprintf(stderr, "spantoll %s: that is not the answer of spantoll's extension admin\n",
	        verb);
	tell_nobody(f);
	return TOLL_EXIT_FAILED;
}

int toll_budget_ask(const struct toll_budget_flags *f, const struct toll_budget_question *q,
                    struct json_object **ret)
{
	char url[URL_MAX], token[TOKEN_MAX] = "", *body;
	struct toll_http_refusal refusal = { 0 };
	struct toll_http_get get = {
		.url = url,
		.timeout_ns = 10 * TOLL_S,
		.max_bytes = ANSWER_MAX,
		.method = strcmp(q->method, "GET") == 0 ? NULL : q->method,
		.content = q->body,
		.unix_path = is_unix(f->endpoint) ? f->endpoint + sizeof(unix_scheme) - 1 : NULL,
		.ca_file = f->ca_file,
		.bearer = f->token_file ? token : NULL,
		.no_proxy = true,
		.refusal = &refusal,
	};
	struct toll_error why;
	size_t len;
	int rc = f->token_file ? read_token(q->verb, f->token_file, token) : TOLL_EXIT_OK;

	if (rc != TOLL_EXIT_OK)
		return rc;
	make_url(f->endpoint, q->path, url);
	if (toll_http_get(&get, &body, &len, &why) < 0) {
		tell_refusal(f, q->verb, &refusal, why.text);
		return TOLL_EXIT_FAILED;
	}
	rc = parse(f, q->verb, body, ret);
	free(body);
	return rc;
}
