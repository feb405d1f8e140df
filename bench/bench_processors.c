/* SPDX-License-Identifier: Apache-2.0 */
/* bench_processors - what each processor that users bring from a Collector adds to a span: the
 * difference to the first line. */
#include "bench/bench.h"
#include "tests/support/component.h"
#include "tests/support/shop.h"

enum { SPANS = 512 };

extern const struct toll_factory toll_processor_attributes, toll_processor_resource,
	toll_processor_filter, toll_processor_probabilistic_sampler,
	toll_processor_resourcedetection;

struct job {
	struct toll_slice wire;
	struct toll_processor *p; /* NULL: decode only */
};

static void must(bool good)
{
	if (!good)
		abort();
}

static void run(void *ctx)
{
	struct job *job = ctx;
	struct toll_batch *b;
	char *at;

	must(toll_batch_new(job->wire.len, NULL, &at, &b) == 0);
	memcpy(at, job->wire.ptr, job->wire.len);
	must(toll_otlp_decode(b, NULL) == 0);
	if (job->p)
		must(job->p->process(job->p, b) == 0);
	toll_batch_unref(b);
}

static void bench(struct toll_slice wire, const char *name, const struct toll_factory *f,
                  const char *yaml)
{
	struct component_rig rig = { 0 };
	struct job job = { .wire = wire };

	component_load(&rig, f, yaml);
	must(rig.settings && component_create(&rig, f) == 0);
	must(!rig.component->ops->start || rig.component->ops->start(rig.component, NULL) == 0);
	job.p = toll_container_of(rig.component, struct toll_processor, super);
	bench_run(name, run, &job, SPANS);
	component_release(&rig);
}

int main(void)
{
	struct msg *request = shop_request(SPANS);
	struct toll_slice wire = toll_slice(request->bytes, request->len);
	struct job decode = { .wire = wire };

	bench_run("processors_decode_only", run, &decode, SPANS);
	bench(wire, "attributes_insert_upsert_delete", &toll_processor_attributes,
	      "{actions: [{key: team, value: checkout, action: insert},"
	      " {key: tenant.id, value: x, action: upsert}, {key: thread.id, action: delete}]}");
	bench(wire, "attributes_hash", &toll_processor_attributes,
	      "{actions: [{key: client.address, action: hash}]}");
	bench(wire, "attributes_delete_pattern", &toll_processor_attributes,
	      "{actions: [{pattern: '^user_agent\\.', action: delete}]}");
	bench(wire, "attributes_excluded", &toll_processor_attributes,
	      "{include: {match_type: strict, services: [none]},"
	      " actions: [{key: team, value: checkout, action: insert}]}");
	bench(wire, "resource_upsert", &toll_processor_resource,
	      "{attributes: [{key: deployment.environment.name, value: x, action: upsert}]}");
	bench(wire, "filter_two_comparisons", &toll_processor_filter,
	      "{traces: {span: ['attributes[\"http.response.status_code\"] >= 500 and kind == "
	      "SPAN_KIND_SERVER']}}");
	bench(wire, "filter_is_match", &toll_processor_filter,
	      "{traces: {span: ['IsMatch(attributes[\"url.path\"], \"^/health\")']}}");
	bench(wire, "sampler_all_kept", &toll_processor_probabilistic_sampler,
	      "{sampling_percentage: 100}");
	bench(wire, "sampler_half_kept", &toll_processor_probabilistic_sampler,
	      "{sampling_percentage: 50, mode: hash_seed}");
	bench(wire, "resourcedetection_two_attributes", &toll_processor_resourcedetection,
	      "{detectors: [system], system: {hostname_sources: [os]}}");
	free(request);
	return 0;
}
