/* SPDX-License-Identifier: Apache-2.0 */
/* otlp - sends spans over OTLP/gRPC to a Collector, Tempo, Jaeger or another spantoll. */
#include <ctype.h>
#include <stdlib.h>

#include "base/log.h"
#include "exporters/otlp/settings.h"
#include "exporters/otlp/verdict.h"
#include "net/grpc_client.h"
#include "pipeline/client_pem.h"
#include "pipeline/otlp_out.h"

#define METHOD "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

struct otlp {
	struct toll_otlp_out out;
	const struct toll_otlp_grpc_out_config *config;
	char target[TOLL_OTLP_GRPC_OUT_TARGET_MAX];
	struct toll_client_pems pems; /* start, then the runner's thread */
	struct toll_grpc_client *client;
};

static struct otlp *of(struct toll_component *c)
{
	return toll_container_of(c, struct otlp, out.super.super);
}

/* ---- one request ---- */

static void on_reply(void *ctx, const struct toll_grpc_reply *r)
{
	struct toll_otlp_shipment *s = ctx;
	struct toll_otlp_out_verdict v =
		toll_otlp_grpc_out_verdict(r, toll_otlp_out_piece(s)->size);

	toll_otlp_out_answered(s, &v);
}

static int send_piece(struct toll_otlp_out *out, const struct toll_otlp_piece *piece,
                      struct toll_otlp_shipment *s)
{
	struct otlp *o = toll_container_of(out, struct otlp, out);
	uint64_t timeout = o->config->common.timeout;
	struct toll_grpc_request q = { METHOD, malloc(piece->size + 1), piece->size,
		                       timeout ? timeout : UINT64_MAX };

	if (!q.take_body)
		return TOLL_ENOMEM;
	toll_otlp_piece_encode(piece, q.take_body);
	return toll_grpc_client_send(o->client, &q, on_reply, s);
}

/* ---- the gRPC client ---- */

/* gRPC wants names in lower case; HTTP does not care. Malloc'ed, with the names behind the list. */
static struct toll_grpc_header *lowered_headers(const struct toll_pair_list *map)
{
	size_t size = map->count * sizeof(struct toll_grpc_header), names = 1;
	struct toll_grpc_header *list;
	char *at;

	for (size_t i = 0; i < map->count; i++)
		names += map->at[i].key.len + 1;
	list = malloc(size + names);
	if (!list)
		return NULL;
	at = (char *)list + size;
	for (size_t i = 0; i < map->count; i++) {
		list[i] = (struct toll_grpc_header){ at, map->at[i].value };
		for (size_t j = 0; j < map->at[i].key.len; j++)
			*at++ = (char)tolower((unsigned char)map->at[i].key.ptr[j]);
		*at++ = '\0';
	}
	return list;
}

static struct toll_grpc_client_tls tls_of(const struct toll_client_tls *tls,
                                          const struct toll_client_pems *p)
{
	return (struct toll_grpc_client_tls){
		TOLL_CLIENT_TLS_TRUST(tls, p),
	};
}

static struct toll_grpc_client_settings settings_of(const struct otlp *o,
                                                    const struct toll_grpc_client_tls *tls)
{
	const struct toll_otlp_grpc_out_config *c = o->config;

	return (struct toll_grpc_client_settings){
		.target = o->target,
		.authority = toll_text_or_null(c->authority),
		.thread = "toll-otlp-out",
		.gzip = toll_otlp_grpc_out_is_gzip(c),
		.wait_for_ready = c->wait_for_ready,
		.round_robin = !toll_slice_is(c->balancer_name, "pick_first"),
		.tls = toll_otlp_grpc_out_is_secure(c) ? tls : NULL,
		.read_buffer_bytes = c->read_buffer_size,
		.write_buffer_bytes = c->write_buffer_size,
		.keepalive_time_ns = c->keepalive.time,
		.keepalive_timeout_ns = c->keepalive.timeout,
		.keepalive_permit_without_calls = c->keepalive.permit_without_stream,
	};
}

static int open_client(struct otlp *o, struct toll_error *reterr)
{
	const struct toll_grpc_client_tls tls = tls_of(&o->config->tls, &o->pems);
	struct toll_grpc_client_settings set = settings_of(o, &tls);
	struct toll_grpc_header *headers = lowered_headers(&o->config->headers);
	int err;

	if (!headers)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", o->out.super.super.who);
	set.headers = headers;
	set.header_count = o->config->headers.count;
	err = toll_grpc_client_new(&set, &o->client, reterr);
	free(headers);
	return err;
}

/* ---- certificates that are renewed ---- */

static bool has_files(const struct toll_client_tls *tls)
{
	return tls->ca_file.len || tls->cert_file.len || tls->key_file.len;
}

static int reopen(struct otlp *o, struct toll_client_pems *fresh)
{
	const struct toll_grpc_client_tls tls = tls_of(&o->config->tls, fresh);
	const struct toll_grpc_client_settings set = settings_of(o, &tls);
	struct toll_client_pems old = o->pems;
	int err = toll_grpc_client_reopen(o->client, &set);

	if (err)
		return err;
	o->pems = *fresh;
	*fresh = old;
	return 0;
}

/* The runner's thread, every reload_interval. What cannot be read leaves things as they are. */
static void look_at_files(struct toll_exporter *e)
{
	struct otlp *o = of(&e->super);
	const char *name = e->super.who;
	struct toll_client_pems fresh = { NULL, NULL, NULL };
	struct toll_error why;

	if (toll_client_pems_load(&o->config->tls, &fresh, &why) < 0) {
		TOLL_WARN(name, "%s; the certificates read before stay in use", why.text);
		return;
	}
	if (toll_client_pems_equal(&fresh, &o->pems))
		;
	else if (reopen(o, &fresh) < 0)
		TOLL_WARN(name, "new certificates are not taken over: out of memory");
	else
		TOLL_INFO(name, "connects with new certificates from now on");
	toll_client_pems_release(&fresh);
}

/* ---- life ---- */

static int otlp_start(struct toll_component *c, struct toll_error *reterr)
{
	struct otlp *o = of(c);
	struct toll_error why = { 0 };
	int err = 0;

	if (toll_otlp_grpc_out_is_secure(o->config))
		err = toll_client_pems_load(&o->config->tls, &o->pems, &why);
	if (err)
		return toll_fail(reterr, err, "%s: %s", c->who, why.text);
	err = open_client(o, reterr);
	if (err)
		return err;
	toll_otlp_out_started(&o->out);
	TOLL_INFO(c->who, "sends to %s (%s)", o->target,
	          toll_otlp_grpc_out_is_secure(o->config) ? "TLS" : "plain text");
	return 0;
}

/* The runner has drained: what is still in flight is given up. */
static void otlp_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct otlp *o = of(c);

	toll_otlp_out_stop(&o->out);
	o->client = toll_grpc_client_free(o->client);
}

static void otlp_free(struct toll_component *c)
{
	struct otlp *o = of(c);

	otlp_shutdown(c, 0);
	toll_otlp_out_release(&o->out);
	toll_client_pems_release(&o->pems);
	free(o);
}

static const struct toll_component_ops ops = { otlp_start, otlp_shutdown, otlp_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct toll_otlp_grpc_out_config *conf = config;
	struct otlp *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	err = toll_otlp_grpc_out_target(conf, o->target, reterr);
	if (err) { /* validate() has said so before */
		free(o);
		return err;
	}
	toll_otlp_out_init(&o->out, &ops, set, send_piece);
	o->out.target = o->target;
	if (conf->tls.reload_interval && has_files(&conf->tls) &&
	    toll_otlp_grpc_out_is_secure(conf)) {
		o->out.super.tick = look_at_files;
		o->out.super.tick_ns = conf->tls.reload_interval;
	}
	o->config = conf;
	*ret = &o->out.super.super;
	return 0;
}

const struct toll_factory toll_exporter_otlp_grpc = {
	.kind = TOLL_EXPORTER,
	.stability = TOLL_BETA,
	.type = "otlp_grpc",
	.alias = "otlp",
	.help = "Sends spans over OTLP/gRPC to a Collector, Tempo, Jaeger or another spantoll.",
	.config_size = sizeof(struct toll_otlp_grpc_out_config),
	.fields = toll_otlp_grpc_out_fields,
	.exporter_settings = offsetof(struct toll_otlp_grpc_out_config, common),
	.validate = toll_otlp_grpc_out_validate,
	.create = create,
};
