/* SPDX-License-Identifier: Apache-2.0 */
/* One thread drives libcurl's multi interface, which holds the connections. It sleeps in
 * curl_multi_poll() until a socket is ready, a time-out is due or a new request wakes it. */
#include "net/http_post.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "base/version.h"
#include "net/http_library.h"

#define ANSWER_MAX ((size_t)64 << 10)
#define NS_PER_MS  1000000
#define NS_PER_S   UINT64_C(1000000000)

enum { SLEEP_MS = 60 * 1000 };

struct post {
	struct post *next, **link; /* of the queue or of those in flight */
	CURL *curl;
	char *body;
	size_t len;
	char *answer;
	size_t answer_len;
	bool cut; /* the answer is larger than we keep */
	void (*done)(void *ctx, const struct toll_http_reply *r);
	void *ctx;
	char why[CURL_ERROR_SIZE];
};

struct toll_http_poster {
	char *url, *proxy;
	struct curl_slist *headers, *connect;
	uint64_t timeout_ns, idle_timeout_ns;
	bool no_keep_alive;
	bool is_local; /* the URL's host is this machine */
	CURLM *multi;
	struct post *flying; /* the thread's */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* guards the rest */
	struct toll_http_client_tls tls;
	struct post *queue, **queue_end;
	bool quit;
};

/* ---- one request ---- */

static void link_post(struct post **head, struct post *p)
{
	p->link = head;
	p->next = *head;
	if (p->next)
		p->next->link = &p->next;
	*head = p;
}

static void unlink_post(struct post *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
}

static void free_post(struct post *p)
{
	if (p->curl)
		curl_easy_cleanup(p->curl);
	free(p->answer);
	free(p->body);
	free(p);
}

static size_t take_answer(char *bytes, size_t one, size_t len, void *ctx)
{
	struct post *p = ctx;
	char *grown;

	len *= one;
	if (len > ANSWER_MAX - p->answer_len) {
		p->cut = true;
		return CURL_WRITEFUNC_ERROR;
	}
	grown = realloc(p->answer, p->answer_len + len + 1);
	if (!grown) {
		p->cut = true;
		return CURL_WRITEFUNC_ERROR;
	}
	p->answer = grown;
	memcpy(p->answer + p->answer_len, bytes, len);
	p->answer_len += len;
	return len;
}

#define SET(option, value) (code = code ? code : curl_easy_setopt(curl, (option), (value)))

static CURLcode set_blob(CURL *curl, CURLoption option, const char *pem)
{
	struct curl_blob blob;

	if (!pem)
		return CURLE_OK;
	blob = (struct curl_blob){ .len = strlen(pem), .flags = CURL_BLOB_COPY };
	memcpy(&blob.data, &pem, sizeof(pem)); /* copied: never written to */
	return curl_easy_setopt(curl, option, &blob);
}

static long tls_versions(const struct toll_http_client_tls *tls)
{
	long min = tls->min_version == 13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;

	if (tls->max_version == 12)
		return min | CURL_SSLVERSION_MAX_TLSv1_2;
	return tls->max_version == 13 ? min | CURL_SSLVERSION_MAX_TLSv1_3 : min;
}

static CURLcode set_tls(CURL *curl, struct toll_http_poster *p)
{
	CURLcode code = CURLE_OK;

	pthread_mutex_lock(&p->lock);
	SET(CURLOPT_SSLVERSION, tls_versions(&p->tls));
	SET(CURLOPT_SSL_VERIFYPEER, p->tls.skip_verify ? 0L : 1L);
	SET(CURLOPT_SSL_VERIFYHOST, p->tls.skip_verify ? 0L : 2L);
	code = code ? code : set_blob(curl, CURLOPT_CAINFO_BLOB, p->tls.ca_pem);
	code = code ? code : set_blob(curl, CURLOPT_SSLCERT_BLOB, p->tls.cert_pem);
	code = code ? code : set_blob(curl, CURLOPT_SSLKEY_BLOB, p->tls.key_pem);
	pthread_mutex_unlock(&p->lock);
	return code;
}

static CURLcode set_options(struct toll_http_poster *p, struct post *post)
{
	CURL *curl = post->curl;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, p->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_NOSIGNAL, 1L);   /* the process's signals belong to the main loop */
	SET(CURLOPT_QUICK_EXIT, 1L); /* a name server that does not answer holds nobody up */
	SET(CURLOPT_TIMEOUT_MS, (long)(p->timeout_ns / NS_PER_MS));
	SET(CURLOPT_USERAGENT, "spantoll/" TOLL_VERSION);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_FORBID_REUSE, p->no_keep_alive ? 1L : 0L);
	if (p->idle_timeout_ns)
		SET(CURLOPT_MAXAGE_CONN, (long)((p->idle_timeout_ns + NS_PER_S - 1) / NS_PER_S));
	if (p->proxy || p->is_local)
		SET(CURLOPT_PROXY, p->proxy ? p->proxy : "");
	if (p->connect)
		SET(CURLOPT_CONNECT_TO, p->connect);
	SET(CURLOPT_HTTPHEADER, p->headers);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->len);
	SET(CURLOPT_POSTFIELDS, post->body);
	SET(CURLOPT_WRITEFUNCTION, take_answer);
	SET(CURLOPT_WRITEDATA, post);
	SET(CURLOPT_ERRORBUFFER, post->why);
	SET(CURLOPT_PRIVATE, post);
	return code ? code : set_tls(curl, p);
}

/* ---- answers ---- */

static void give_answer(struct post *post, const struct toll_http_reply *reply)
{
	post->done(post->ctx, reply);
	free_post(post);
}

static void give_error(struct post *post, int err, const char *why)
{
	give_answer(post, &(struct toll_http_reply){ .err = err, .why = why, .content_type = "" });
}

static const char *content_type(CURL *curl)
{
	const char *type = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK || !type)
		return "";
	return type;
}

static uint64_t retry_after(CURL *curl)
{
	curl_off_t seconds = 0;

	if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds <= 0)
		return 0;
	return (uint64_t)seconds < UINT64_MAX / NS_PER_S ? (uint64_t)seconds * NS_PER_S
	                                                 : UINT64_MAX;
}

/* A status is an answer, also when the connection broke behind it: the server has decided. */
static void finish(struct toll_http_poster *p, struct post *post, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(p->multi, post->curl);
	unlink_post(post);
	if (status < 200) {
		give_error(post, code ? toll_curl_err(code) : TOLL_EDOWN,
		           *post->why ? post->why : curl_easy_strerror(code));
		return;
	}
	give_answer(post, &(struct toll_http_reply){
				  .why = "",
				  .status = (int)status,
				  .content_type = content_type(post->curl),
				  .incomplete = code != CURLE_OK,
				  .body = toll_slice(post->answer, post->answer_len),
				  .retry_after_ns = retry_after(post->curl),
			  });
}

/* ---- the thread ---- */

static void launch(struct toll_http_poster *p, struct post *post)
{
	post->curl = toll_curl_easy();
	if (!post->curl || set_options(p, post) ||
	    curl_multi_add_handle(p->multi, post->curl) != CURLM_OK) {
		give_error(post, TOLL_ENOMEM, "out of memory");
		return;
	}
	link_post(&p->flying, post);
}

/* False: it is time to end. */
static bool launch_queued(struct toll_http_poster *p)
{
	struct post *queue, *next;
	bool quit;

	pthread_mutex_lock(&p->lock);
	quit = p->quit;
	queue = p->queue;
	p->queue = NULL;
	p->queue_end = &p->queue;
	pthread_mutex_unlock(&p->lock);
	for (; queue; queue = next) {
		next = queue->next;
		if (quit)
			give_error(queue, TOLL_ESHUTDOWN, "shutting down");
		else
			launch(p, queue);
	}
	return !quit;
}

static void finish_all(struct toll_http_poster *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left))) {
		CURLcode code = m->data.result;
		struct post *post = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &post);
		finish(p, post, code);
	}
}

static void give_up_all(struct toll_http_poster *p)
{
	struct post *next;

	for (struct post *post = p->flying; post; post = next) {
		next = post->next;
		curl_multi_remove_handle(p->multi, post->curl);
		give_error(post, TOLL_ESHUTDOWN, "shutting down");
	}
	p->flying = NULL;
}

static void *run(void *arg)
{
	struct toll_http_poster *p = arg;
	int running;

	while (launch_queued(p)) {
		/* These fail only for want of memory, and then nothing is lost by trying again. */
		curl_multi_perform(p->multi, &running);
		finish_all(p);
		curl_multi_poll(p->multi, NULL, 0, SLEEP_MS, NULL);
	}
	give_up_all(p);
	return NULL;
}

int toll_http_post(struct toll_http_poster *p, char *take_body, size_t len,
                   void (*done)(void *ctx, const struct toll_http_reply *r), void *ctx)
{
	struct post *post = calloc(1, sizeof(*post));
	bool quit;

	if (!post) {
		free(take_body);
		return TOLL_ENOMEM;
	}
	*post = (struct post){ .body = take_body, .len = len, .done = done, .ctx = ctx };
	pthread_mutex_lock(&p->lock);
	quit = p->quit;
	if (!quit) {
		*p->queue_end = post;
		p->queue_end = &post->next;
	}
	pthread_mutex_unlock(&p->lock);
	if (quit) {
		free_post(post);
		return TOLL_ESHUTDOWN;
	}
	curl_multi_wakeup(p->multi);
	/* The queue has it. */
	/* cppcheck-suppress memleak */
	return 0;
}

void toll_http_poster_set_tls(struct toll_http_poster *p, const struct toll_http_client_tls *tls)
{
	pthread_mutex_lock(&p->lock);
	p->tls = *tls;
	pthread_mutex_unlock(&p->lock);
}

/* ---- life ---- */

static bool add_header(struct curl_slist **list, const char *name, struct toll_slice value)
{
	char *line = NULL;
	struct curl_slist *longer;

	/* libcurl: "name;" for an empty value. */
	if (asprintf(&line, value.len ? "%s: %.*s" : "%s;%.*s", name, TOLL_FMT(value)) < 0)
		return false;
	longer = curl_slist_append(*list, line);
	free(line);
	if (longer)
		*list = longer;
	return longer != NULL;
}

static bool add_headers(struct toll_http_poster *p, const struct toll_http_poster_settings *set)
{
	struct curl_slist *longer;

	for (size_t i = 0; i < set->header_count; i++)
		if (!add_header(&p->headers, set->headers[i].name, set->headers[i].value))
			return false;
	/* libcurl would wait a second for servers that do not know 100-continue. */
	longer = curl_slist_append(p->headers, "Expect:");
	if (longer)
		p->headers = longer;
	return longer != NULL;
}

/* libcurl takes the name that a certificate must have from the URL: it gets a URL with that name,
 * and is told to connect to where the real one goes, and to say its Host. */
static bool rename_server(struct toll_http_poster *p, CURLU *url, const char *name)
{
	char *host = NULL, *port = NULL, *to = NULL, *renamed = NULL;
	bool ok = !curl_url_get(url, CURLUPART_HOST, &host, 0) &&
	          !curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) &&
	          !curl_url_set(url, CURLUPART_HOST, name, 0) &&
	          !curl_url_get(url, CURLUPART_URL, &renamed, 0) &&
	          asprintf(&to, "::%s:%s", host, port) > 0;

	if (ok) {
		struct toll_slice authority = toll_slice_str(to + 2);

		p->connect = curl_slist_append(NULL, to);
		ok = p->connect && add_header(&p->headers, "Host", authority);
		free(p->url);
		p->url = strdup(renamed);
	}
	free(to);
	curl_free(renamed);
	curl_free(port);
	curl_free(host);
	return ok && p->url;
}

/* *ret is the caller's. */
static int parse_url(const char *text, CURLU **ret, struct toll_error *reterr)
{
	CURLU *url = curl_url();
	char shown[128];

	if (!url)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if ((strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0) ||
	    curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
		curl_url_cleanup(url);
		return toll_fail(reterr, TOLL_EINVALID,
		                 "\"%s\" is no URL: http://host:port or https://host:port",
		                 toll_url_shown(text, shown, sizeof(shown)));
	}
	*ret = url;
	return 0;
}

int toll_http_check_url(const char *url, struct toll_error *reterr)
{
	CURLU *parsed = NULL;
	int err = parse_url(url, &parsed, reterr);

	if (!err)
		curl_url_cleanup(parsed);
	return err;
}

/* By name or address, as Go's programs see it. */
static bool is_local(CURLU *url)
{
	char *host = NULL;
	bool local = !curl_url_get(url, CURLUPART_HOST, &host, 0) &&
	             (!strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) ||
	              !strcmp(host, "[::1]"));

	curl_free(host);
	return local;
}

static int set_url(struct toll_http_poster *p, const struct toll_http_poster_settings *set,
                   struct toll_error *reterr)
{
	CURLU *url = NULL;
	bool ok;
	int err = parse_url(set->url, &url, reterr);

	if (err)
		return err;
	p->is_local = is_local(url);
	p->url = strdup(set->url);
	ok = p->url && (!set->tls.server_name || rename_server(p, url, set->tls.server_name));
	curl_url_cleanup(url);
	return ok ? 0 : toll_fail(reterr, TOLL_ENOMEM, "out of memory");
}

static int set_up(struct toll_http_poster *p, const struct toll_http_poster_settings *set,
                  struct toll_error *reterr)
{
	int err;

	p->multi = toll_curl_multi();
	if (!p->multi)
		return toll_fail(reterr, TOLL_ENOMEM, "the HTTP library does not start");
	err = set_url(p, set, reterr);
	if (err)
		return err;
	if (set->proxy && !(p->proxy = strdup(set->proxy)))
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (!add_headers(p, set))
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = toll_thread_start(&p->thread, set->thread, run, p);
	if (err)
		return toll_fail(reterr, err, "no thread: %s", toll_err_text(err));
	p->started = true;
	return 0;
}

int toll_http_poster_new(const struct toll_http_poster_settings *set, struct toll_http_poster **ret,
                         struct toll_error *reterr)
{
	struct toll_http_poster *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	p->timeout_ns = set->timeout_ns;
	p->idle_timeout_ns = set->idle_timeout_ns;
	p->no_keep_alive = set->no_keep_alive;
	p->tls = set->tls;
	p->queue_end = &p->queue;
	pthread_mutex_init(&p->lock, NULL);
	err = set_up(p, set, reterr);
	if (err) {
		toll_http_poster_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

static void end_thread(struct toll_http_poster *p)
{
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_mutex_unlock(&p->lock);
	curl_multi_wakeup(p->multi);
	pthread_join(p->thread, NULL);
}

struct toll_http_poster *toll_http_poster_free(struct toll_http_poster *p)
{
	if (!p)
		return NULL;
	if (p->started)
		end_thread(p);
	curl_multi_cleanup(p->multi);
	curl_slist_free_all(p->headers);
	curl_slist_free_all(p->connect);
	pthread_mutex_destroy(&p->lock);
	free(p->proxy);
	free(p->url);
	free(p);
	return NULL;
}
