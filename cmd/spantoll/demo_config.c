/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/demo_config.h"

#include "base/clock.h"

#define STORM_PERIOD (90 * TOLL_S)
#define STORM_BEGIN  (15 * TOLL_S)
#define STORM_END    (45 * TOLL_S)

bool toll_demo_storm(uint64_t elapsed_ns)
{
	uint64_t at = elapsed_ns % STORM_PERIOD;

	return at >= STORM_BEGIN && at < STORM_END;
}

void toll_demo_config_print(const struct toll_demo_settings *set, FILE *out)
{
	const char *h = set->host;

	fprintf(out,
	        "# What `spantoll demo` runs with. Prices: spantoll gen --print-prices > "
	        "prices.json\n"
	        "receivers:\n"
	        "  otlp:\n"
	        "    protocols:\n"
	        "      grpc: {endpoint: \"%s:%u\"}\n"
	        "      http: {endpoint: \"%s:%u\"}\n"
	        "\n"
	        "processors:\n"
	        "  memory_limiter: {check_interval: 1s, limit_mib: 256}\n"
	        "  hash_path: {}\n"
	        "  pricing: {file: \"%s\", region: us-east-1}\n"
	        "  cost: {}\n"
	        "\n"
	        "exporters:\n"
	        "  enforcer:\n"
	        "    store: memory          # redis in production\n"
	        "    evaluation_window: 1s  # 60s in production\n"
	        "    budgets:               # window: 24h in production\n"
	        "      - {match: {service: \"*\"}, limit: 1, window: %us}\n"
	        "      - {match: {service: \"image-resizer\"}, limit: 0.5, window: %us, mode: "
	        "shadow}\n"
	        "\n",
	        h, set->port, h, set->http_port, set->price_file, TOLL_DEMO_WINDOW_S,
	        TOLL_DEMO_WINDOW_S);
	fprintf(out,
	        "extensions:\n"
	        "  health_check: {endpoint: \"%s:%u\"}\n"
	        "\n"
	        "service:\n"
	        "  extensions: [health_check]\n"
	        "  pipelines:\n"
	        "    traces:\n"
	        "      receivers: [otlp]\n"
	        "      processors: [memory_limiter, hash_path, pricing, cost]\n"
	        "      exporters: [enforcer]\n"
	        "  telemetry:\n"
	        "    logs: {level: warn}\n"
	        "    metrics:\n"
	        "      readers:\n"
	        "        - pull: {exporter: {prometheus: {host: \"%s\", port: %u, "
	        "without_type_suffix: true}}}\n",
	        h, set->health_port, h, set->metrics_port);
}
