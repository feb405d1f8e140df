/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/redis_settings.h"

#include "base/clock.h"
#include "exporters/enforcer/store_redis/scripts.h"
#include "net/endpoint.h"
#include "pipeline/client_pem.h"

#define CONF          struct toll_redis_config
#define ENDPOINTS_MAX 64

static const char *const modes[] = { "standalone", "sentinel", "cluster", NULL };

const struct toll_field toll_redis_fields[] = {
	TOLL_FIELD(CONF, mode, ENUM, "standalone",
	           "standalone: one server; sentinel: the primary that Sentinels name; cluster: "
	           "Redis Cluster.",
	           .choices = modes),
	TOLL_FIELD(CONF, endpoints, LIST, "localhost:6379",
	           "host:port of the server, of the Sentinels, or of some nodes of the cluster."),
	TOLL_FIELD(CONF, master_name, STRING, "", "What the Sentinels call the primary."),
	TOLL_FIELD(CONF, username, STRING, "", "ACL user; empty: the default one."),
	TOLL_FIELD(CONF, password, SECRET, "", "Empty: no AUTH."),
	TOLL_FIELD(CONF, sentinel_username, STRING, "", "The same for the Sentinels."),
	TOLL_FIELD(CONF, sentinel_password, SECRET, "", "Empty: no AUTH to the Sentinels."),
	TOLL_FIELD(CONF, db, INT, "0", "Database number; a cluster has only 0.", .min = 0,
	           .max = 16383),
	TOLL_FIELD(CONF, tls, GROUP, NULL, "Present: connections are encrypted, all of them.",
	           .group = toll_client_tls_fields, .present = offsetof(CONF, tls.present)),
	TOLL_FIELD(CONF, timeout, DURATION, "2s", "Longest wait for a connection or an answer."),
	TOLL_FIELD_END,
};

/* ---- what a table cannot say ---- */

static void check_endpoint(struct toll_slice text, struct toll_reporter *r)
{
	struct toll_endpoint endpoint;
	struct toll_error error;

	if (toll_endpoint_parse(text, &endpoint, &error) < 0)
		toll_report_error(r, "redis::endpoints", "%s", error.text);
	else if (!endpoint.host[0] || !endpoint.port)
		toll_report_error(r, "redis::endpoints", "\"%.*s\" must name a host and a port",
		                  TOLL_FMT(text));
}

static void check_endpoints(const CONF *c, struct toll_reporter *r)
{
	if (c->endpoints.count == 0)
		toll_report_error(r, "redis::endpoints", "must name one endpoint, as host:port");
	if (c->endpoints.count > 1 && c->mode == TOLL_REDIS_STANDALONE)
		toll_report_error(r, "redis::endpoints",
		                  "are several: name one, or say mode: sentinel or mode: cluster");
	if (c->endpoints.count > ENDPOINTS_MAX)
		toll_report_error(r, "redis::endpoints", "are more than %d", ENDPOINTS_MAX);
	for (size_t i = 0; i < c->endpoints.count; i++)
		check_endpoint(c->endpoints.at[i], r);
}

static void check_mode(const CONF *c, struct toll_reporter *r)
{
	bool sentinel = c->mode == TOLL_REDIS_SENTINEL;

	if (sentinel && !c->master_name.len)
		toll_report_error(r, "redis::master_name",
		                  "must say what the Sentinels call the primary");
	if (!sentinel && c->master_name.len)
		toll_report_error(r, "redis::master_name", "is for mode: sentinel");
	if (!sentinel && (c->sentinel_username.len || c->sentinel_password.len))
		toll_report_error(r,
		                  c->sentinel_username.len ? "redis::sentinel_username"
		                                           : "redis::sentinel_password",
		                  "is for mode: sentinel");
	if (c->mode == TOLL_REDIS_CLUSTER && c->db)
		toll_report_error(r, "redis::db", "a cluster has only database 0");
}

void toll_redis_validate(const CONF *c, struct toll_reporter *r)
{
	check_endpoints(c, r);
	check_mode(c, r);
	if (c->username.len && !c->password.len)
		toll_report_error(r, "redis::username", "needs its password");
	if (c->sentinel_username.len && !c->sentinel_password.len)
		toll_report_error(r, "redis::sentinel_username", "needs sentinel_password");
	if (c->timeout < 10 * TOLL_MS)
		toll_report_error(r, "redis::timeout", "must be at least 10ms");
	toll_client_tls_check(&c->tls, "redis::tls", r);
}

/* ---- what it means ---- */

void toll_redis_settings_make(const CONF *c, struct toll_redis_settings *ret)
{
	*ret = (struct toll_redis_settings){
		.mode = (enum toll_redis_mode)c->mode,
		.endpoints = c->endpoints.at,
		.endpoint_count = c->endpoints.count,
		.master_name = c->master_name,
		.username = c->username,
		.password = c->password,
		.sentinel_username = c->sentinel_username,
		.sentinel_password = c->sentinel_password,
		.db = (int)c->db,
		.timeout_ns = c->timeout,
		.scripts = toll_scripts,
		.script_count = TOLL_SCRIPT_COUNT,
	};
}

int toll_redis_tls_load(const CONF *c, struct toll_tls_client **ret, struct toll_error *reterr)
{
	struct toll_client_pems pems = { NULL, NULL, NULL };
	struct toll_tls_client_settings set;
	int err;

	*ret = NULL;
	if (!c->tls.present || c->tls.insecure)
		return 0;
	err = toll_client_pems_load(&c->tls, &pems, reterr);
	if (err)
		return err;
	set = (struct toll_tls_client_settings){ TOLL_CLIENT_TLS_TRUST(&c->tls, &pems),
		                                 TOLL_CLIENT_TLS_VERSIONS(&c->tls) };
	err = toll_tls_client_new(&set, ret, reterr);
	toll_client_pems_release(&pems);
	return err;
}
