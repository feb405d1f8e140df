/* SPDX-License-Identifier: Apache-2.0 */
/* otlp - sends spans over OTLP/gRPC to a Collector, Tempo, Jaeger or another spantoll. */
#include "exporters/otlp/otlp.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/log.h"
#include "pipeline/factory.h"

static struct toll_otlp_out *out_of(struct toll_component *c)
{
	return toll_container_of(c, struct toll_otlp_out, super.super);
}

static int export_parts(struct toll_exporter *e, struct toll_delivery *d)
{
	return toll_otlp_out_ship(toll_container_of(e, struct toll_otlp_out, super), d);
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

static const char *text_or_null(struct toll_slice s)
{
	return s.len ? s.ptr : NULL;
}

static struct toll_grpc_client_tls tls_of(const struct toll_client_tls *tls,
                                          const struct toll_otlp_out_pems *p)
{
	return (struct toll_grpc_client_tls){
		.ca_pem = p->ca,
		.cert_pem = p->cert,
		.key_pem = p->key,
		.server_name = text_or_null(tls->server_name_override),
		.skip_verify = tls->insecure_skip_verify,
	};
}

static struct toll_grpc_client_settings settings_of(const struct toll_otlp_out *o,
                                                    const struct toll_grpc_client_tls *tls)
{
	const struct toll_otlp_out_config *c = o->config;

	return (struct toll_grpc_client_settings){
		.target = o->target,
		.authority = text_or_null(c->authority),
		.thread = "toll-otlp-out",
		.gzip = toll_otlp_out_is_gzip(c),
		.wait_for_ready = c->wait_for_ready,
		.round_robin = !toll_slice_is(c->balancer_name, "pick_first"),
		.tls = toll_otlp_out_is_secure(c) ? tls : NULL,
		.read_buffer_bytes = c->read_buffer_size,
		.write_buffer_bytes = c->write_buffer_size,
		.keepalive_time_ns = c->keepalive.time,
		.keepalive_timeout_ns = c->keepalive.timeout,
		.keepalive_permit_without_calls = c->keepalive.permit_without_stream,
	};
}

static int open_client(struct toll_otlp_out *o, struct toll_error *reterr)
{
	const struct toll_grpc_client_tls tls = tls_of(&o->config->tls, &o->pems);
	struct toll_grpc_client_settings set = settings_of(o, &tls);
	struct toll_grpc_header *headers = lowered_headers(&o->config->headers);
	int err;

	if (!headers)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", o->super.super.who);
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

static int reopen(struct toll_otlp_out *o, struct toll_otlp_out_pems *fresh)
{
	const struct toll_grpc_client_tls tls = tls_of(&o->config->tls, fresh);
	const struct toll_grpc_client_settings set = settings_of(o, &tls);
	struct toll_otlp_out_pems old = o->pems;
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
	struct toll_otlp_out *o = toll_container_of(e, struct toll_otlp_out, super);
	const char *name = o->super.super.who;
	struct toll_otlp_out_pems fresh = { NULL, NULL, NULL };
	struct toll_error why;

	if (toll_otlp_out_pems_load(&o->config->tls, &fresh, &why) < 0) {
		TOLL_WARN(name, "%s; the certificates read before stay in use", why.text);
		return;
	}
	if (toll_otlp_out_pems_equal(&fresh, &o->pems))
		;
	else if (reopen(o, &fresh) < 0)
		TOLL_WARN(name, "new certificates are not taken over: out of memory");
	else
		TOLL_INFO(name, "connects with new certificates from now on");
	toll_otlp_out_pems_release(&fresh);
}

/* ---- life ---- */

static int otlp_start(struct toll_component *c, struct toll_error *reterr)
{
	struct toll_otlp_out *o = out_of(c);
	struct toll_error why = { 0 };
	int err = 0;

	if (toll_otlp_out_is_secure(o->config))
		err = toll_otlp_out_pems_load(&o->config->tls, &o->pems, &why);
	if (err)
		return toll_fail(reterr, err, "%s: %s", c->who, why.text);
	err = open_client(o, reterr);
	if (err)
		return err;
	toll_host_metrics_add(c->host, &o->metrics);
	o->listed = true;
	TOLL_INFO(c->who, "sends to %s (%s)", o->target,
	          toll_otlp_out_is_secure(o->config) ? "TLS" : "plain text");
	return 0;
}

/* The runner has drained: what is still in flight is given up. */
static void otlp_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct toll_otlp_out *o = out_of(c);

	atomic_store_explicit(&o->stopping, true, memory_order_relaxed);
	o->client = toll_grpc_client_free(o->client);
}

static void otlp_free(struct toll_component *c)
{
	struct toll_otlp_out *o = out_of(c);

	otlp_shutdown(c, 0);
	if (o->listed)
		toll_host_metrics_remove(c->host, &o->metrics);
	toll_otlp_out_pems_release(&o->pems);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

static const struct toll_component_ops ops = { otlp_start, otlp_shutdown, otlp_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct toll_otlp_out_config *conf = config;
	struct toll_otlp_out *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	err = toll_otlp_out_target(conf, o->target, reterr);
	if (err) { /* validate() has said so before */
		free(o);
		return err;
	}
	toll_component_init(&o->super.super, &ops, set);
	o->super.export_parts = export_parts;
	if (conf->tls.reload_interval && has_files(&conf->tls) && toll_otlp_out_is_secure(conf)) {
		o->super.tick = look_at_files;
		o->super.tick_ns = conf->tls.reload_interval;
	}
	o->config = conf;
	o->metrics.collect = toll_otlp_out_collect;
	atomic_init(&o->request_max, TOLL_OTLP_OUT_REQUEST_MAX);
	pthread_mutex_init(&o->lock, NULL);
	*ret = &o->super.super;
	return 0;
}

const struct toll_factory toll_exporter_otlp_grpc = {
	.kind = TOLL_EXPORTER,
	.stability = TOLL_BETA,
	.type = "otlp_grpc",
	.alias = "otlp",
	.help = "Sends spans over OTLP/gRPC to a Collector, Tempo, Jaeger or another spantoll.",
	.config_size = sizeof(struct toll_otlp_out_config),
	.fields = toll_otlp_out_fields,
	.exporter_settings = offsetof(struct toll_otlp_out_config, common),
	.validate = toll_otlp_out_validate,
	.create = create,
};
