/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/redis_settings.h"

#include "base/clock.h"
#include "exporters/enforcer/scripts.h"
#include "net/endpoint.h"

const struct toll_field toll_redis_fields[] = {
	TOLL_FIELD(struct toll_redis_config, endpoints, LIST, "localhost:6379",
	           "host:port of Redis."),
	TOLL_FIELD(struct toll_redis_config, username, STRING, "",
	           "ACL user; empty: the default one."),
	TOLL_FIELD(struct toll_redis_config, password, SECRET, "", "Empty: no AUTH."),
	TOLL_FIELD(struct toll_redis_config, db, INT, "0", "Database number.", .min = 0,
	           .max = 16383),
	TOLL_FIELD(struct toll_redis_config, timeout, DURATION, "2s",
	           "Longest wait for a connection or an answer."),
	TOLL_FIELD_REFUSED("tls",
	                   "TLS to Redis is not here yet: use a local proxy or a private network"),
	TOLL_FIELD_REFUSED(
		"mode", "sentinel and cluster are not here yet: remove it and name one endpoint"),
	TOLL_FIELD_END,
};

void toll_redis_validate(const struct toll_redis_config *redis, struct toll_reporter *r)
{
	struct toll_endpoint endpoint;
	struct toll_error error;

	if (redis->endpoints.count == 0)
		toll_report_error(r, "redis::endpoints", "must name one endpoint, as host:port");
	if (redis->endpoints.count > 1)
		toll_report_error(r, "redis::endpoints",
		                  "sentinel and cluster are not here yet: name one endpoint");
	for (size_t i = 0; i < redis->endpoints.count; i++)
		if (toll_endpoint_parse(redis->endpoints.at[i], &endpoint, &error) < 0)
			toll_report_error(r, "redis::endpoints", "%s", error.text);
		else if (!endpoint.host[0] || !endpoint.port)
			toll_report_error(r, "redis::endpoints",
			                  "\"%.*s\" must name a host and a port",
			                  TOLL_FMT(redis->endpoints.at[i]));
	if (redis->timeout < 10 * TOLL_MS)
		toll_report_error(r, "redis::timeout", "must be at least 10ms");
}

void toll_redis_settings_make(const struct toll_redis_config *config,
                              struct toll_redis_settings *ret)
{
	*ret = (struct toll_redis_settings){
		.endpoints = config->endpoints.at,
		.endpoint_count = config->endpoints.count,
		.username = config->username,
		.password = config->password,
		.db = (int)config->db,
		.timeout_ns = config->timeout,
		.scripts = toll_scripts,
		.script_count = TOLL_SCRIPT_COUNT,
	};
}
