/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/k8s_pods/api.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/http_client.h"

#define ACCOUNT     "/var/run/secrets/kubernetes.io/serviceaccount/"
#define PAGE_PODS   "250" /* a pod has a few KiB of JSON */
#define PAGE_BYTES  ((size_t)32 << 20)
#define EVENT_BYTES ((size_t)4 << 20)
#define LIST_NS     (30 * TOLL_S)
#define WATCH_S     "240" /* the server ends a watch after so long */
#define WATCH_NS    (270 * TOLL_S)
#define TOKEN_BYTES 16384
#define URL_BYTES   4096

/* ---- where and who ---- */

/* "https://10.0.0.1:443", as every container of a cluster is told. */
static int find_server(const struct toll_k8s_settings *s, char *url, size_t size,
                       struct toll_error *reterr)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port;
	bool is_v6;

	if (s->endpoint.len) {
		snprintf(url, size, "%s", s->endpoint.ptr);
		return 0;
	}
	port = getenv("KUBERNETES_SERVICE_PORT");
	if (!host || !*host)
		return toll_fail(reterr, TOLL_EREFUSED,
		                 "there is no KUBERNETES_SERVICE_HOST: this is no container of a "
		                 "cluster; set endpoint");
	is_v6 = strchr(host, ':');
	snprintf(url, size, "https://%s%s%s:%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
	         port ? port : "443");
	return 0;
}

/* Tokens of service accounts are replaced about every hour: read for each request. */
static int read_token(const struct toll_k8s_settings *s, char *token, struct toll_error *reterr)
{
	const char *path = s->token_file.len ? s->token_file.ptr : ACCOUNT "token";
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return toll_fail(reterr, TOLL_EREFUSED, "%s: %s", path, strerror(errno));
	n = fread(token, 1, TOKEN_BYTES - 1, f);
	fclose(f);
	while (n > 0 && isspace((unsigned char)token[n - 1]))
		n--;
	token[n] = '\0';
	return n ? 0 : toll_fail(reterr, TOLL_EREFUSED, "%s: is empty", path);
}

/* ---- URLs ---- */

struct url {
	char text[URL_BYTES];
	size_t len;
};

static void add(struct url *u, const char *fmt, ...) TOLL_PRINTF(2, 3);

/* What does not fit is cut: the server will refuse it. */
static void add(struct url *u, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(u->text + u->len, sizeof(u->text) - u->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		u->len += (size_t)n;
	if (u->len >= sizeof(u->text))
		u->len = sizeof(u->text) - 1;
}

/* name=value with the value percent-encoded (RFC 3986: unreserved characters stay). */
static void add_query(struct url *u, const char *name, const char *value)
{
	add(u, "%c%s=", strchr(u->text, '?') ? '&' : '?', name);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		add(u, isalnum(c) || strchr("-._~", c) ? "%c" : "%%%02X", c);
	}
}

static const char *node_of(const struct toll_k8s_settings *s)
{
	const char *named = s->node_from_env_var.len ? getenv(s->node_from_env_var.ptr) : NULL;

	return named ? named : s->node.ptr ? s->node.ptr : "";
}

static int pods_url(const struct toll_k8s_settings *s, struct url *u, struct toll_error *reterr)
{
	char selector[512];
	int err;

	*u = (struct url){ .len = 0 };
	err = find_server(s, u->text, sizeof(u->text), reterr);
	u->len = strlen(u->text);
	while (u->len && u->text[u->len - 1] == '/')
		u->text[--u->len] = '\0';
	if (s->namespace.len)
		add(u, "/api/v1/namespaces/%s/pods", s->namespace.ptr);
	else
		add(u, "/api/v1/pods");
	snprintf(selector, sizeof(selector), "spec.nodeName=%s", node_of(s));
	if (*node_of(s))
		add_query(u, "fieldSelector", selector);
	return err;
}

/* ---- requests ---- */

struct request {
	struct toll_http_get get;
	struct toll_http_refusal refusal;
	char token[TOKEN_BYTES];
};

static int prepare(const struct toll_k8s_api *api, struct request *q, struct toll_error *reterr)
{
	const struct toll_k8s_settings *s = api->settings;
	struct toll_http_get *get = &q->get;

	get->refusal = &q->refusal;
	get->abort = api->abort;
	get->ca_file = s->ca_file.len ? s->ca_file.ptr : NULL;
	if (s->auth_type == TOLL_K8S_NO_AUTH)
		return 0;
	if (!get->ca_file)
		get->ca_file = ACCOUNT "ca.crt";
	get->bearer = q->token;
	return read_token(s, q->token, reterr);
}

/* "https://10.0.0.1:443" of a URL below it. */
static size_t server_len(const char *url)
{
	const char *host = strstr(url, "//");

	return host ? strcspn(host + 2, "/") + (size_t)(host + 2 - url) : strlen(url);
}

/* The API server says why: who may not do what. */
static int explain(const struct request *q, int err, struct toll_error *reterr)
{
	const struct toll_http_refusal *r = &q->refusal;
	const char *url = q->get.url;
	char message[200];

	if (!r->status || !toll_k8s_read_status(r->text, message, sizeof(message)))
		return err;
	return toll_fail(reterr, r->status == 401 || r->status == 403 ? TOLL_EDENIED : err,
	                 "%.*s answers %u: %s", (int)server_len(url), url, r->status, message);
}

static int ask(const struct toll_k8s_api *api, struct request *q, char **ret_body, size_t *ret_len,
               struct toll_error *reterr)
{
	int err = prepare(api, q, reterr);

	if (err)
		return err;
	err = toll_http_get(&q->get, ret_body, ret_len, reterr);
	return err ? explain(q, err, reterr) : 0;
}

static int get_page(struct toll_k8s_api *api, const char *url, struct toll_pod_store *into,
                    struct toll_k8s_page *page, struct toll_error *reterr)
{
	struct request q = { .get = {
				     .url = url, .timeout_ns = LIST_NS, .max_bytes = PAGE_BYTES } };
	char *body;
	size_t len;
	int err = ask(api, &q, &body, &len, reterr);

	if (err)
		return err;
	err = toll_k8s_read_list(body, len, api->settings, into, page, reterr);
	free(body);
	return err;
}

int toll_k8s_list(struct toll_k8s_api *api, struct toll_pod_store *into, struct toll_error *reterr)
{
	struct toll_k8s_page page = { .next = "" };
	struct url url;
	int err;

	toll_pod_store_clear(into);
	do {
		err = pods_url(api->settings, &url, reterr);
		add_query(&url, "limit", PAGE_PODS);
		if (page.next[0])
			add_query(&url, "continue", page.next);
		if (!err)
			err = get_page(api, url.text, into, &page, reterr);
	} while (!err && page.next[0]);
	snprintf(api->version, sizeof(api->version), "%s", page.version);
	return err;
}

struct watch {
	struct toll_k8s_api *api;
	struct toll_pod_store *into;
	void (*changed)(void *ctx, enum toll_k8s_event what);
	void *ctx;
	struct toll_error *reterr;
	bool refused; /* reterr says why */
};

static int on_line(void *ctx, char *line, size_t len)
{
	struct watch *w = ctx;
	enum toll_k8s_event what = TOLL_K8S_BOOKMARK;
	int err = toll_k8s_read_event(line, len, w->api->settings, w->into, w->api->version, &what,
	                              w->reterr);

	if (!err && what != TOLL_K8S_BOOKMARK)
		w->changed(w->ctx, what);
	w->refused = err != 0;
	return err;
}

int toll_k8s_watch(struct toll_k8s_api *api, struct toll_pod_store *into,
                   void (*changed)(void *ctx, enum toll_k8s_event what), void *ctx,
                   struct toll_error *reterr)
{
	struct toll_error why = { 0 };
	struct watch w = { api, into, changed, ctx, &why, false };
	char *rest = NULL;
	struct request q = { .get = { .timeout_ns = WATCH_NS,
		                      .max_bytes = EVENT_BYTES,
		                      .on_line = on_line,
		                      .ctx = &w } };
	struct url url;
	size_t len;
	int err = pods_url(api->settings, &url, reterr);

	add_query(&url, "watch", "1");
	add_query(&url, "allowWatchBookmarks", "true");
	add_query(&url, "timeoutSeconds", WATCH_S);
	add_query(&url, "resourceVersion", api->version);
	q.get.url = url.text;
	if (!err)
		err = ask(api, &q, &rest, &len, reterr);
	free(rest);
	return w.refused ? toll_fail(reterr, err, "%s", why.text) : err;
}
