/* SPDX-License-Identifier: Apache-2.0 */
/* What the API server says of pods becomes attributes that are found by address and uid. */
#include "k8s/pod_json.h"
#include "proto/wire.h"
#include "tests/unit/unit.h"

static const char pod_text[] =
	"{\"metadata\":{\"name\":\"cart-7d4b9c-x2\",\"namespace\":\"shop\",\"uid\":\"u1\","
	"\"resourceVersion\":\"7\","
	"\"labels\":{\"app\":\"cart\",\"team\":\"\"},\"annotations\":{\"owner\":\"ada\"},"
	"\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"cart-7d4b9c\",\"uid\":\"r1\"}]},"
	"\"spec\":{\"nodeName\":\"n1\"},"
	"\"status\":{\"phase\":\"Running\",\"podIP\":\"10.1.2.3\",\"startTime\":\"2026-01-01T00:00:"
	"00Z\"}}";

struct world {
	struct toll_k8s_settings wish;
	struct toll_pod_store store;
	struct toll_pods *table;
};

static void setup(struct world *w)
{
	*w = (struct world){ 0 };
	assert_int_equal(toll_pod_store_init(&w->store, 100), 0);
}

static void teardown(struct world *w)
{
	if (w->table)
		toll_shared_unref(&w->table->shared);
	toll_pod_store_release(&w->store);
}

/* Always the same table of what was told last. */
static void publish(struct world *w)
{
	if (w->table)
		toll_shared_unref(&w->table->shared);
	w->table = toll_pods_of(&w->store);
	assert_non_null(w->table);
}

static int event(struct world *w, const char *type, const char *pod)
{
	char *line = NULL, version[128] = "";
	enum toll_k8s_event what;
	struct toll_error why = { 0 };
	int n = asprintf(&line, "{\"type\":\"%s\",\"object\":%s}", type, pod), err;

	assert_true(n > 0);
	err = toll_k8s_read_event(line, (size_t)n, &w->wish, &w->store, version, &what, &why);
	free(line);
	if (!err)
		publish(w);
	return err;
}

static struct toll_slice value_of(const struct toll_pod *p, const char *key)
{
	for (uint32_t i = 0; p && i < p->count; i++) {
		struct toll_reader r = toll_reader_of(p->attrs[i].element);
		struct toll_slice body = { 0 };
		uint32_t tag;

		if (!toll_slice_is(p->attrs[i].key, key))
			continue;
		assert_true(toll_read_tag(&r, &tag) && toll_read_bytes(&r, &body));
		assert_int_equal(tag, TOLL_TAG(1, TOLL_WIRE_BYTES)); /* Resource.attributes */
		/* KeyValue: key, then an AnyValue with string_value */
		return toll_slice(p->attrs[i].key.ptr + p->attrs[i].key.len + 4,
		                  (size_t)(body.ptr + body.len - p->attrs[i].key.ptr) -
		                          p->attrs[i].key.len - 4);
	}
	return (struct toll_slice){ 0 };
}

#define ASSERT_VALUE(pod, key, text) assert_true(toll_slice_is(value_of((pod), (key)), (text)))

static const struct toll_pod *at(const struct world *w, const char *ip)
{
	return toll_pods_by_ip(w->table, toll_slice_str(ip));
}

static void a_pod_is_found_by_its_address_and_told_by_its_owner(void **state TOLL_UNUSED)
{
	struct world w;
	const struct toll_pod *p;

	setup(&w);
	assert_int_equal(event(&w, "ADDED", pod_text), 0);
	p = at(&w, "10.1.2.3");
	assert_non_null(p);
	assert_ptr_equal(p, toll_pods_by_uid(w.table, toll_slice_str("u1")));
	ASSERT_VALUE(p, "k8s.namespace.name", "shop");
	ASSERT_VALUE(p, "k8s.pod.name", "cart-7d4b9c-x2");
	ASSERT_VALUE(p, "k8s.deployment.name", "cart");
	ASSERT_VALUE(p, "k8s.node.name", "n1");
	ASSERT_VALUE(p, "k8s.pod.start_time", "2026-01-01T00:00:00Z");
	assert_int_equal(value_of(p, "k8s.replicaset.name").len, 0); /* nobody asked */
	teardown(&w);
}

static void what_is_asked_for_is_told(void **state TOLL_UNUSED)
{
	const struct toll_slice names[] = { TOLL_SLICE("k8s.replicaset.name"),
		                            TOLL_SLICE("k8s.pod.hostname") };
	const struct toll_k8s_tag labels[] = { { .key = TOLL_SLICE("app") },
		                               { .key = TOLL_SLICE("team") } };
	const struct toll_k8s_tag notes[] = { { TOLL_SLICE("team.owner"), TOLL_SLICE("owner") } };
	struct world w;
	const struct toll_pod *p;

	setup(&w);
	w.wish.metadata = (struct toll_slice_list){ names, TOLL_COUNT(names) };
	w.wish.labels = (struct toll_group_list){ labels, TOLL_COUNT(labels) };
	w.wish.annotations = (struct toll_group_list){ notes, TOLL_COUNT(notes) };
	assert_int_equal(event(&w, "ADDED", pod_text), 0);
	p = at(&w, "10.1.2.3");
	ASSERT_VALUE(p, "k8s.replicaset.name", "cart-7d4b9c");
	ASSERT_VALUE(p, "k8s.pod.hostname", "cart-7d4b9c-x2");
	ASSERT_VALUE(p, "k8s.pod.labels.app", "cart");
	ASSERT_VALUE(p, "team.owner", "ada");
	assert_int_equal(p->count, 4); /* an empty label is none */
	teardown(&w);
}

static void an_address_belongs_to_the_pod_that_started_last(void **state TOLL_UNUSED)
{
	static const char next[] =
		"{\"metadata\":{\"name\":\"b\",\"uid\":\"u2\"},\"status\":{\"podIP\":\"10.1.2.3\","
		"\"startTime\":\"2026-01-01T00:00:01Z\"}}";
	struct world w;

	setup(&w);
	assert_int_equal(event(&w, "ADDED", next), 0);
	assert_int_equal(event(&w, "ADDED", pod_text), 0);
	ASSERT_VALUE(at(&w, "10.1.2.3"), "k8s.pod.name", "b");
	assert_int_equal(event(&w, "DELETED", next), 0);
	ASSERT_VALUE(at(&w, "10.1.2.3"), "k8s.pod.name", "cart-7d4b9c-x2");
	teardown(&w);
}

static void pods_that_ended_or_use_the_nodes_address_have_none(void **state TOLL_UNUSED)
{
	static const char ended[] = "{\"metadata\":{\"name\":\"a\",\"uid\":\"u1\"},\"status\":"
				    "{\"phase\":\"Succeeded\",\"podIP\":\"10.0.0.1\"}}";
	static const char host[] =
		"{\"metadata\":{\"name\":\"b\",\"uid\":\"u2\"},\"spec\":{\"hostNetwork\":true},"
		"\"status\":{\"podIP\":\"10.0.0.2\"}}";
	struct world w;

	setup(&w);
	assert_int_equal(event(&w, "ADDED", ended), 0);
	assert_int_equal(event(&w, "ADDED", host), 0);
	assert_null(at(&w, "10.0.0.1"));
	assert_null(at(&w, "10.0.0.2"));
	assert_non_null(toll_pods_by_uid(w.table, toll_slice_str("u2")));
	teardown(&w);
}

#define DUAL(name, uid, rest, ips)                                        \
	"{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" uid "\"}," rest \
	"\"status\":{\"podIP\":\"10.1.2.3\",\"podIPs\":[" ips "]}}"

static void a_pod_of_two_families_is_found_by_either_address(void **state TOLL_UNUSED)
{
	static const char dual[] =
		DUAL("a", "u1", "", "{\"ip\":\"10.1.2.3\"},{\"ip\":\"fd00::7\"}");
	static const char six[] = DUAL("a", "u1", "", "{\"ip\":\"fd00::8\"}");
	static const char host[] = DUAL("b", "u2", "\"spec\":{\"hostNetwork\":true},",
	                                "{\"ip\":\"10.0.0.1\"},{\"ip\":\"fd00::1\"}");
	struct world w;

	setup(&w);
	assert_int_equal(event(&w, "ADDED", dual), 0);
	assert_int_equal(event(&w, "ADDED", host), 0);
	ASSERT_VALUE(at(&w, "10.1.2.3"), "k8s.pod.name", "a");
	ASSERT_VALUE(at(&w, "fd00::7"), "k8s.pod.name", "a");
	assert_null(at(&w, "fd00::1"));
	assert_int_equal(event(&w, "MODIFIED", six), 0);
	assert_null(at(&w, "fd00::7"));
	ASSERT_VALUE(at(&w, "fd00::8"), "k8s.pod.name", "a");
	assert_int_equal(event(&w, "DELETED", six), 0);
	assert_null(at(&w, "fd00::8"));
	teardown(&w);
}

/* No kubelet tells so, but what comes over a wire is bounded. */
static void addresses_are_bounded_and_odd_ones_ignored(void **state TOLL_UNUSED)
{
	static const char many[] =
		DUAL("a", "u1", "",
	             "{},{\"ip\":\"\"},null,7,{\"ip\":\"::1\"},{\"ip\":\"::2\"},{\"ip\":\"::3\"},"
	             "{\"ip\":\"::4\"},{\"ip\":\"::5\"}");
	struct world w;

	setup(&w);
	assert_int_equal(event(&w, "ADDED", many), 0);
	assert_int_equal(at(&w, "::1")->ip_count, TOLL_POD_IPS_MAX);
	assert_non_null(at(&w, "::4"));
	assert_null(at(&w, "::5"));
	teardown(&w);
}

static void what_the_server_refuses_with_is_told(void **state TOLL_UNUSED)
{
	char message[16];

	assert_true(toll_k8s_read_status("{\"kind\":\"Status\",\"message\":\"pods is forbidden\"}",
	                                 message, sizeof(message)));
	assert_string_equal(message, "pods is forbidd");
	assert_false(toll_k8s_read_status("<html>", message, sizeof(message)));
	assert_false(toll_k8s_read_status("{\"message\":\"\"}", message, sizeof(message)));
	assert_false(toll_k8s_read_status("", message, sizeof(message)));
}

static void a_changed_pod_is_told_anew(void **state TOLL_UNUSED)
{
	static const char moved[] = "{\"metadata\":{\"name\":\"c\",\"uid\":\"u1\"},\"status\":"
				    "{\"podIP\":\"10.9.9.9\"}}";
	struct world w;

	setup(&w);
	assert_int_equal(event(&w, "ADDED", pod_text), 0);
	assert_int_equal(event(&w, "MODIFIED", moved), 0);
	assert_null(at(&w, "10.1.2.3"));
	ASSERT_VALUE(at(&w, "10.9.9.9"), "k8s.pod.name", "c");
	assert_int_equal(w.store.count, 1);
	teardown(&w);
}

static void a_list_comes_in_pages(void **state TOLL_UNUSED)
{
	struct world w;
	struct toll_k8s_page page = { .next = "" };
	struct toll_error why;
	char *text = NULL;
	int n = asprintf(&text,
	                 "{\"metadata\":{\"resourceVersion\":\"42\",\"continue\":\"abc\"},"
	                 "\"items\":[%s,{\"no\":\"uid\"},null,7]}",
	                 pod_text);

	setup(&w);
	assert_int_equal(toll_k8s_read_list(text, (size_t)n, &w.wish, &w.store, &page, &why), 0);
	free(text);
	assert_string_equal(page.version, "42");
	assert_string_equal(page.next, "abc");
	assert_int_equal(w.store.count, 1);
	teardown(&w);
}

static void pods_over_the_limit_are_counted(void **state TOLL_UNUSED)
{
	struct world w = { 0 };

	assert_int_equal(toll_pod_store_init(&w.store, 1), 0);
	assert_int_equal(event(&w, "ADDED", pod_text), 0);
	assert_int_equal(event(&w, "ADDED", "{\"metadata\":{\"uid\":\"u2\"}}"), 0);
	assert_int_equal(w.store.count, 1);
	assert_int_equal(w.store.refused, 1);
	teardown(&w);
}

static void what_is_no_event_is_refused(void **state TOLL_UNUSED)
{
	struct world w;

	setup(&w);
	assert_int_equal(event(&w, "ERROR", "{\"code\":410,\"message\":\"too old\"}"),
	                 TOLL_EREFUSED);
	assert_int_equal(event(&w, "ADDED", "{"), TOLL_EINVALID);
	assert_int_equal(event(&w, "ADDED", "[]"), 0); /* no pod: nothing happens */
	assert_int_equal(w.store.count, 0);
	teardown(&w);
}

static void peers_have_addresses(void **state TOLL_UNUSED)
{
	static const char *const cases[][2] = {
		{ "10.1.2.3:4711", "10.1.2.3" },
		{ "[fd00::7]:4711", "fd00::7" },
		{ "[::ffff:10.1.2.3]:1", "10.1.2.3" },
		{ "unix:/run/otlp.sock", "" },
		{ "fd00::7", "" },
		{ "localhost:1", "" },
		{ "", "" },
	};

	assert_int_equal(toll_peer_ip(NULL).len, 0);
	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		assert_true(toll_slice_is(toll_peer_ip(cases[i][0]), cases[i][1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_is_found_by_its_address_and_told_by_its_owner),
		cmocka_unit_test(what_is_asked_for_is_told),
		cmocka_unit_test(an_address_belongs_to_the_pod_that_started_last),
		cmocka_unit_test(pods_that_ended_or_use_the_nodes_address_have_none),
		cmocka_unit_test(a_pod_of_two_families_is_found_by_either_address),
		cmocka_unit_test(addresses_are_bounded_and_odd_ones_ignored),
		cmocka_unit_test(what_the_server_refuses_with_is_told),
		cmocka_unit_test(a_changed_pod_is_told_anew),
		cmocka_unit_test(a_list_comes_in_pages),
		cmocka_unit_test(pods_over_the_limit_are_counted),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(peers_have_addresses),
	};

	return cmocka_run_group_tests_name("pods", tests, NULL, NULL);
}
