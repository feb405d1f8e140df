/* SPDX-License-Identifier: Apache-2.0 */
/* http_library.h - libcurl, begun once. Private to net/. */
#ifndef TOLL_NET_HTTP_LIBRARY_H
#define TOLL_NET_HTTP_LIBRARY_H

#include <curl/curl.h>
#include <stddef.h>

/* NULL: the library does not start, or out of memory. Any thread. */
CURL *toll_curl_easy(void);
CURLM *toll_curl_multi(void);

/* TOLL_E... of a transfer that failed by itself. */
int toll_curl_err(CURLcode code);
#endif
