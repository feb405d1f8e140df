/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http - sends spans over OTLP/HTTP to a Collector, Tempo, Jaeger or another spantoll. */
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "base/log.h"
#include "exporters/otlp_http/settings.h"
#include "exporters/otlp_http/verdict.h"
#include "net/gzip.h"
#include "net/zstd_pack.h"
#include "pipeline/client_pem.h"
#include "pipeline/otlp_out.h"
#include "proto/otlp_json.h"

struct otlp_http {
	struct toll_otlp_out out;
	const struct toll_otlp_http_out_config *config;
	enum toll_otlp_http_out_compression compression;
	char url[TOLL_OTLP_HTTP_OUT_URL_MAX], shown[TOLL_OTLP_HTTP_OUT_URL_MAX];
	struct toll_client_pems pems; /* start, then the runner's thread */
	struct toll_http_poster *poster;
	pthread_mutex_t lock; /* guards gzip, zstd: the runner's thread and the poster's pack */
	struct toll_gzip gzip;
	struct toll_zstd_packer zstd;
};

static struct otlp_http *of(struct toll_component *c)
{
	return toll_container_of(c, struct otlp_http, out.super.super);
}

/* ---- one request ---- */

static int to_json(char **body, size_t *len)
{
	struct toll_buffer json = { 0 };

	toll_otlp_json_request(toll_slice(*body, *len), &json);
	free(*body);
	*body = json.ptr;
	*len = json.len;
	return json.err;
}

static int compress(struct otlp_http *o, char **body, size_t *len)
{
	char *packed = NULL;
	size_t packed_len = 0;
	int err;

	pthread_mutex_lock(&o->lock);
	if (o->compression == TOLL_OTLP_HTTP_OUT_ZSTD)
		err = toll_zstd_pack(&o->zstd, toll_slice(*body, *len), &packed, &packed_len);
	else
		err = toll_gzip_pack(&o->gzip, toll_slice(*body, *len), &packed, &packed_len);
	pthread_mutex_unlock(&o->lock);
	free(*body);
	*body = packed;
	*len = packed_len;
	return err;
}

/* *ret is malloc'ed on success. */
static int encode(struct otlp_http *o, const struct toll_otlp_piece *piece, char **ret,
                  size_t *ret_len)
{
	size_t len = piece->size;
	char *body = malloc(len + 1);
	int err = 0;

	if (!body)
		return TOLL_ENOMEM;
	toll_otlp_piece_encode(piece, body);
	if (o->config->encoding == TOLL_OTLP_HTTP_OUT_JSON)
		err = to_json(&body, &len);
	if (!err && o->compression != TOLL_OTLP_HTTP_OUT_PLAIN)
		err = compress(o, &body, &len);
	if (err) {
		free(body);
		return err;
	}
	*ret = body;
	*ret_len = len;
	return 0;
}

static void on_reply(void *ctx, const struct toll_http_reply *r)
{
	struct toll_otlp_http_out_words words = { .status = "" };
	struct toll_otlp_out_verdict v = toll_otlp_http_out_verdict(r, &words);

	toll_otlp_out_answered(ctx, &v);
}

static int send_piece(struct toll_otlp_out *out, const struct toll_otlp_piece *piece,
                      struct toll_otlp_shipment *s)
{
	struct otlp_http *o = toll_container_of(out, struct otlp_http, out);
	char *body;
	size_t len;
	int err = encode(o, piece, &body, &len);

	return err ? err : toll_http_post(o->poster, body, len, on_reply, s);
}

/* ---- the client ---- */

static struct toll_http_client_tls tls_of(const struct toll_client_tls *tls,
                                          const struct toll_client_pems *p)
{
	return (struct toll_http_client_tls){
		TOLL_CLIENT_TLS_TRUST(tls, p),
		TOLL_CLIENT_TLS_VERSIONS(tls),
	};
}

/* The user's, and two of our own. Malloc'ed. */
static struct toll_http_header *headers_of(const struct otlp_http *o, size_t *ret_count)
{
	const struct toll_pair_list *map = &o->config->headers;
	struct toll_http_header *list = malloc((map->count + 2) * sizeof(*list));
	bool json = o->config->encoding == TOLL_OTLP_HTTP_OUT_JSON;
	size_t n = 0;

	if (!list)
		return NULL;
	list[n++] = (struct toll_http_header){ "Content-Type",
		                               json ? TOLL_SLICE("application/json")
		                                    : TOLL_SLICE("application/x-protobuf") };
	if (o->compression != TOLL_OTLP_HTTP_OUT_PLAIN)
		list[n++] = (struct toll_http_header){ "Content-Encoding",
			                               o->compression == TOLL_OTLP_HTTP_OUT_ZSTD
			                                       ? TOLL_SLICE("zstd")
			                                       : TOLL_SLICE("gzip") };
	for (size_t i = 0; i < map->count; i++)
		list[n++] = (struct toll_http_header){ map->at[i].key.ptr, map->at[i].value };
	*ret_count = n;
	return list;
}

static int open_client(struct otlp_http *o, struct toll_error *reterr)
{
	const struct toll_otlp_http_out_config *c = o->config;
	size_t count = 0;
	struct toll_http_header *headers = headers_of(o, &count);
	const struct toll_http_poster_settings set = {
		.url = o->url,
		.thread = "toll-otlp-http",
		.proxy = toll_text_or_null(c->proxy_url),
		.headers = headers,
		.header_count = count,
		.tls = tls_of(&c->tls, &o->pems),
		.timeout_ns = c->common.timeout,
		.idle_timeout_ns = c->idle_conn_timeout,
		.no_keep_alive = c->disable_keep_alives,
	};
	int err;

	if (!headers)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = toll_http_poster_new(&set, &o->poster, reterr);
	free(headers);
	return err;
}

/* ---- certificates that are renewed ---- */

static bool is_secure(const struct otlp_http *o)
{
	return strncasecmp(o->url, "https://", 8) == 0;
}

static bool has_files(const struct toll_client_tls *tls)
{
	return tls->ca_file.len || tls->cert_file.len || tls->key_file.len;
}

/* The runner's thread, every reload_interval. What cannot be read leaves things as they are. */
static void look_at_files(struct toll_exporter *e)
{
	struct otlp_http *o = of(&e->super);
	struct toll_client_pems fresh = { NULL, NULL, NULL }, old = o->pems;
	struct toll_http_client_tls tls;
	struct toll_error why;

	if (toll_client_pems_load(&o->config->tls, &fresh, &why) < 0) {
		TOLL_WARN(e->super.who, "%s; the certificates read before stay in use", why.text);
		return;
	}
	if (toll_client_pems_equal(&fresh, &old)) {
		toll_client_pems_release(&fresh);
		return;
	}
	tls = tls_of(&o->config->tls, &fresh);
	toll_http_poster_set_tls(o->poster, &tls);
	o->pems = fresh;
	toll_client_pems_release(&old);
	TOLL_INFO(e->super.who, "connects with new certificates from now on");
}

/* ---- life ---- */

static int start(struct toll_component *c, struct toll_error *reterr)
{
	struct otlp_http *o = of(c);
	struct toll_error why = { 0 };
	int err = is_secure(o) ? toll_client_pems_load(&o->config->tls, &o->pems, &why) : 0;

	if (!err)
		err = open_client(o, &why);
	if (err)
		return toll_fail(reterr, err, "%s: %s", c->who, why.text);
	toll_otlp_out_started(&o->out);
	TOLL_INFO(c->who, "sends to %s", o->shown);
	return 0;
}

/* The runner has drained: what is still in flight is given up. */
static void stop(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct otlp_http *o = of(c);

	toll_otlp_out_stop(&o->out);
	o->poster = toll_http_poster_free(o->poster);
}

static void destroy(struct toll_component *c)
{
	struct otlp_http *o = of(c);

	stop(c, 0);
	toll_otlp_out_release(&o->out);
	toll_client_pems_release(&o->pems);
	toll_gzip_release(&o->gzip);
	toll_zstd_packer_release(&o->zstd);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

static const struct toll_component_ops ops = { start, stop, destroy };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct toll_otlp_http_out_config *conf = config;
	struct otlp_http *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	err = toll_otlp_http_out_url(conf, o->url, reterr);
	if (err || !toll_otlp_http_out_compression(conf->compression, &o->compression)) {
		free(o); /* validate() has said so before */
		return err ? err : TOLL_ECONFIG;
	}
	toll_otlp_out_init(&o->out, &ops, set, send_piece);
	o->out.target = toll_url_shown(o->url, o->shown, sizeof(o->shown));
	o->config = conf;
	pthread_mutex_init(&o->lock, NULL);
	if (conf->tls.reload_interval && has_files(&conf->tls) && is_secure(o)) {
		o->out.super.tick = look_at_files;
		o->out.super.tick_ns = conf->tls.reload_interval;
	}
	*ret = &o->out.super.super;
	return 0;
}

const struct toll_factory toll_exporter_otlp_http = {
	.kind = TOLL_EXPORTER,
	.stability = TOLL_BETA,
	.type = "otlp_http",
	.alias = "otlphttp",
	.help = "Sends spans over OTLP/HTTP to a Collector, Tempo, Jaeger or another spantoll.",
	.config_size = sizeof(struct toll_otlp_http_out_config),
	.fields = toll_otlp_http_out_fields,
	.exporter_settings = offsetof(struct toll_otlp_http_out_config, common),
	.validate = toll_otlp_http_out_validate,
	.create = create,
};
