/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: the Collector's internal/env and internal/system detectors, and the OpenTelemetry
 * semantic conventions for host.* and os.*. */
#include "processors/resourcedetection/detect.h"

#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"

enum { NAME_BYTES = 256 };

static struct toll_slice none(void)
{
	return toll_slice("", 0);
}

int detected_add(struct detected_list *l, struct toll_slice key, struct toll_slice value)
{
	if (!value.len)
		return 0;
	for (size_t i = 0; i < l->count; i++)
		if (toll_slice_eq(l->at[i].key, key))
			return 0;
	if (l->count == DETECTED_MAX)
		return TOLL_ETOOBIG;
	l->at[l->count].key = toll_arena_dup(l->arena, key);
	l->at[l->count].value = toll_arena_dup(l->arena, value);
	if (!l->at[l->count].key.ptr || !l->at[l->count].value.ptr)
		return TOLL_ENOMEM;
	l->count++;
	return 0;
}

/* ---- env ---- */

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As in a URL's query: %20 and + are blanks. False: a % without two hex digits. */
static bool unescape(struct toll_slice s, char *out, struct toll_slice *ret)
{
	char *end = out;

	for (size_t i = 0; i < s.len; i++) {
		int high, low;

		if (s.ptr[i] != '%') {
			*end++ = s.ptr[i] == '+' ? ' ' : s.ptr[i];
			continue;
		}
		high = i + 2 < s.len ? hex_of(s.ptr[i + 1]) : -1;
		low = i + 2 < s.len ? hex_of(s.ptr[i + 2]) : -1;
		if (high < 0 || low < 0)
			return false;
		*end++ = (char)(high << 4 | low);
		i += 2;
	}
	*ret = toll_slice(out, (size_t)(end - out));
	return true;
}

static int add_pair(struct detected_list *l, struct toll_slice pair)
{
	const char *equal = memchr(pair.ptr, '=', pair.len);
	struct toll_slice key, value = { 0 };
	char buf[NAME_BYTES];

	if (!equal)
		return TOLL_ECONFIG;
	key = toll_slice_trim(toll_slice(pair.ptr, (size_t)(equal - pair.ptr)), TOLL_SPACES);
	pair = toll_slice_trim(toll_slice(equal + 1, pair.len - (size_t)(equal + 1 - pair.ptr)),
	                       TOLL_SPACES);
	if (!key.len || key.len > NAME_BYTES || pair.len > NAME_BYTES ||
	    !unescape(pair, buf, &value))
		return TOLL_ECONFIG;
	return detected_add(l, key, value);
}

int detect_env(struct detected_list *l, const char *text)
{
	struct toll_slice rest = toll_slice_trim(toll_slice_str(text), TOLL_SPACES);
	int err = 0;

	while (rest.len && !err) {
		const char *comma = memchr(rest.ptr, ',', rest.len);
		size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;

		err = add_pair(l, toll_slice(rest.ptr, len));
		len += comma != NULL;
		rest = toll_slice(rest.ptr + len, rest.len - len);
	}
	return err;
}

/* ---- host.name ---- */

/* A question to the resolver, which may outlive our patience: then it stays with the resolver. */
struct question {
	struct gaicb request;
	struct gaicb *list[1];
	struct addrinfo hints;
	char name[NAME_BYTES];
};

static bool ask(struct question *q, uint64_t timeout_ns)
{
	const struct timespec timeout = { (time_t)(timeout_ns / TOLL_S),
		                          (long)(timeout_ns % TOLL_S) };

	q->hints = (struct addrinfo){ .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
	q->request = (struct gaicb){ .ar_name = q->name, .ar_request = &q->hints };
	q->list[0] = &q->request;
	if (getaddrinfo_a(GAI_NOWAIT, q->list, 1, NULL))
		return true;
	gai_suspend((const struct gaicb *const *)q->list, 1, &timeout);
	return gai_error(&q->request) != EAI_INPROGRESS || gai_cancel(&q->request) == EAI_CANCELED;
}

/* The name that name servers or /etc/hosts have for this host, if it has a domain. */
static struct toll_slice canonical_name(const char *name, uint64_t timeout_ns, char *buf,
                                        size_t size)
{
	struct question *q = calloc(1, sizeof(*q));
	const struct addrinfo *answer;

	buf[0] = '\0';
	if (!q)
		return none();
	snprintf(q->name, sizeof(q->name), "%s", name);
	if (!ask(q, timeout_ns))
		return none();
	answer = gai_error(&q->request) ? NULL : q->request.ar_result;
	if (answer && answer->ai_canonname && strchr(answer->ai_canonname, '.'))
		snprintf(buf, size, "%s", answer->ai_canonname);
	if (q->request.ar_result)
		freeaddrinfo(q->request.ar_result);
	free(q);
	return toll_slice_str(buf);
}

struct toll_slice detect_host_name(enum detect_host_source source, uint64_t timeout_ns, char *buf,
                                   size_t size)
{
	char name[NAME_BYTES] = "";

	if (gethostname(name, sizeof(name) - 1) || !*name)
		return none();
	if (source == DETECT_HOST_DNS)
		return canonical_name(name, timeout_ns, buf, size);
	snprintf(buf, size, "%s", name);
	return toll_slice_str(buf);
}

/* ---- the rest of host and os ---- */

/* A file's first line. */
static struct toll_slice first_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	struct toll_slice line = none();

	if (f && fgets(buf, (int)size, f))
		line = toll_slice_trim(toll_slice_str(buf), TOLL_SPACES);
	if (f)
		fclose(f);
	return line;
}

struct toll_slice detect_host_id(char *buf, size_t size)
{
	struct toll_slice id = first_line("/etc/machine-id", buf, size);

	return id.len ? id : first_line("/var/lib/dbus/machine-id", buf, size);
}

/* The words of the semantic conventions. */
struct toll_slice detect_host_arch(char *buf, size_t size)
{
	static const char *const words[][2] = {
		{ "x86_64", "amd64" },  { "aarch64", "arm64" }, { "armv7l", "arm32" },
		{ "armv6l", "arm32" },  { "i686", "x86" },      { "i386", "x86" },
		{ "ppc64le", "ppc64" },
	};
	struct utsname u;

	if (uname(&u))
		return none();
	for (size_t i = 0; i < TOLL_COUNT(words); i++)
		if (strcmp(u.machine, words[i][0]) == 0)
			return toll_slice_str(words[i][1]);
	snprintf(buf, size, "%s", u.machine);
	return toll_slice_str(buf);
}

/* PRETTY_NAME of os-release(5), without its quotes. */
static void pretty_name(char *buf, size_t size)
{
	static const char key[] = "PRETTY_NAME=";
	FILE *f = fopen("/etc/os-release", "re");
	char line[NAME_BYTES];

	snprintf(buf, size, "Linux");
	while (f && fgets(line, sizeof(line), f)) {
		struct toll_slice text = toll_slice_trim(toll_slice_str(line), TOLL_SPACES);

		if (text.len < sizeof(key) || memcmp(text.ptr, key, sizeof(key) - 1) != 0)
			continue;
		text = toll_slice(text.ptr + sizeof(key) - 1, text.len - (sizeof(key) - 1));
		if (text.len >= 2 && *text.ptr == '"')
			text = toll_slice(text.ptr + 1, text.len - 2);
		snprintf(buf, size, "%.*s", TOLL_FMT(text));
	}
	if (f)
		fclose(f);
}

struct toll_slice detect_os_description(char *buf, size_t size)
{
	char name[NAME_BYTES];
	struct utsname u;

	if (uname(&u))
		return none();
	pretty_name(name, sizeof(name));
	snprintf(buf, size, "%s (%s %s %s %s %s)", name, u.sysname, u.nodename, u.release,
	         u.version, u.machine);
	return toll_slice_str(buf);
}
