/* SPDX-License-Identifier: Apache-2.0 */
/* price_oracle.c - prices spans by rules read from stdin, for a test that knows the answers.
 *
 *   R <num> <den>                              a new rule, discounted by num / den
 *   M <meter> <usd> <per> <at_least> <step>    a meter of it
 *   T <of> <over> <usd> <per>                  a tier of that meter
 *   S <quantity> ...                           a span: picodollars, or why not, on stdout
 *
 * A quantity is <name>=<decimal>, or <name>~<double>, which counts by its shortest decimal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost/price_builder.h"
#include "cost/price_charge.h"

enum { LINE = 4096, TIERS = 16 };

static struct {
	struct toll_meter meters[TOLL_PRICE_METERS];
	struct toll_tier tiers[TOLL_PRICE_METERS][TIERS];
	uint32_t count;
	uint64_t num, den;
	struct toll_pricebook *book; /* NULL: still to be compiled */
} rule;

static void fail(const char *what, const char *line)
{
	fprintf(stderr, "%s: %s\n", what, line);
	exit(1);
}

static enum toll_quantity_kind kind_of(const char *name)
{
	enum toll_quantity_kind kind = toll_quantity_named(toll_slice_str(name));

	if (kind == TOLL_QUANTITY_COUNT)
		fail("no such quantity", name);
	return kind;
}

static struct toll_rate rate_of(const char *usd, uint64_t per)
{
	struct toll_rate rate;

	if (toll_rate_parse(toll_slice_str(usd), per, &rate) < 0)
		fail("no rate", usd);
	return rate;
}

static void begin_rule(const char *line)
{
	if (rule.book)
		toll_shared_unref(toll_pricebook_shared(rule.book));
	memset(&rule, 0, sizeof(rule));
	if (sscanf(line, "R %" SCNu64 " %" SCNu64, &rule.num, &rule.den) != 2)
		fail("no rule", line);
}

static void add_meter(const char *line)
{
	struct toll_meter *m = &rule.meters[rule.count++];
	char name[64], usd[256];
	uint64_t per;

	if (sscanf(line, "M %63s %255s %" SCNu64 " %" SCNu64 " %" SCNu64, name, usd, &per,
	           &m->at_least, &m->step) != 5)
		fail("no meter", line);
	m->kind = kind_of(name);
	m->rate = rate_of(usd, per);
	m->tiers = rule.tiers[rule.count - 1];
}

static void add_tier(const char *line)
{
	struct toll_meter *m = &rule.meters[rule.count - 1];
	struct toll_tier *t = &rule.tiers[rule.count - 1][m->tier_count++];
	char of[64], usd[256];
	uint64_t per;

	if (sscanf(line, "T %63s %" SCNu64 " %255s %" SCNu64, of, &t->over, usd, &per) != 4)
		fail("no tier", line);
	t->of = kind_of(of);
	t->rate = rate_of(usd, per);
}

static void compile(void)
{
	struct toll_pricebook_builder *b = toll_pricebook_builder_new();
	const struct toll_price_rule row = { .id = TOLL_SLICE("rule"),
		                             .meters = rule.meters,
		                             .meter_count = rule.count,
		                             .valid_from_s = TOLL_TIME_OPEN_FROM,
		                             .valid_to_s = TOLL_TIME_OPEN_TO };
	const struct toll_discount discount = { TOLL_SLICE("d"), rule.num, rule.den,
		                                TOLL_TIME_OPEN_FROM, TOLL_TIME_OPEN_TO };
	struct toll_error why = { 0 };

	if (!b || toll_pricebook_builder_add_rule(b, &row, &why) < 0 ||
	    toll_pricebook_builder_discount_rule(b, 0, &discount) < 0 ||
	    toll_pricebook_builder_finish(b, TOLL_SLICE("v"), &rule.book, &why) < 0)
		fail("no price book", why.text);
}

static void add_quantity(struct toll_metered *m, char *token)
{
	char *at = strpbrk(token, "=~");
	struct toll_quantity q;
	enum toll_quantity_kind kind;
	int err;

	if (!at)
		fail("no quantity", token);
	err = *at == '~' ? toll_quantity_from_double(strtod(at + 1, NULL), &q)
	                 : toll_quantity_parse(toll_slice_str(at + 1), &q);
	*at = '\0';
	if (err)
		fail("no quantity of", token);
	kind = kind_of(token);
	m->quantities[kind] = q;
	m->has |= 1u << kind;
	m->known |= toll_quantity_info(kind)->family == TOLL_FAMILY_USAGE;
}

static void price_span(char *line)
{
	static const char *const outcomes[] = { "", "no_usage", "no_rate", "no_quantity",
		                                "overflow" };
	struct toll_metered m = { .has = 0 };
	struct toll_sum sum = { 0 };
	struct toll_charge_result r;
	int64_t pico;

	if (!rule.book)
		compile();
	m.quantities[TOLL_QUANTITY_CALLS] = toll_quantity_of(1);
	m.has = 1u << TOLL_QUANTITY_CALLS;
	for (char *save, *t = strtok_r(line + 1, " \n", &save); t; t = strtok_r(NULL, " \n", &save))
		add_quantity(&m, t);
	r = toll_price_charge(toll_pricebook_rule(rule.book, 0), &m, &sum, NULL);
	if (r.outcome != TOLL_CHARGED)
		puts(outcomes[r.outcome]);
	else if (toll_sum_round(&sum, &pico) < 0)
		puts("overflow");
	else
		printf("%" PRId64 "\n", pico);
}

int main(void)
{
	static char line[LINE];

	while (fgets(line, sizeof(line), stdin)) {
		switch (line[0]) {
		case 'R':
			begin_rule(line);
			break;
		case 'M':
			add_meter(line);
			break;
		case 'T':
			add_tier(line);
			break;
		case 'S':
			price_span(line);
			break;
		default:
			fail("what is this", line);
		}
	}
	return 0;
}
