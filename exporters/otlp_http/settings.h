/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what users write about an OTLP/HTTP destination, with the Collector's names. */
#ifndef TOLL_EXPORTERS_OTLP_HTTP_SETTINGS_H
#define TOLL_EXPORTERS_OTLP_HTTP_SETTINGS_H

#include "config/client_tls.h"
#include "pipeline/runner.h"

enum toll_otlp_http_out_encoding { TOLL_OTLP_HTTP_OUT_PROTO = 0, TOLL_OTLP_HTTP_OUT_JSON };
enum toll_otlp_http_out_compression {
	TOLL_OTLP_HTTP_OUT_GZIP = 0,
	TOLL_OTLP_HTTP_OUT_ZSTD,
	TOLL_OTLP_HTTP_OUT_PLAIN
};

struct toll_otlp_http_out_config {
	struct toll_slice endpoint, traces_endpoint, compression, proxy_url;
	int encoding; /* enum toll_otlp_http_out_encoding */
	struct toll_pair_list headers;
	struct toll_client_tls tls;
	uint64_t idle_conn_timeout; /* ns */
	bool disable_keep_alives;
	struct toll_exporter_settings common;
};

extern const struct toll_field toll_otlp_http_out_fields[];
void toll_otlp_http_out_validate(const void *config, struct toll_reporter *r);

#define TOLL_OTLP_HTTP_OUT_URL_MAX 1024

/* traces_endpoint as it is, else endpoint with /v1/traces behind it. TOLL_EINVALID with a sentence.
 */
int toll_otlp_http_out_url(const struct toll_otlp_http_out_config *c,
                           char buf[TOLL_OTLP_HTTP_OUT_URL_MAX],
                           struct toll_error *reterr) TOLL_MUST_CHECK;
/* False: no such compression here. */
bool toll_otlp_http_out_compression(struct toll_slice name,
                                    enum toll_otlp_http_out_compression *ret);

#endif
