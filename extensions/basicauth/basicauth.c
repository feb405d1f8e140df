/* SPDX-License-Identifier: Apache-2.0 */
/* basicauth - lets in clients that show a user name and its password. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "extensions/basicauth/htpasswd.h"
#include "pipeline/auth.h"
#include "pipeline/factory.h"
#include "pipeline/file_watch.h"
#include "pipeline/host.h"

#define FILE_MAX ((size_t)4 << 20)

struct basic_config {
	struct {
		struct toll_slice file, text;
	} htpasswd;
};

struct basic {
	struct toll_extension super;
	const struct basic_config *config;
	struct toll_authenticator auth;
	struct toll_snapshot users; /* struct toll_htpasswd */
	struct toll_file_watch *watch;
	bool published;
};

/* ---- one request ---- */

static int check(struct toll_authenticator *a, const struct toll_auth_request *q,
                 char identity[TOLL_IDENTITY_MAX], const char **ret_why)
{
	struct basic *e = toll_container_of(a, struct basic, auth);
	struct toll_credentials c;
	struct toll_shared *shared;
	int err;

	*ret_why = "a user name and a password are required";
	if (!toll_credentials_read(q->header(q, "authorization"), &c))
		return TOLL_EDENIED;
	shared = toll_snapshot_get(&e->users);
	err = toll_htpasswd_check(toll_htpasswd_of(shared), &c);
	toll_shared_unref(shared);
	if (!err)
		toll_identity_print(c.user, identity);
	*ret_why = err == TOLL_ETOOMANY ? "too many passwords to check at once: come again"
	                                : "the user name or the password is wrong";
	explicit_bzero(&c, sizeof(c));
	return err;
}

/* ---- users ---- */

/* The file, then what stands in the configuration; NULL: errno says why. */
static char *read_users(const struct basic_config *c)
{
	size_t room = FILE_MAX + c->htpasswd.text.len + 2, len = 0;
	char *text = malloc(room);
	int fd = c->htpasswd.file.len ? open(c->htpasswd.file.ptr, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = c->htpasswd.file.len && fd < 0 ? -1 : 0;

	while (text && fd >= 0 && (n = read(fd, text + len, FILE_MAX - len)) > 0)
		len += (size_t)n;
	if (text && (n < 0 || len == FILE_MAX)) {
		int saved = n < 0 ? errno : EFBIG;

		free(text);
		text = NULL;
		errno = saved;
	}
	if (fd >= 0)
		close(fd);
	if (!text)
		return NULL;
	if (len)
		text[len++] = '\n';
	if (c->htpasswd.text.len)
		memcpy(text + len, c->htpasswd.text.ptr, c->htpasswd.text.len);
	text[len + c->htpasswd.text.len] = '\0';
	return text;
}

static int load(struct basic *e, struct toll_error *reterr)
{
	char *text = read_users(e->config);
	struct toll_htpasswd *users;
	struct toll_error why;
	int err;

	if (!text)
		return toll_fail(reterr, TOLL_ECONFIG, "cannot read %s: %s",
		                 e->config->htpasswd.file.ptr, strerror(errno));
	err = toll_htpasswd_new(toll_slice_str(text), &users, &why);
	explicit_bzero(text, strlen(text));
	free(text);
	if (err)
		return toll_fail(reterr, err, "htpasswd: %s", why.text);
	toll_snapshot_set(&e->users, toll_htpasswd_shared(users));
	return 0;
}

static void reload(void *ctx)
{
	struct basic *e = ctx;
	struct toll_error why;

	if (load(e, &why) < 0)
		TOLL_WARN(e->super.super.who, "the old passwords stay in use: %s", why.text);
	else
		TOLL_INFO(e->super.super.who, "passwords read again");
}

/* ---- life ---- */

static int basic_start(struct toll_component *c, struct toll_error *reterr)
{
	struct basic *e = toll_container_of(c, struct basic, super.super);
	struct toll_error why;
	int err = load(e, &why);

	if (err)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: %s", c->who, why.text);
	if (e->config->htpasswd.file.len) {
		e->watch = toll_file_watch_new(c->host, e->config->htpasswd.file.ptr, reload, e);
		err = e->watch ? 0 : TOLL_ENOMEM;
	}
	if (!err)
		err = toll_host_publish(c->host, "auth", c->id.text, &e->auth);
	if (err)
		return toll_fail(reterr, err, "%s: out of memory", c->who);
	e->published = true;
	return 0;
}

static void basic_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct basic *e = toll_container_of(c, struct basic, super.super);

	if (e->published)
		toll_host_withdraw(c->host, &e->auth);
	e->published = false;
}

static void basic_free(struct toll_component *c)
{
	struct basic *e = toll_container_of(c, struct basic, super.super);

	basic_shutdown(c, 0);
	e->watch = toll_file_watch_free(e->watch); /* the main loop's */
	toll_snapshot_set(&e->users, NULL);
	free(e);
}

static const struct toll_component_ops ops = { basic_start, basic_shutdown, basic_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct basic *e = calloc(1, sizeof(*e));

	if (!e)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&e->super.super, &ops, set);
	e->config = config;
	e->users = (struct toll_snapshot)TOLL_SNAPSHOT_INIT;
	e->auth =
		(struct toll_authenticator){ check, "Basic realm=\"spantoll\", charset=\"UTF-8\"" };
	*ret = &e->super.super;
	return 0;
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct basic_config *c = config;

	if (!c->htpasswd.file.len && !c->htpasswd.text.len)
		toll_report_error(r, "htpasswd", "has no users: set file or inline");
}

/* clang-format off */
#define HTPASSWD(member) \
	(offsetof(struct basic_config, htpasswd.member) - offsetof(struct basic_config, htpasswd))
static const struct toll_field htpasswd_fields[] = {
	{ .name = "file", .type = TOLL_FIELD_STRING, .offset = HTPASSWD(file),
	  .help = "Made with `htpasswd -B`; read again when it changes." },
	{ .name = "inline", .type = TOLL_FIELD_SECRET, .offset = HTPASSWD(text),
	  .help = "The same as text, \"user:hash\" in each line." },
	TOLL_FIELD_END,
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct basic_config, htpasswd, GROUP, NULL, "The users and their passwords' hashes.",
	           .group = htpasswd_fields),
	TOLL_FIELD_REFUSED("client_auth", "exporters cannot use it yet: set headers there, where the exporter has them"),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_extension_basicauth = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_BETA,
	.type = "basicauth",
	.help = "Lets in clients that show a user name and a password.",
	.serves = "auth",
	.config_size = sizeof(struct basic_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
