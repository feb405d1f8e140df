/* SPDX-License-Identifier: Apache-2.0 */
/* verb_prewarm.c - `spantoll prewarm`: waits until a daemon has its prices; a postStart hook. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/verb.h"
#include "net/endpoint.h"
#include "net/grpc_client.h"
#include "net/http_client.h"

#define PRE_REFRESH "/spantoll.pricing.v1.PricingService/PreRefresh"
#define ASK_NS      (2 * TOLL_S)    /* one question */
#define PAUSE_NS    (100 * TOLL_MS) /* between two */

struct prewarm {
	struct toll_setup_flags setup;
	const char *endpoint;
	uint64_t timeout_ns;
	bool fail_open;
	char url[512];
	uint64_t deadline_mono_ns;
};

/* ---- whom to ask ---- */

/* The value of a text setting by its name; "": there is none. */
static struct toll_slice text_setting(const struct toll_config_component *c, const char *name)
{
	for (const struct toll_field *f = c->type->fields; f->name; f++)
		if (f->type == TOLL_FIELD_STRING && !f->later && strcmp(f->name, name) == 0)
			return *(const struct toll_slice *)((const char *)c->settings + f->offset);
	return toll_slice("", 0);
}

static const struct toll_config_component *find_health(const struct toll_config *config)
{
	for (size_t i = 0; i < config->extension_count; i++)
		if (strcmp(config->extensions[i]->type->type, "health_check") == 0)
			return config->extensions[i];
	return NULL;
}

static int url_of(const struct toll_config *config, struct prewarm *p)
{
	const struct toll_config_component *health = find_health(config);
	char host[TOLL_ENDPOINT_MAX];
	struct toll_endpoint e;
	struct toll_error why;

	if (!health) {
		fprintf(stderr,
		        "spantoll prewarm: %s: service::extensions lists no health_check to ask; "
		        "add one, or name --endpoint\n",
		        config->file);
		return TOLL_EXIT_FAILED;
	}
	if (toll_endpoint_parse(text_setting(health, "endpoint"), &e, &why) < 0) {
		fprintf(stderr, "spantoll prewarm: %s\n", why.text);
		return TOLL_EXIT_CONFIG;
	}
	snprintf(p->url, sizeof(p->url), "http://%s%s", toll_endpoint_local_url(&e, host),
	         text_setting(health, "path").ptr);
	return TOLL_EXIT_OK;
}

static int find_endpoint(struct prewarm *p)
{
	struct toll_config_source source = toll_setup_source(&p->setup);
	struct toll_config *config = NULL;
	int rc;

	if (p->endpoint || !p->setup.config.count) {
		snprintf(p->url, sizeof(p->url), "%s",
		         p->endpoint ? p->endpoint : "http://127.0.0.1:13133/");
		return TOLL_EXIT_OK;
	}
	rc = toll_setup_load_or_explain(&source, &config);
	if (rc == TOLL_EXIT_OK)
		rc = url_of(config, p);
	toll_config_free(config);
	return rc;
}

/* ---- asking ---- */

static uint64_t left_ns(const struct prewarm *p)
{
	uint64_t now = toll_clock_mono_ns();

	return now < p->deadline_mono_ns ? p->deadline_mono_ns - now : 0;
}

static int ask_health(const struct prewarm *p, struct toll_error *why)
{
	uint64_t left = left_ns(p);
	const struct toll_http_get get = { .url = p->url,
		                           .timeout_ns = left < ASK_NS ? left + TOLL_MS : ASK_NS,
		                           .max_bytes = 65536 };
	char *body = NULL;
	size_t len;
	int err = toll_http_get(&get, &body, &len, why);

	free(body);
	return err;
}

/* A process that starts beside this one does not say when it listens: it is asked again and again.
 */
static int wait_for_health(const struct prewarm *p, struct toll_error *why)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int err;

	while ((err = ask_health(p, why)) && err != TOLL_EINVALID && left_ns(p) > PAUSE_NS)
		nanosleep(&pause, NULL);
	return err;
}

/* The pricing service answers when its source has. */
static int pre_refresh(const struct prewarm *p, struct toll_error *why)
{
	const struct toll_grpc_client_settings set = { .target = p->url + strlen("grpc://"),
		                                       .thread = "toll-prewarm",
		                                       .wait_for_ready = true };
	struct toll_grpc_client *client;
	char text[192] = "";
	int err = toll_grpc_client_new(&set, &client, why);

	if (err)
		return err;
	err = toll_grpc_client_call(client, PRE_REFRESH, toll_slice("", 0), left_ns(p), text,
	                            sizeof(text));
	toll_grpc_client_free(client);
	return err ? toll_fail(why, TOLL_EDOWN, "%.40s: status %d: %.150s", set.target, err, text)
	           : 0;
}

static int prewarm(struct prewarm *p)
{
	uint64_t begin = toll_clock_mono_ns();
	bool grpc = strncasecmp(p->url, "grpc://", 7) == 0;
	struct toll_error why = { .text = "" };
	int err;

	p->deadline_mono_ns = begin + p->timeout_ns;
	err = (grpc ? pre_refresh : wait_for_health)(p, &why);
	if (!err) {
		printf("prices are loaded, after %.1f s\n",
		       (double)(toll_clock_mono_ns() - begin) / 1e9);
		return TOLL_EXIT_OK;
	}
	fprintf(stderr, "spantoll prewarm: no prices within %.1f s: %s%s\n",
	        (double)p->timeout_ns / 1e9, why.text,
	        grpc ? "" : "; /status there and the daemon's log say why");
	return p->fail_open ? TOLL_EXIT_OK : TOLL_EXIT_FAILED;
}

int toll_verb_prewarm(int argc, char **argv)
{
	struct prewarm p = { .timeout_ns = 30 * TOLL_S };
	const struct toll_option options[] = {
		TOLL_SETUP_OPTIONS(&p.setup),
		{ "endpoint", "URL",
		  "http://host:port/ of health_check, or grpc://host:port of pricing_service",
		  .text = &p.endpoint },
		{ "timeout", "TIME", "how long to wait, as in 1m30s; default 30s",
		  .duration = &p.timeout_ns },
		{ "fail-open", NULL, "exit with 0 even without prices; spans say so then",
		  .flag = &p.fail_open },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"prewarm", NULL,
		"Waits until a daemon is ready, which it is not before its prices are loaded. For\n"
		"the postStart hook of a container; the endpoint comes from health_check in the\n"
		"configuration. A pricing service (grpc://) is made to ask its source now.\n",
		"Exit status: 0 prices are loaded, 1 they are not, 3 the configuration is wrong.\n",
		options
	};
	int rc = toll_options_parse(&usage, argc, argv, NULL);

	if (rc >= 0)
		return rc;
	rc = find_endpoint(&p);
	return rc == TOLL_EXIT_OK ? prewarm(&p) : rc;
}
