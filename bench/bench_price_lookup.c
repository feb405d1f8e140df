/* SPDX-License-Identifier: Apache-2.0 */
/* bench_price_lookup - finding the rule of a span: random keys over all rules, nothing remembered
 * from the look-up before; beside it trying all rules in their order. Out of L2: 16 books of 1 MiB
 * of cells each, taken in turn. */
#include "bench/bench.h"
#include "tests/support/prices.h"

enum { RULES = 10000, FIVE = 100, ORDER = 1 << 16, NAME = 48, CONDITIONS = 5, BOOKS = 16 };

/* What a span says, as close together as decoded attributes are. */
struct span {
	uint8_t lens[CONDITIONS];
	char text[128 - CONDITIONS];
};

struct bench {
	const struct toll_pricebook *books[BOOKS]; /* all alike */
	uint32_t book_count;
	struct span *spans; /* one for each rule */
	uint32_t *order;    /* random, ORDER of them */
	uint32_t at;
};

static const struct toll_price *volatile found;

static uint32_t random_below(uint32_t below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static void must(bool good)
{
	if (!good)
		abort();
}

/* All rules of a bench have their conditions on the same fields, 0 to n - 1. */
static void read_span(const struct bench *x, uint32_t rule, struct toll_price_lookup *l)
{
	const struct span *s = &x->spans[rule];
	const char *at = s->text;

	l->has = 0;
	for (uint32_t i = 0; i < CONDITIONS && s->lens[i]; at += s->lens[i++]) {
		l->has |= UINT64_C(1) << i;
		l->values[i] = toll_slice(at, s->lens[i]);
	}
}

static void look_up(void *ctx)
{
	struct bench *x = ctx;
	struct toll_price_lookup l TOLL_UNINITIALIZED;
	const struct toll_price *p;

	for (int i = 0; i < 1024; i++) {
		read_span(x, x->order[x->at], &l);
		p = toll_pricebook_find(x->books[x->at % x->book_count], &l, 1000);
		must(p != NULL);
		found = p;
		x->at = (x->at + 1) % ORDER;
	}
}

static void only_read(void *ctx)
{
	struct bench *x = ctx;
	struct toll_price_lookup l TOLL_UNINITIALIZED;

	for (int i = 0; i < 1024; i++) {
		read_span(x, x->order[x->at], &l);
		found = (const void *)l.values[0].ptr;
		x->at = (x->at + 1) % ORDER;
	}
}

static const struct toll_price *try_rules(const struct toll_pricebook *b,
                                          const struct toll_price_lookup *l)
{
	for (uint32_t r = 0; r < toll_pricebook_rule_count(b); r++) {
		const struct toll_price *p = toll_pricebook_rule(b, r);
		uint32_t c = 0;

		while (c < p->rule->condition_count &&
		       toll_condition_holds(&p->rule->conditions[c], true, l->values[p->fields[c]]))
			c++;
		if (c == p->rule->condition_count)
			return p;
	}
	return NULL;
}

static void try_all(void *ctx)
{
	struct bench *x = ctx;
	struct toll_price_lookup l TOLL_UNINITIALIZED;

	for (int i = 0; i < 64; i++) {
		read_span(x, x->order[x->at], &l);
		found = try_rules(x->books[0], &l);
		x->at = (x->at + 1) % ORDER;
	}
}

/* A span that has what the rule asks for. */
static void span_of(const struct toll_price *p, struct span *s)
{
	char *at = s->text;

	for (uint32_t i = 0; i < p->rule->condition_count; i++) {
		struct toll_slice text = p->rule->conditions[i].texts[0];

		must(p->fields[i] == i && at + text.len <= s->text + sizeof(s->text));
		memcpy(at, text.ptr, text.len);
		at += text.len;
		s->lens[i] = (uint8_t)text.len;
	}
}

static void open_bench(struct bench *x, struct toll_pricebook_builder *(*rules)(void),
                       uint32_t books)
{
	uint32_t count;

	*x = (struct bench){ .book_count = books };
	for (uint32_t i = 0; i < books; i++)
		x->books[i] = finish_book(rules(), "bench");
	count = toll_pricebook_rule_count(x->books[0]);
	x->spans = calloc(count, sizeof(*x->spans));
	x->order = calloc(ORDER, sizeof(*x->order));
	must(x->spans && x->order);
	for (uint32_t i = 0; i < count; i++)
		span_of(toll_pricebook_rule(x->books[0], i), &x->spans[i]);
	for (uint32_t i = 0; i < ORDER; i++)
		x->order[i] = random_below(count);
}

static struct toll_pricebook_builder *exact_rules(void)
{
	struct toll_pricebook_builder *b = toll_pricebook_builder_new();
	char service[NAME], operation[NAME];

	for (int i = 0; i < RULES; i++) {
		snprintf(service, sizeof(service), "service-%03d", i % 100);
		snprintf(operation, sizeof(operation), "/api/v2/users/*/orders/%d", i / 100);
		must(add_seed_row(b, service, operation, "0.0000125") == 0);
	}
	return b;
}

/* Five conditions each; some share all but one value with many others. */
static struct toll_pricebook_builder *rules_of_five(void)
{
	static const char *const names[] = { "rpc.system", "rpc.service", "rpc.method",
		                             "cloud.region", "deployment.environment.name" };
	struct toll_pricebook_builder *b = toll_pricebook_builder_new();

	for (int i = 0; i < FIVE; i++) {
		struct sketch k;
		char texts[5][NAME];
		const int parts[] = { i % 2, i % 5, i, i % 4, i % 3 };

		snprintf(texts[0], NAME, "r%d", i);
		sketch_init(&k, texts[0]);
		k.rule.id = TOLL_SLICE("");
		for (int n = 0; n < 5; n++) {
			snprintf(texts[n], NAME, "value-%d-of-%d", parts[n], n);
			sketch_when(&k, names[n], TOLL_MATCH_EXACT, texts[n]);
		}
		k.rule.id = toll_slice_str(texts[2]);
		sketch_meter(&k, TOLL_QUANTITY_CALLS, "0.4", 1000000);
		must(sketch_add(&k, b, NULL) == 0);
	}
	return b;
}

int main(void)
{
	static struct bench exact, cold, five;

	open_bench(&exact, exact_rules, 1);
	open_bench(&five, rules_of_five, 1);
	open_bench(&cold, exact_rules, BOOKS);
	bench_run("price_lookup_reading_keys_alone", only_read, &exact, 1024);
	bench_run("price_lookup_10000_exact_rules", look_up, &exact, 1024);
	bench_run("price_lookup_10000_exact_rules_out_of_l2", look_up, &cold, 1024);
	bench_run("price_lookup_100_rules_of_5_conditions", look_up, &five, 1024);
	bench_run("price_lookup_10000_exact_rules_try_all", try_all, &exact, 64);
	bench_run("price_lookup_100_rules_of_5_conditions_try_all", try_all, &five, 64);
	return 0;
}
