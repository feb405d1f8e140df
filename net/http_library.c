/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_library.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "net/http_post.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode library;

static void init_library(void)
{
	library = curl_global_init(CURL_GLOBAL_DEFAULT);
}

CURL *toll_curl_easy(void)
{
	pthread_once(&once, init_library);
	return library == CURLE_OK ? curl_easy_init() : NULL;
}

CURLM *toll_curl_multi(void)
{
	pthread_once(&once, init_library);
	return library == CURLE_OK ? curl_multi_init() : NULL;
}

int toll_curl_err(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return TOLL_ETIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		return TOLL_ENOMEM;
	case CURLE_URL_MALFORMAT:
		return TOLL_EINVALID;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_TOO_MANY_REDIRECTS:
		return TOLL_EREFUSED;
	default:
		return TOLL_EDOWN;
	}
}

const char *toll_url_shown(const char *url, char *buf, size_t size)
{
	const char *authority = strstr(url, "://"), *at;

	authority = authority ? authority + 3 : url;
	at = memchr(authority, '@', strcspn(authority, "/?#"));
	if (at)
		snprintf(buf, size, "%.*s%s", (int)(authority - url), url, at + 1);
	else
		snprintf(buf, size, "%s", url);
	return buf;
}
