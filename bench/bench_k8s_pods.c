/* SPDX-License-Identifier: Apache-2.0 */
/* bench_k8s_pods.c - how long the watch needs for one event: a pod of a node, or of a large
 * cluster, changes and what readers see is made anew. */
#include <stdlib.h>

#include "bench/bench.h"
#include "k8s/pod_store.h"

#define EVENTS 16

struct job {
	struct toll_pod_store store;
	struct toll_snapshot current;
	uint32_t pods, next;
	bool failed;
};

static struct toll_pod *pod_of(uint32_t n)
{
	struct toll_pod_draft d = { .started = TOLL_SLICE("2026-01-01T00:00:00Z") };
	char uid[40], ip[20];

	snprintf(uid, sizeof(uid), "0190163d-8694-739b-aea5-%012x", n);
	snprintf(ip, sizeof(ip), "10.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255);
	d.uid = toll_slice_str(uid);
	toll_pod_draft_add_ip(&d, toll_slice_str(ip));
	for (int i = 0; i < 6; i++)
		toll_pod_draft_add(&d, TOLL_SLICE("k8s.deployment.name"), TOLL_SLICE("cart"));
	return toll_pod_new(&d);
}

static void put(struct job *j, uint32_t n)
{
	struct toll_pod *p = pod_of(n);

	j->failed |= !p || toll_pod_store_put(&j->store, p) < 0;
}

static void change(void *ctx)
{
	struct job *j = ctx;

	for (int i = 0; i < EVENTS; i++) {
		struct toll_pods *table;

		put(j, j->next++ % j->pods);
		table = toll_pods_of(&j->store);
		j->failed |= !table;
		if (table)
			toll_snapshot_set(&j->current, &table->shared);
	}
}

static bool run(const char *name, uint32_t pods)
{
	struct job j = { .current = TOLL_SNAPSHOT_INIT, .pods = pods };

	if (toll_pod_store_init(&j.store, pods) < 0)
		return false;
	for (uint32_t n = 0; n < pods; n++)
		put(&j, n);
	bench_run(name, change, &j, EVENTS);
	toll_snapshot_set(&j.current, NULL);
	toll_pod_store_release(&j.store);
	return !j.failed;
}

int main(void)
{
	return run("k8s_event_of_110_pods", 110) && run("k8s_event_of_20000_pods", 20000) ? 0 : 1;
}
