/* SPDX-License-Identifier: Apache-2.0 */
/* http_post_target.c - what all requests of a poster have in common: URL, headers, and the name
 * that the server is believed by. */
#include <stdio.h>
#include <stdlib.h>

#include "net/http_post_private.h"

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

bool toll_http_poster_add_headers(struct toll_http_poster *p,
                                  const struct toll_http_poster_settings *set)
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

int toll_http_poster_set_url(struct toll_http_poster *p,
                             const struct toll_http_poster_settings *set, struct toll_error *reterr)
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
