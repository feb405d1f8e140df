/* SPDX-License-Identifier: Apache-2.0 */
/* enforcer - the Redis side of the enforcer alone, told what to spend: the other end of
 * test_enforcer_*.py and test_redis_*.py.
 *
 * usage: enforcer REDIS EVALUATION_MS FLUSH_MS BUCKET_MS TTL_S [GLOB LIMIT_USD WINDOW_S MODE]..
 *
 * REDIS: words with commas between them: HOST:PORT, any number; "cluster"; "sentinel=MASTER_NAME";
 * "password=WORD"; "sentinel_user=NAME", "sentinel_password=WORD"
 *
 * in:    "spend SERVICE PICODOLLARS", "rows", "counters", "waiting", "stop DEADLINE_MS"; a line
 *        each
 *
 * out:   "row SERVICE ROLLING_PICO EMA THROTTLED SHADOW", "counter NAME VALUE", "waiting
 *        NANODOLLARS"; "ok" after each line
 *
 * SPANTOLL_TEST_CLOCK in the environment: the file that is its wall clock. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "exporters/enforcer/metrics.h"
#include "exporters/enforcer/store_redis/redis_store.h"
#include "pipeline/host.h"

#define BUDGETS_MAX   16
#define ENDPOINTS_MAX 8

static struct toll_enforcer_config config;
static struct toll_budget_config budgets[BUDGETS_MAX];
static struct toll_slice endpoints[ENDPOINTS_MAX];
static struct toll_rules rules;
static struct toll_totals totals;
static struct toll_counters counters;
static struct toll_test_clock *test_clock;

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

/* "batch-*" is a service; "tenant=*,service=a*" names its dimensions. */
static void read_match(char *text, struct toll_pair_list *ret)
{
	struct toll_pair *pairs = calloc(TOLL_SUBJECT_DIMENSIONS, sizeof(*pairs));
	char *save, *word = strtok_r(text, ",", &save);

	*ret = (struct toll_pair_list){ pairs, 0 };
	for (; word && pairs && ret->count < TOLL_SUBJECT_DIMENSIONS; ret->count++) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		pairs[ret->count] = (struct toll_pair){ toll_slice_str(value ? word : "service"),
			                                toll_slice_str(value ? value : word) };
		word = strtok_r(NULL, ",", &save);
	}
}

/* Seconds, or a period: "day", "month@Europe/Berlin". */
static void read_window(char *text, struct toll_budget_config *b)
{
	char *zone = strchr(text, '@');

	b->window = number(text) * TOLL_S;
	if (b->window)
		return;
	b->period = text[0] == 'd'   ? TOLL_PERIOD_DAY
	            : text[0] == 'w' ? TOLL_PERIOD_WEEK
	                             : TOLL_PERIOD_MONTH;
	b->timezone = toll_slice_str(zone ? zone + 1 : "UTC");
}

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "enforcer: %s\n", what);
	exit(2);
}

static void read_redis(char *words)
{
	struct toll_redis_config *c = &config.redis;

	*c = (struct toll_redis_config){ .endpoints = { endpoints, 0 }, .timeout = 500 * TOLL_MS };
	for (char *w = strsep(&words, ","); w; w = strsep(&words, ",")) {
		if (strcmp(w, "cluster") == 0) {
			c->mode = TOLL_REDIS_CLUSTER;
		} else if (strncmp(w, "sentinel=", 9) == 0) {
			c->mode = TOLL_REDIS_SENTINEL;
			c->master_name = toll_slice_str(w + 9);
		} else if (strncmp(w, "password=", 9) == 0) {
			c->password = toll_slice_str(w + 9);
		} else if (strncmp(w, "sentinel_user=", 14) == 0) {
			c->sentinel_username = toll_slice_str(w + 14);
		} else if (strncmp(w, "sentinel_password=", 18) == 0) {
			c->sentinel_password = toll_slice_str(w + 18);
		} else {
			must(c->endpoints.count == ENDPOINTS_MAX, "endpoints");
			endpoints[c->endpoints.count++] = toll_slice_str(w);
		}
	}
}

static void read_arguments(int argc, char **argv)
{
	must(argc < 8 || (argc - 8) % 4 || (argc - 8) / 4 > BUDGETS_MAX, "wrong arguments");
	read_redis(argv[1]);
	config.evaluation_window = number(argv[2]) * TOLL_MS;
	config.flush_interval = number(argv[3]) * TOLL_MS;
	config.bucket = number(argv[4]) * TOLL_MS;
	config.throttle.ttl = number(argv[5]) * TOLL_S;
	config.throttle.max_throttled_fraction = strtod(argv[6], NULL);
	config.throttle.kill = argv[7][0] == '1';
	config.ema = (struct toll_ema_config){ .alpha = 0.1, .release = 0.9, .windows = 3 };
	config.max_services = 2000;
	for (int i = 8; i < argc; i += 4) {
		struct toll_budget_config *b = &budgets[config.budgets.count++];

		read_match(argv[i], &b->match);
		must(toll_money_parse(toll_slice_str(argv[i + 1]), &b->limit), "limit");
		read_window(argv[i + 2], b);
		b->mode = argv[i + 3][0] == 'e' ? TOLL_MODE_ENFORCE : TOLL_MODE_SHADOW;
	}
	config.budgets.at = budgets;
}

static void spend(char *words)
{
	char *amount = strchr(words, ' ');
	struct toll_run run = { .spans = 1, .priced = 1 };
	int64_t pico;

	must(!amount, "spend SERVICE PICODOLLARS");
	*amount++ = '\0';
	pico = strtoll(amount, NULL, 10);
	run.pico = pico;
	toll_totals_lock(&totals);
	toll_totals_fold(&totals, toll_slice_str(words), toll_wall_ms_by(test_clock), &run);
	toll_totals_unlock(&totals);
}

static void print_row(void *ctx TOLL_UNUSED, const struct toll_spend_row *r)
{
	char nano[TOLL_NANO_TEXT];

	toll_nano_print(r->rolling_pico, nano);
	printf("row %.*s %s %.17g %d %d\n", TOLL_FMT(r->service.len ? r->service : r->subject),
	       nano, r->ema_usd, r->throttled, r->shadow);
}

static void print_counters(void)
{
	static const char *const names[] = {
#define TOLL_COUNTER(id, name, type, help) name,
#include "exporters/enforcer/counters.def"
	};

	for (size_t i = 0; i < TOLL_COUNT(names); i++)
		printf("counter %s %" PRIu64 "\n", names[i],
		       toll_counter_get(&counters, (enum toll_counter)i));
}

static void print_waiting(void)
{
	char nano[TOLL_NANO_TEXT];

	toll_nano_print(toll_publish_waiting_pico(&totals) / 1000, nano);
	printf("waiting %s\n", nano);
}

static uint64_t serve(void)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "spend ", 6) == 0)
			spend(line + 6);
		else if (strcmp(line, "rows") == 0)
			toll_totals_each(&totals.source, print_row, NULL);
		else if (strcmp(line, "counters") == 0)
			print_counters();
		else if (strcmp(line, "waiting") == 0)
			print_waiting();
		else if (strncmp(line, "stop ", 5) == 0)
			return number(line + 5) * TOLL_MS;
		puts("ok");
		fflush(stdout);
	}
	return 5 * TOLL_S;
}

static void open_test_clock(void)
{
	const char *path = getenv("SPANTOLL_TEST_CLOCK");
	struct toll_error error;

	if (path)
		must(toll_test_clock_open(toll_slice_str(path), &test_clock, &error), "test clock");
}

int main(int argc, char **argv)
{
	struct toll_host *host = toll_host_new();
	struct toll_component owner = { .who = "exporter/enforcer", .host = host };
	struct toll_redis_store *store;
	struct toll_budget_settings settings;
	struct toll_error error;
	uint64_t patience;

	must(!host, "no host");
	read_arguments(argc, argv);
	open_test_clock();
	settings = toll_enforcer_budget_settings(&config);
	must(toll_rules_init(&rules, &settings, &error), "budgets");
	must(toll_totals_init(&totals, &rules, (uint32_t)config.max_services), "totals");
	totals.source.each = toll_totals_each;
	store = toll_redis_store_new(&config, &owner, toll_host_instance(host), &totals, &rules,
	                             &counters);
	must(!store, "store");
	toll_redis_store_go_by(store, test_clock);
	must(toll_redis_store_start(store, &error), "thread");
	patience = serve();
	must(!toll_redis_store_stop(store, toll_clock_mono_ns() + patience), "the store hangs");
	puts("ok");
	toll_redis_store_free(store);
	toll_totals_release(&totals);
	toll_rules_release(&rules);
	toll_test_clock_close(test_clock);
	toll_host_free(host);
	return 0;
}
