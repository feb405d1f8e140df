/* SPDX-License-Identifier: Apache-2.0 */
/* bench_money.c - what one amount costs; with the argument "lines" an arithmetic oracle instead:
 *
 *   <dollars> <per> <quantity>      one case per line on stdin
 *   <amount> <exact> <usd> <double> or an error's name, one answer per line on stdout
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cost/rate.h"

static int price(const char *dollars, uint64_t per, uint64_t quantity, int64_t *ret_pico)
{
	struct toll_sum sum = { 0 };
	struct toll_rate rate;
	int err = toll_rate_parse(toll_slice_str(dollars), per, &rate);

	if (err == 0)
		err = toll_sum_add(&sum, &rate, toll_quantity_of(quantity));
	return err ? err : toll_sum_round(&sum, ret_pico);
}

static void answer(const char *dollars, uint64_t per, uint64_t quantity)
{
	char exact[TOLL_MONEY_TEXT], usd[TOLL_MONEY_TEXT];
	int64_t pico, again;
	int err = price(dollars, per, quantity, &pico);

	if (err) {
		puts(toll_err_name(err));
		return;
	}
	toll_money_print(pico, exact);
	toll_money_print_usd(pico, usd);
	if (toll_money_parse(toll_slice_str(exact), &again) < 0 || again != pico)
		puts("printed and read are not the same");
	else
		printf("%" PRId64 " %s %s %a\n", pico, exact, usd, toll_money_to_double(pico));
}

static int answer_lines(void)
{
	char line[512], dollars[256];
	uint64_t per, quantity;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%255s %" SCNu64 " %" SCNu64, dollars, &per, &quantity) != 3)
			return 1;
		answer(dollars, per, quantity);
	}
	return 0;
}

#define ROUNDS 5000000

static void report(const char *name, uint64_t since_ns)
{
	printf("%s\t%.1f\n", name, (double)(toll_clock_mono_ns() - since_ns) / ROUNDS);
}

int main(int argc, char **argv)
{
	static volatile int64_t sink;
	char text[TOLL_MONEY_TEXT];
	struct toll_rate rate;
	uint64_t start;

	if (argc > 1 && strcmp(argv[1], "lines") == 0)
		return answer_lines();
	if (toll_rate_parse(TOLL_SLICE("0.0000125"), 1000000, &rate) < 0)
		return 1;
	start = toll_clock_mono_ns();
	for (uint64_t i = 0; i < ROUNDS; i++) {
		struct toll_sum sum = { 0 };
		int64_t pico = 0;

		if (toll_sum_add(&sum, &rate, toll_quantity_of(12345678 + i)) < 0 ||
		    toll_sum_round(&sum, &pico) < 0)
			return 1;
		sink = pico;
	}
	report("money_rate_x_duration", start);
	start = toll_clock_mono_ns();
	for (int64_t i = 0; i < ROUNDS; i++)
		sink = toll_money_print(123456789 + i, text);
	report("money_print", start);
	return sink == 0;
}
