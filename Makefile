# spantoll: plain GNU make, no generator.      make help
#
#   BUILD=release|debug|asan|tsan|cov|fuzz   which flags; objects go to build/$(BUILD)
#   CC, CFLAGS, LDFLAGS, V=1                 as usual: yours come last and win
#   T=test_kafka.py, K=words                 integration tests: only this file, only names with these words
#   JOBS=N                                   tests at once (default: the processors, at least 2; two more of those that wait)
#   PREFIX, DESTDIR                          for install

BUILD   ?= release
O       := build/$(BUILD)
PREFIX  ?= /usr/local
DESTDIR ?=
PKG_CONFIG ?= pkg-config
PYTHON  ?= python3
VENV    := build/venv/bin/python
JOBS    ?= $(shell n=$$(nproc); echo $$((n < 2 ? 2 : n)))
# The newest of these that is installed: Debian 12 names them -14, Debian 13 -19, Ubuntu 24.04 -18.
newest = $(firstword $(foreach v,-14 -19 -18 ,$(shell command -v $(1)$(v))) $(1))
CLANG        ?= $(call newest,clang)
CLANG_FORMAT ?= $(call newest,clang-format)
CLANG_TIDY   ?= $(call newest,clang-tidy)

# What we link. One line per library; pkg-config knows the rest.
PKGS      := yaml-0.1 libuv rdkafka hiredis grpc libprotobuf-c libdeflate libzstd libmicrohttpd libcurl json-c \
	yajl smartcols libxxhash gnutls libpcre2-8 nettle libcrypt glib-2.0
TEST_PKGS := cmocka

# The library is everything but main(): folders in order of dependency.
LIB_DIRS := base cost config proto budget transform net kafka prices k8s pipeline store receivers processors exporters connectors \
	extensions
PROTOS   := $(wildcard proto/*.proto)
LIB_SRC  := $(sort $(shell find $(wildcard $(LIB_DIRS)) -name '*.c'))
CMDS     := $(notdir $(wildcard cmd/*))
TESTS    := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
TOOLS    := $(basename $(notdir $(filter-out %/faults.c,$(wildcard tests/tools/*.c))))
FUZZERS  := $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))
BENCHES  := $(basename $(notdir $(wildcard bench/bench_*.c)))
ALL_SRC  := $(LIB_SRC) $(wildcard cmd/*/*.c tests/unit/*.c tests/tools/*.c tests/support/*.c tests/fuzz/*.c bench/*.c bench/*/*.c)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-align -Wcast-qual -Wwrite-strings -Wvla -Walloca -Wformat=2 -Wundef \
	-Wimplicit-fallthrough -Wconversion -Wno-sign-conversion -Wnull-dereference -Wno-variadic-macros
# Only what this compiler knows (clang 14 refuses =zero, arm64 has no -fcf-protection).
cc_ok = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
HARDEN := -fPIE $(foreach f,-fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -ftrivial-auto-var-init=zero,$(call cc_ok,$(f)))
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
SAN := -fno-omit-frame-pointer -fno-sanitize-recover=all

FLAGS.release := -O2 -g -D_FORTIFY_SOURCE=2 $(HARDEN)
FLAGS.debug   := -O0 -g3 -fPIE
FLAGS.asan    := -O1 -g -fPIE -fsanitize=address,undefined $(SAN)
FLAGS.tsan    := -O1 -g -fPIE -fsanitize=thread $(SAN)
FLAGS.cov     := -O0 -g -fPIE --coverage
FLAGS.fuzz    := -O1 -g -fPIE -fsanitize=address,undefined,fuzzer-no-link $(SAN)
LD.release := $(HARDEN_LD)
LD.debug   := -pie
LD.asan    := -pie -fsanitize=address,undefined
LD.tsan    := -pie -fsanitize=thread
LD.cov     := -pie --coverage
LD.fuzz    := -pie -fsanitize=address,undefined
ifeq ($(BUILD),fuzz)
CC := $(CLANG)
endif
ifeq ($(FLAGS.$(BUILD)),)
$(error BUILD=$(BUILD): choose one of release debug asan tsan cov fuzz)
endif
ifneq ($(WERROR),)
WARN += -Werror
endif

ALL_CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -isystem build/gen -ffp-contract=off -fvisibility=hidden $(WARN) $(FLAGS.$(BUILD)) \
	$(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null) -include base/banned.h $(CFLAGS)
ALL_LDFLAGS := $(LD.$(BUILD)) $(LDFLAGS)
ALL_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lpthread -lm
TEST_LIBS = $(shell $(PKG_CONFIG) --libs $(TEST_PKGS))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' '$(1)' '$(2)';)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all setup run demo test test-steps test-unit test-fuzz test-integration test-full test-full-steps \
	soak asan tsan bench bench-load bench-redis bench-mesh fuzz fuzz-run lint lint-steps lint-tidy layers docs docs-check format cov image install clean \
	distclean help FORCE

# This Makefile again, with all processors unless the user said how many.
again = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

##@ Use
run: ## install what is missing, build, and watch money appear on spans (spantoll demo)
	@tools/setup.sh build
	+@$(again) all
	$(O)/bin/spantoll demo

all: $(CMDS:%=$(O)/bin/%) ## build the daemon (build/release/bin/spantoll)

setup: ## install what building and testing need; run and test do it by themselves
	@tools/setup.sh build test

# ---- rules ------------------------------------------------------------------------------------

# A change of compiler or flags rebuilds everything; a change of nothing rebuilds nothing.
$(O)/flags: FORCE
	@$(PKG_CONFIG) --exists --print-errors $(PKGS) || { \
		echo 'Libraries are missing. This installs them: tools/setup.sh build'; exit 1; } >&2
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' > $@
FORCE:

# So does a source file that came or went.
$(O)/sources: FORCE
	@mkdir -p $(@D); echo '$(LIB_SRC) $(PROTOS)' | cmp -s - $@ || echo '$(LIB_SRC) $(PROTOS)' > $@

.PRECIOUS: $(O)/%.o
$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Our own schemas, compiled by protobuf-c: control plane only, never span bytes.
GEN_SRC := $(PROTOS:%.proto=build/gen/%.pb-c.c)
GEN_OBJ := $(PROTOS:%.proto=$(O)/%.pb-c.o)
GEN_LUA := $(patsubst %.lua,build/gen/%.lua.h,$(wildcard exporters/*/*.lua exporters/*/*/*.lua))
GEN_SCHEMA := build/gen/cmd/prices.schema.json.h
GEN_CATALOGUE := $(patsubst %,build/gen/prices/%.h,$(wildcard catalogue/*.yaml))
build/gen/%.pb-c.c build/gen/%.pb-c.h &: %.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)protoc-c --c_out=build/gen $<
$(O)/%.pb-c.o: build/gen/%.pb-c.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -w -c -o $@ $<
$(ALL_SRC:%.c=$(O)/%.o): | $(GEN_SRC) $(GEN_LUA) $(GEN_CATALOGUE) $(GEN_SCHEMA)

# Scripts that run inside Redis, as C string literals.
build/gen/%.lua.h: %.lua
	@mkdir -p $(@D)
	$(call say,LUA,$<)sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< > $@

# The shipped prices likewise, without their comments; "??-" is a trigraph to some compilers.
build/gen/prices/catalogue/%.yaml.h: catalogue/%.yaml
	@mkdir -p $(@D)
	$(call say,PRICES,$<)sed -e 's/^ *#.*//' -e 's/[\\"?]/\\&/g' -e 's/.*/"&\\n"/' $< > $@
# What is generated is no dependency that the compiler writes down: it is a system header to it.
$(O)/prices/catalogue.o: $(GEN_CATALOGUE)
$(patsubst %.c,$(O)/%.o,$(wildcard exporters/enforcer/*/*.c)): $(GEN_LUA)

# The schema of price documents, for `spantoll prices schema`.
build/gen/cmd/%.json.h: share/%.json
	@mkdir -p $(@D)
	$(call say,SCHEMA,$<)sed -e 's/[\\"?]/\\&/g' -e 's/.*/"&\\n"/' $< > $@

$(O)/libspantoll.a: $(LIB_SRC:%.c=$(O)/%.o) $(GEN_OBJ) $(O)/sources
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

# Where ThreadSanitizer needs help: see the file.
TSAN_THREADS := $(if $(filter tsan,$(BUILD)),$(O)/tests/support/tsan_threads.o)

# The whole library: of two functions with one name the linker would silently take either.
define cmd_rule
$(O)/bin/$(1): $(patsubst %.c,$(O)/%.o,$(wildcard cmd/$(1)/*.c)) $(TSAN_THREADS) $(O)/libspantoll.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(ALL_LDFLAGS) $(if $(TSAN_THREADS),-rdynamic) -o $$@ $$(filter %.o,$$^) -Wl,--whole-archive $(O)/libspantoll.a \
		-Wl,--no-whole-archive $$(ALL_LIBS)
endef
$(foreach c,$(CMDS),$(eval $(call cmd_rule,$(c))))

# What the verbs are made of, without main(), for their unit tests.
$(O)/verbs.a: $(patsubst %.c,$(O)/%.o,$(filter-out %/main.c,$(wildcard cmd/spantoll/*.c)))
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(O)/test/%: $(O)/tests/unit/%.o $(TSAN_THREADS) $(O)/verbs.a $(O)/libspantoll.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $(if $(TSAN_THREADS),-rdynamic) -o $@ $^ $(TEST_LIBS) $(ALL_LIBS)

# The C ends of tests that are driven from Python.
$(O)/tools/%: $(O)/tests/tools/%.o $(TSAN_THREADS) $(O)/libspantoll.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $(if $(TSAN_THREADS),-rdynamic) -o $@ $^ $(ALL_LIBS)

# Goes before the C library of a daemon under test: no sanitizer, nothing of ours.
$(O)/tools/faults.so: tests/tools/faults.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -I. -O2 -g -fPIC -fno-builtin $(WARN) -shared -o $@ $<

$(O)/bench/%: $(O)/bench/%.o $(O)/libspantoll.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

# With BUILD=fuzz libFuzzer brings main(); otherwise replay.c runs the corpus once.
FUZZ_MAIN := $(if $(filter fuzz,$(BUILD)),,$(O)/tests/fuzz/replay.o)
$(O)/fuzz/%: $(O)/tests/fuzz/%.o $(FUZZ_MAIN) $(O)/libspantoll.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ $^ $(ALL_LIBS)

# ---- checks -----------------------------------------------------------------------------------

# Sanitizer reports fail a test; what is suppressed, and why, stands in the files.
export ASAN_OPTIONS := suppressions=$(CURDIR)/tests/env/asan.supp:detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1
export UBSAN_OPTIONS := print_stacktrace=1
export LSAN_OPTIONS := suppressions=$(CURDIR)/tests/env/lsan.supp:print_suppressions=0
export TSAN_OPTIONS := suppressions=$(CURDIR)/tests/env/tsan.supp:second_deadlock_stack=1
# One line per stage of test and test-full, with the clock.
stage = @printf '\n==== %s  %s\n' "$$(date +%H:%M:%S)" '$(1)'

##@ Test
test: ## unit, fuzz replay, real daemon with real Kafka, Redis and SDKs (15 min)
	@tools/setup.sh build test
	@rm -f build/tally
	@TOLL_TALLY=build/tally $(again) test-steps
	@$(PYTHON) tools/run_unit.py --total build/tally

test-steps:
	$(call stage,build)
	+@$(again) all
	$(call stage,layers and generated pages)
	+@$(again) layers docs-check
	$(call stage,unit tests)
	+@$(again) test-unit
	$(call stage,fuzz corpora)
	+@$(again) test-fuzz
	$(call stage,integration tests)
	+@$(again) test-integration

test-full: ## test, then the sanitizers, then lint: what .ci/run runs (60 min)
	@tools/setup.sh build test lint
	+@$(again) test
	+@$(again) test-full-steps

test-full-steps:
	$(call stage,a real Kubernetes API server and a real browser)
	@tools/setup.sh test full
	$(call stage,integration tests of every combination)
	+@$(again) test-integration MARK=full
	$(call stage,unit tests with address and undefined behaviour sanitizer)
	+@$(again) BUILD=asan test-unit
	$(call stage,fuzz corpora with address and undefined behaviour sanitizer)
	+@$(again) BUILD=asan test-fuzz
	$(call stage,core integration tests with address and undefined behaviour sanitizer)
	+@$(again) BUILD=asan test-integration MARK='core and not soak and not full'
	$(call stage,unit tests with thread sanitizer)
	+@$(again) BUILD=tsan test-unit
	$(call stage,lint)
	+@$(again) lint-steps

soak: ## hours: outages, restarts and load with a conservation oracle (SOAK=30m)
	@tools/setup.sh build test
	+@SOAK=$(or $(SOAK),30m) $(again) test-integration MARK=soak JOBS=1

test-unit: $(TESTS:%=$(O)/test/%) ## unit tests only (seconds)
	@$(PYTHON) tools/run_unit.py --jobs $(JOBS) $^

test-fuzz: $(FUZZERS:%=$(O)/fuzz/%) ## replay the committed fuzz corpora once
	@$(PYTHON) tools/run_unit.py --jobs $(JOBS) --corpora tests/fuzz/corpus $^

# Integration tests wait for clocks and peers most of the time: two more at once, unless somebody said how many. Sanitizers work.
AT_ONCE = $(if $(filter file-release,$(origin JOBS)-$(BUILD)),$(shell echo $$(($(JOBS) + 2))),$(JOBS))
MARK ?= not soak and not full
test-integration: all $(TOOLS:%=$(O)/tools/%) $(O)/tools/faults.so ## the daemon against real Redis and Kafka, on loopback ports (T=, K=)
	@SPANTOLL=$(O)/bin/spantoll SPANTOLL_TOOLS=$(O)/tools $(VENV) -m pytest -q -n $(AT_ONCE) --dist worksteal -m '$(MARK)' $(if $(K),-k '$(K)') \
		tests/integration$(if $(T),/$(T))

asan tsan: ## unit tests and fuzz corpora with ASan+UBSan / ThreadSanitizer
	+@$(again) BUILD=$@ test-unit test-fuzz

FUZZ_SECONDS ?= 60
fuzz: ## fuzz every target for FUZZ_SECONDS each; findings and new inputs go to build/fuzz
	@tools/setup.sh build lint
	+@$(again) BUILD=fuzz fuzz-run
fuzz-run: $(FUZZERS:%=$(O)/fuzz/%)
	@for f in $^; do n=$${f##*/fuzz_}; mkdir -p $(O)/corpus/$$n; echo "fuzzing $$n for $(FUZZ_SECONDS) s"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=$(O)/ \
			$(O)/corpus/$$n tests/fuzz/corpus/$$n || exit 1; done

bench: $(BENCHES:%=$(O)/bench/%) ## micro-benchmarks: name <tab> ns/op
	@for b in $^; do $$b || exit 1; done

bench-load: all $(O)/tools/sink ## CPU time per span: receiving alone, the whole job with Kafka and Redis, forwarding
	@tools/setup.sh build test bench
	@$(VENV) bench/load/receive.py --sink $(O)/tools/sink
	@SPANTOLL=$(O)/bin/spantoll $(VENV) bench/load/pipeline.py
	@SPANTOLL=$(O)/bin/spantoll $(VENV) bench/load/journal.py
	@SPANTOLL=$(O)/bin/spantoll $(VENV) bench/load/otlp.py --sink $(O)/tools/sink

bench-redis: all ## CPU time of Redis per publish, read, rollover and decision: 1,000 services
	@tools/setup.sh build test
	@SPANTOLL=$(O)/bin/spantoll PYTHONPATH=tests $(VENV) bench/redis/redis_cpu.py

bench-mesh: all $(O)/bench/mesh/load $(O)/bench/mesh/echo ## what a decision for a mesh costs, and what Envoy adds (ARGS=--fifo)
	@tools/setup.sh build test
	@SPANTOLL=$(O)/bin/spantoll $(VENV) bench/mesh/mesh.py --tools $(O)/bench/mesh $(ARGS)

cov: ## line coverage of the unit tests (needs gcovr)
	+@$(again) BUILD=cov test-unit && gcovr -r . --object-directory build/cov

##@ Tidy
lint: ## warnings as errors, gcc -fanalyzer, cppcheck, clang-tidy, formatting, layers
	@tools/setup.sh build lint
	+@$(again) lint-steps

# One file at a time: clang-tidy mixes up several, and a report stands beside its file.
TIDY := $(patsubst %.c,build/lint/%.tidy,$(LIB_SRC) $(wildcard cmd/*/*.c))
build/lint/%.tidy: %.c $(O)/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)$(CLANG_TIDY) --quiet $< -- -std=gnu17 -D_GNU_SOURCE -I. -Ibuild/gen \
		$(shell $(PKG_CONFIG) --cflags $(PKGS)) -include base/banned.h 2>$@.log || { cat $@.log; exit 1; }
	@touch $@
lint-tidy: $(TIDY)

lint-steps:
	+@$(again) layers
	+@$(again) -k BUILD=debug WERROR=1 CFLAGS="-fanalyzer -Wno-analyzer-malloc-leak" all lint-tidy
	$(call say,CHECK,the library with cppcheck)cppcheck -q -j $(JOBS) --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppressions-list=tools/cppcheck.supp --error-exitcode=1 -I. -Ibuild/gen $(LIB_SRC)
	$(call say,FORMAT,all sources)$(CLANG_FORMAT) --version | grep -q 'version 14' || \
		{ echo '  (not checked: clang-format 14 decides the layout, other versions differ)'; exit 0; }; \
		$(CLANG_FORMAT) --dry-run -Werror $(ALL_SRC)

layers: ## which folder may include which
	@$(PYTHON) tools/check_layers.py

PAGES := configuration components metrics semconv
docs: all ## write docs/configuration.md and docs/metrics.md from the tables in the sources
	@mkdir -p docs; for p in $(PAGES); do $(O)/bin/spantoll docs $$p > docs/$$p.md || exit 1; done

docs-check: all
	@for p in $(PAGES); do $(O)/bin/spantoll docs $$p | diff -u docs/$$p.md - || \
		{ echo "docs/$$p.md is stale: run make docs"; exit 1; }; done

format: ## rewrite the sources as .clang-format says
	$(CLANG_FORMAT) -i $(ALL_SRC)

##@ Ship
image: ## build the container image without a container engine (needs root)
	@tools/setup.sh image
	tests/env/image.sh . spantoll:latest

install: all ## to $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/spantoll
	install -m 755 $(CMDS:%=$(O)/bin/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 examples/*.yaml $(DESTDIR)$(PREFIX)/share/spantoll
	install -d $(DESTDIR)$(PREFIX)/share/spantoll/catalogue
	install -m 644 catalogue/* $(DESTDIR)$(PREFIX)/share/spantoll/catalogue
	install -m 644 share/*.json $(DESTDIR)$(PREFIX)/share/spantoll

clean: ## remove what was compiled
	rm -rf build/release build/debug build/asan build/tsan build/cov build/fuzz build/gen build/lint

distclean: ## remove build/ with everything that setup put there
	rm -rf build

help: ## this list
	@awk -F':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z -]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' \
		Makefile; echo; echo Variables; sed -n 's/^#   /  /p' Makefile

-include $(patsubst %.c,$(O)/%.d,$(ALL_SRC))
