/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "net/http_library.h"
#include "net/http_post.h"

enum { MAX_REDIRECTS = 3, FIRST_ROOM = 16 * 1024, SHOWN = 128 };

struct transfer {
	const struct toll_http_get *get;
	CURL *curl;
	char *body;
	size_t len, room;
	int err; /* why we ended it */
	struct curl_slist *headers;
};

/* ---- callbacks ---- */

static int make_room(struct transfer *t, size_t more)
{
	size_t room = t->room ? t->room : FIRST_ROOM;
	char *body;

	while (room - t->len <= more)
		room *= 2;
	if (room == t->room)
		return 0;
	body = realloc(t->body, room);
	if (!body)
		return TOLL_ENOMEM;
	t->body = body;
	t->room = room;
	return 0;
}

static int append(struct transfer *t, const char *bytes, size_t len)
{
	int err;

	if (len > t->get->max_bytes - t->len)
		return TOLL_ETOOBIG;
	err = make_room(t, len);
	if (err)
		return err;
	memcpy(t->body + t->len, bytes, len);
	t->len += len;
	t->body[t->len] = '\0';
	return 0;
}

static int hand_over(struct transfer *t, const char *bytes, size_t len)
{
	const char *end, *stop = bytes + len;
	int err = 0;

	for (; !err && (end = memchr(bytes, '\n', (size_t)(stop - bytes))); bytes = end + 1) {
		err = append(t, bytes, (size_t)(end - bytes));
		if (!err)
			err = t->get->on_line(t->get->ctx, t->body, t->len);
		t->len = 0;
	}
	return err ? err : append(t, bytes, (size_t)(stop - bytes));
}

static long status_of(CURL *curl)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* What does not fit is not waited for. */
static int keep_refusal(struct toll_http_refusal *r, const char *bytes, size_t len)
{
	size_t have = r ? strlen(r->text) : 0, room = r ? sizeof(r->text) - 1 - have : 0;
	size_t kept = len < room ? len : room;

	if (kept) {
		memcpy(r->text + have, bytes, kept);
		r->text[have + kept] = '\0';
	}
	return kept < len ? TOLL_EREFUSED : 0;
}

static size_t take_bytes(char *bytes, size_t one, size_t len, void *ctx)
{
	struct transfer *t = ctx;

	len *= one;
	if (status_of(t->curl) != 200)
		t->err = keep_refusal(t->get->refusal, bytes, len);
	else
		t->err = t->get->on_line ? hand_over(t, bytes, len) : append(t, bytes, len);
	return t->err ? CURL_WRITEFUNC_ERROR : len;
}

static int look_for_abort(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = ctx;

	(void)a, (void)b, (void)c, (void)d;
	if (!t->get->abort || !atomic_load_explicit(t->get->abort, memory_order_relaxed))
		return 0;
	t->err = TOLL_ESHUTDOWN;
	return 1;
}

/* ---- one request ---- */

static bool is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

#define SET(option, value) (code = code ? code : curl_easy_setopt(curl, (option), (value)))

static CURLcode set_tls(CURL *curl, const struct toll_http_get *get)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (get->ca_file)
		SET(CURLOPT_CAINFO, get->ca_file);
	if (get->cert_file) {
		SET(CURLOPT_SSLCERT, get->cert_file);
		SET(CURLOPT_SSLKEY, get->key_file);
	}
	SET(CURLOPT_SSL_VERIFYPEER, get->skip_verify ? 0L : 1L);
	SET(CURLOPT_SSL_VERIFYHOST, get->skip_verify ? 0L : 2L);
	return code;
}

static CURLcode set_condition(CURL *curl, struct transfer *t)
{
	char line[sizeof(t->get->etag->text) + 32];
	CURLcode code = CURLE_OK;

	if (!t->get->etag || !t->get->etag->text[0])
		return code;
	snprintf(line, sizeof(line), "If-None-Match: %s", t->get->etag->text);
	t->headers = curl_slist_append(NULL, line);
	if (!t->headers)
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_HTTPHEADER, t->headers);
	return code;
}

/* What changes something goes to that server and no further. */
static CURLcode set_method(CURL *curl, struct transfer *t)
{
	const struct toll_http_get *get = t->get;
	CURLcode code = CURLE_OK;

	if (!get->method)
		return code;
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_CUSTOMREQUEST, get->method);
	if (code || !get->content)
		return code;
	t->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!t->headers)
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_HTTPHEADER, t->headers);
	SET(CURLOPT_POSTFIELDSIZE, (long)strlen(get->content));
	SET(CURLOPT_POSTFIELDS, get->content);
	return code;
}

static CURLcode set_options(CURL *curl, struct transfer *t)
{
	const struct toll_http_get *get = t->get;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, get->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, is_https(get->url) ? "https" : "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
	SET(CURLOPT_NOSIGNAL, 1L); /* the process's signals belong to the main loop */
	SET(CURLOPT_TIMEOUT_MS, (long)(get->timeout_ns / 1000000));
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(get->timeout_ns / 1000000));
	if (get->bearer) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		SET(CURLOPT_XOAUTH2_BEARER, get->bearer);
	}
	if (get->unix_path)
		SET(CURLOPT_UNIX_SOCKET_PATH, get->unix_path);
	if (get->no_proxy)
		SET(CURLOPT_PROXY, "");
	SET(CURLOPT_USERAGENT, "spantoll/" TOLL_VERSION);
	SET(CURLOPT_WRITEFUNCTION, take_bytes);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_XFERINFOFUNCTION, look_for_abort);
	SET(CURLOPT_XFERINFODATA, t);
	SET(CURLOPT_NOPROGRESS, 0L);
	code = code ? code : set_tls(curl, get);
	code = code ? code : set_method(curl, t);
	return code ? code : set_condition(curl, t);
}

static int err_of(CURLcode code, const struct transfer *t)
{
	return t->err ? t->err : toll_curl_err(code);
}

static bool refused(CURL *curl, CURLcode code, const struct transfer *t)
{
	return status_of(curl) != 200 && (code == CURLE_OK || t->err == TOLL_EREFUSED);
}

static int tell(CURL *curl, CURLcode code, const struct transfer *t, const char *why,
                struct toll_error *reterr)
{
	char url[SHOWN];
	int err = err_of(code, t);

	toll_url_shown(t->get->url, url, sizeof(url));
	if (err == TOLL_ETOOBIG)
		return toll_fail(reterr, err, "%s: the answer is larger than %zu bytes", url,
		                 t->get->max_bytes);
	if (err == TOLL_ETIMEOUT)
		return toll_fail(reterr, err, "%s: no complete answer within %.1f s", url,
		                 (double)t->get->timeout_ns / 1e9);
	if (refused(curl, code, t))
		return toll_fail(reterr, TOLL_EREFUSED, "%s: answered with status %ld, not 200",
		                 url, status_of(curl));
	return toll_fail(reterr, err, "%s: %s", url, *why ? why : curl_easy_strerror(code));
}

/* Longer ones are forgotten: the next answer comes whole. */
static void keep_etag(CURL *curl, struct toll_http_etag *etag)
{
	struct curl_header *h;

	etag->text[0] = '\0';
	if (curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &h) == CURLHE_OK &&
	    strlen(h->value) < sizeof(etag->text))
		memcpy(etag->text, h->value, strlen(h->value) + 1);
}

static int run(CURL *curl, struct transfer *t, struct toll_error *reterr)
{
	struct toll_http_etag *etag = t->get->etag;
	char why[CURL_ERROR_SIZE] = "";
	CURLcode code = set_options(curl, t);

	SET(CURLOPT_ERRORBUFFER, why);
	if (t->get->refusal)
		*t->get->refusal = (struct toll_http_refusal){ 0 };
	if (!code)
		code = curl_easy_perform(curl);
	if (etag)
		etag->unchanged = !code && status_of(curl) == 304 && etag->text[0];
	if (etag && etag->unchanged)
		return 0;
	if (code || status_of(curl) != 200) {
		if (t->get->refusal && refused(curl, code, t))
			t->get->refusal->status = (unsigned)status_of(curl);
		return tell(curl, code, t, why, reterr);
	}
	if (etag)
		keep_etag(curl, etag);
	/* Nothing has come of an empty body. */
	if (make_room(t, 0) < 0 || !t->body)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	t->body[t->len] = '\0';
	return 0;
}

int toll_http_get(const struct toll_http_get *get, char **ret_body, size_t *ret_len,
                  struct toll_error *reterr)
{
	struct transfer t = { .get = get };
	CURL *curl = toll_curl_easy();
	int err;

	if (!curl)
		return toll_fail(reterr, TOLL_ENOMEM, "the HTTP library does not start");
	t.curl = curl;
	err = run(curl, &t, reterr);
	curl_easy_cleanup(curl);
	curl_slist_free_all(t.headers);
	if (err || (get->etag && get->etag->unchanged)) {
		free(t.body);
		t.body = NULL;
		t.len = 0;
	}
	if (err)
		return err;
	*ret_body = t.body;
	*ret_len = t.len;
	return 0;
}
