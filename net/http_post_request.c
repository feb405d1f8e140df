/* SPDX-License-Identifier: Apache-2.0 */
/* http_post_request.c - one request: what libcurl is told of it, and its answer. */
#include <stdlib.h>

#include "base/version.h"
#include "net/http_post_private.h"

#define ANSWER_MAX ((size_t)64 << 10)
#define NS_PER_MS  1000000
#define NS_PER_S   UINT64_C(1000000000)

void toll_http_posting_free(struct toll_http_posting *p)
{
	if (p->curl)
		curl_easy_cleanup(p->curl);
	free(p->answer);
	free(p->body);
	free(p);
}

static size_t take_answer(char *bytes, size_t one, size_t len, void *ctx)
{
	struct toll_http_posting *p = ctx;
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

CURLcode toll_http_posting_fill(struct toll_http_poster *p, struct toll_http_posting *post)
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

static void give_answer(struct toll_http_posting *post, const struct toll_http_reply *reply)
{
	post->done(post->ctx, reply);
	toll_http_posting_free(post);
}

void toll_http_posting_fail(struct toll_http_posting *post, int err, const char *why)
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
void toll_http_posting_finish(struct toll_http_posting *post, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200) {
		toll_http_posting_fail(post, code ? toll_curl_err(code) : TOLL_EDOWN,
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
