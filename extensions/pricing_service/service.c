/* SPDX-License-Identifier: Apache-2.0 */
/* pricing_service - serves the price book to other programs over gRPC (proto/pricing.proto). */
#include "extensions/pricing_service/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "net/endpoint.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

#define PACKAGE "/spantoll.pricing.v1.PricingService/"

void toll_pricing_refuse(struct toll_grpc_call *c, int status, const char *why)
{
	toll_grpc_answer(c, &(struct toll_grpc_answer){ .status = status, .message = why });
}

bool toll_pricing_take(struct toll_grpc_call *c, char buf[TOLL_PRICING_REQUEST_MAX],
                       size_t *ret_size)
{
	if (toll_grpc_call_encoding(c) != TOLL_GRPC_IDENTITY) {
		toll_pricing_refuse(c, TOLL_GRPC_UNIMPLEMENTED, "send requests uncompressed");
		return false;
	}
	*ret_size = toll_grpc_call_size(c); /* the server lets no longer ones in */
	toll_grpc_call_take(c, buf);
	return true;
}

/* ---- metrics ---- */

static const char *const method_names[TOLL_PRICING_METHODS] = { "GetCost", "GetPriceBook",
	                                                        "WatchPriceBook", "PreRefresh" };

static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct pricing_service *s = toll_container_of(source, struct pricing_service, metrics);
	struct toll_label labels[2] = { { "pricing_service",
		                          toll_slice_str(s->super.super.id.text) } };
	unsigned watchers;

	pthread_mutex_lock(&s->lock);
	watchers = s->watcher_count;
	pthread_mutex_unlock(&s->lock);
	toll_metrics_family(w, "spantoll_pricing_service_watchers", TOLL_METRIC_GAUGE,
	                    "Streams that follow the price book.");
	toll_metrics_sample(w, labels, 1, watchers);
	toll_metrics_family(w, "spantoll_pricing_service_books_sent", TOLL_METRIC_COUNTER,
	                    "Price books sent on streams, with their documents.");
	toll_metrics_sample(w, labels, 1, atomic_load(&s->books));
	toll_metrics_family(w, "spantoll_pricing_service_calls", TOLL_METRIC_COUNTER,
	                    "Calls, by method.");
	for (int i = 0; i < TOLL_PRICING_METHODS; i++) {
		labels[1] = (struct toll_label){ "method", toll_slice_str(method_names[i]) };
		toll_metrics_sample(w, labels, 2, atomic_load(&s->calls[i]));
	}
}

/* ---- life ---- */

static int find_book(struct pricing_service *s, struct toll_error *reterr)
{
	const struct toll_component *c = &s->super.super;
	const char *id = toll_text_or_null(s->config->book);

	s->feed = toll_host_find(c->host, "price_feed", id);
	s->source = toll_host_find(c->host, "pricebook", id);
	if (s->feed && s->source)
		return 0;
	return toll_fail(reterr, TOLL_ECONFIG,
	                 "%s: there is no price book to serve: list an extension pricebook in "
	                 "service::extensions before this one",
	                 c->who);
}

static int open_tls(struct pricing_service *s, struct toll_error *reterr)
{
	const struct toll_server_tls *t = &s->config->tls;
	const struct toll_tls_server_settings set = {
		TOLL_TLS_SERVER_SETTINGS(t),
		.setting = s->tls_setting,
	};

	return t->present ? toll_tls_server_new(&set, &s->tls, reterr) : 0;
}

static int listen_and_serve(struct pricing_service *s, struct toll_error *reterr)
{
	const struct toll_grpc_server_settings set = {
		.endpoint = s->config->endpoint.ptr,
		.setting = s->setting,
		.thread = "toll-pricing",
		.methods = s->methods,
		.method_count = TOLL_PRICING_METHODS,
		.tls = s->tls,
		.call_size = sizeof(struct toll_pricing_caller),
		.max_message_bytes = TOLL_PRICING_REQUEST_MAX,
		.memory_bytes = (size_t)256 << 20,
	};

	return toll_grpc_server_new(&set, &s->server, reterr);
}

static int service_start(struct toll_component *c, struct toll_error *reterr)
{
	struct pricing_service *s = toll_container_of(c, struct pricing_service, super.super);
	int err = find_book(s, reterr);

	if (!err)
		err = open_tls(s, reterr);
	if (!err)
		err = listen_and_serve(s, reterr);
	if (err)
		return err;
	toll_price_feed_listen(s->feed, &s->listener);
	s->listening = true;
	toll_host_metrics_add(c->host, &s->metrics);
	s->measured = true;
	s->heartbeat = toll_host_timer(c->host, s->config->heartbeat, s->config->heartbeat,
	                               toll_pricing_beat, s);
	if (!s->heartbeat)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", c->who);
	TOLL_INFO(c->who, "prices are served over gRPC endpoint=%s",
	          toll_grpc_server_address(s->server));
	return 0;
}

static void service_shutdown(struct toll_component *c, uint64_t deadline_mono_ns)
{
	struct pricing_service *s = toll_container_of(c, struct pricing_service, super.super);

	if (s->server)
		toll_grpc_server_close(s->server);
	toll_pricing_stop_callers(s);
	if (s->server)
		toll_grpc_server_stop(s->server, deadline_mono_ns);
	if (s->listening)
		toll_price_feed_leave(s->feed, &s->listener);
	if (s->measured)
		toll_host_metrics_remove(c->host, &s->metrics);
	s->listening = s->measured = false;
}

static void service_free(struct toll_component *c)
{
	struct pricing_service *s = toll_container_of(c, struct pricing_service, super.super);

	service_shutdown(c, 0);
	toll_host_timer_stop(s->heartbeat); /* the main loop's */
	toll_grpc_server_free(s->server);
	toll_tls_server_free(s->tls);
	if (s->body)
		toll_shared_unref(&s->body->shared);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct toll_component_ops service_ops = { service_start, service_shutdown,
	                                               service_free };

static void fill_methods(struct pricing_service *s)
{
	s->methods[TOLL_PRICING_GET_COST] =
		(struct toll_grpc_method){ PACKAGE "GetCost", toll_pricing_handle_cost, s };
	s->methods[TOLL_PRICING_GET_PRICE_BOOK] =
		(struct toll_grpc_method){ PACKAGE "GetPriceBook", toll_pricing_handle_book, s };
	s->methods[TOLL_PRICING_WATCH_PRICE_BOOK] =
		(struct toll_grpc_method){ PACKAGE "WatchPriceBook", toll_pricing_handle_watch, s };
	s->methods[TOLL_PRICING_PRE_REFRESH] =
		(struct toll_grpc_method){ PACKAGE "PreRefresh", toll_pricing_handle_pre_refresh,
		                           s };
}

static int service_create(const struct toll_settings *set, const void *config,
                          struct toll_component **ret, struct toll_error *reterr)
{
	struct pricing_service *s = calloc(1, sizeof(*s));

	if (!s)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&s->super.super, &service_ops, set);
	pthread_mutex_init(&s->lock, NULL);
	s->config = config;
	s->listener.told = toll_pricing_told;
	s->metrics.collect = collect;
	snprintf(s->setting, sizeof(s->setting), "extensions::%s::endpoint", set->id.text);
	snprintf(s->tls_setting, sizeof(s->tls_setting), "extensions::%s::tls", set->id.text);
	fill_methods(s);
	toll_pricing_watch_init(s);
	*ret = &s->super.super;
	return 0;
}

static void service_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_pricing_config *c = config;
	struct toll_endpoint endpoint;
	struct toll_error why;

	if (strncmp(c->endpoint.ptr, "unix:", 5) != 0 &&
	    toll_endpoint_parse(c->endpoint, &endpoint, &why) < 0)
		toll_report_error(r, "endpoint", "%s", why.text);
	toll_server_tls_check(&c->tls, "tls", r);
}

#define CONFIG struct toll_pricing_config

static const struct toll_field service_fields[] = {
	TOLL_FIELD(CONFIG, endpoint, STRING, "localhost:4322",
	           "Where it listens, host:port; 0.0.0.0:4322 in a container.", .listens = true),
	TOLL_FIELD(CONFIG, book, STRING, NULL,
	           "Id of the extension pricebook to serve; default: the only one there is.",
	           .extension = "pricebook"),
	TOLL_FIELD(CONFIG, heartbeat, DURATION, "30s",
	           "How often those who follow hear that the prices hold.", .min = 10000000,
	           .max = 60000000000),
	TOLL_FIELD(CONFIG, max_watchers, INT, "10000", "Streams at once; more are refused.",
	           .min = 1, .max = 1000000),
	TOLL_FIELD(CONFIG, tls, GROUP, NULL, "Certificates; without them: plain text.",
	           .group = toll_server_tls_fields, .present = offsetof(CONFIG, tls.present)),
	TOLL_FIELD_END,
};

const struct toll_factory toll_extension_pricing_service = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_ALPHA,
	.type = "pricing_service",
	.help = "Serves the price book to other programs over gRPC.",
	.config_size = sizeof(struct toll_pricing_config),
	.fields = service_fields,
	.validate = service_validate,
	.create = service_create,
};
