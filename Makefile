# spantoll: plain GNU make, no generator.      make help
#
#   BUILD=release|debug|asan|tsan|cov|fuzz   which flags; objects go to build/$(BUILD)
#   CC, CFLAGS, LDFLAGS, V=1                 as usual: yours come last and win
#   PREFIX, DESTDIR                          for install

BUILD   ?= release
O       := build/$(BUILD)
PREFIX  ?= /usr/local
DESTDIR ?=
PKG_CONFIG ?= pkg-config
PYTHON  ?= python3
# The newest of these that is installed: Debian 12 names them -14, Debian 13 -19, Ubuntu 24.04 -18.
newest = $(firstword $(foreach v,-14 -19 -18 ,$(shell command -v $(1)$(v))) $(1))
CLANG        ?= $(call newest,clang)
CLANG_FORMAT ?= $(call newest,clang-format)
CLANG_TIDY   ?= $(call newest,clang-tidy)

# What we link. One line per library; pkg-config knows the rest.
PKGS      := yaml-0.1 libuv rdkafka hiredis grpc libprotobuf-c libdeflate libmicrohttpd libcurl json-c \
	smartcols libxxhash
TEST_PKGS := cmocka

# The library is everything but main(): folders in order of dependency.
LIB_DIRS := base cost config proto net prices pipeline store receivers processors exporters connectors \
	extensions
PROTOS   := $(wildcard proto/*.proto)
LIB_SRC  := $(sort $(shell find $(wildcard $(LIB_DIRS)) -name '*.c'))
CMDS     := $(notdir $(wildcard cmd/*))
TESTS    := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
FUZZERS  := $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))
BENCHES  := $(basename $(notdir $(wildcard bench/bench_*.c)))
ALL_SRC  := $(LIB_SRC) $(wildcard cmd/*/*.c tests/unit/*.c tests/fuzz/*.c bench/*.c)

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

ALL_CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -Ibuild/gen -ffp-contract=off -fvisibility=hidden $(WARN) $(FLAGS.$(BUILD)) \
	$(if $(PKGS),$(shell $(PKG_CONFIG) --cflags $(PKGS))) -include base/banned.h $(CFLAGS)
ALL_LDFLAGS := $(LD.$(BUILD)) $(LDFLAGS)
ALL_LIBS := $(if $(PKGS),$(shell $(PKG_CONFIG) --libs $(PKGS))) -lpthread -lm
TEST_LIBS = $(shell $(PKG_CONFIG) --libs $(TEST_PKGS))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2);)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all run test test-unit test-fuzz test-integration asan tsan bench fuzz lint layers format \
	cov install clean help

all: $(CMDS:%=$(O)/bin/%) ## build the daemon and the tools

run: all ## build and run with examples/local.yaml
	$(O)/bin/spantoll --config examples/local.yaml

# ---- rules ------------------------------------------------------------------------------------

# A change of compiler or flags rebuilds everything; a change of nothing rebuilds nothing.
$(O)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' > $@
FORCE:

.PRECIOUS: $(O)/%.o
$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Our own schemas, compiled by protobuf-c: control plane only, never span bytes.
GEN_SRC := $(PROTOS:%.proto=build/gen/%.pb-c.c)
GEN_OBJ := $(PROTOS:%.proto=$(O)/%.pb-c.o)
build/gen/%.pb-c.c build/gen/%.pb-c.h &: %.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)protoc-c --c_out=build/gen $<
$(O)/%.pb-c.o: build/gen/%.pb-c.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -w -c -o $@ $<
$(LIB_SRC:%.c=$(O)/%.o): | $(GEN_SRC)

$(O)/libspantoll.a: $(LIB_SRC:%.c=$(O)/%.o) $(GEN_OBJ)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

define cmd_rule
$(O)/bin/$(1): $(patsubst %.c,$(O)/%.o,$(wildcard cmd/$(1)/*.c)) $(O)/libspantoll.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(ALL_LIBS)
endef
$(foreach c,$(CMDS),$(eval $(call cmd_rule,$(c))))

# What the verbs are made of, without main(), for their unit tests.
$(O)/verbs.a: $(patsubst %.c,$(O)/%.o,$(filter-out %/main.c,$(wildcard cmd/spantoll/*.c)))
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(O)/test/%: $(O)/tests/unit/%.o $(O)/verbs.a $(O)/libspantoll.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS) $(ALL_LIBS)

$(O)/bench/%: $(O)/bench/%.o $(O)/libspantoll.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

# With BUILD=fuzz libFuzzer brings main(); otherwise replay.c runs the corpus once.
FUZZ_MAIN := $(if $(filter fuzz,$(BUILD)),,$(O)/tests/fuzz/replay.o)
$(O)/fuzz/%: $(O)/tests/fuzz/%.o $(FUZZ_MAIN) $(O)/libspantoll.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ $^ $(ALL_LIBS)

# ---- checks -----------------------------------------------------------------------------------

test: test-unit test-fuzz test-integration ## everything that must pass before a commit

test-unit: $(TESTS:%=$(O)/test/%) ## unit tests only (seconds)
	@for t in $^; do $$t || exit 1; done

test-fuzz: $(FUZZERS:%=$(O)/fuzz/%) ## replay the committed fuzz corpora once
	@for f in $^; do n=$${f##*/fuzz_}; $$f tests/fuzz/corpus/$$n/* || exit 1; done

test-integration: all ## the daemon against real Redis and a Kafka, on loopback ports
	@if ls tests/integration/test_*.py >/dev/null 2>&1; then \
		SPANTOLL=$(O)/bin/spantoll $(PYTHON) -m pytest -q tests/integration; fi

asan tsan: ## the whole test suite under AddressSanitizer+UBSan / ThreadSanitizer
	$(MAKE) BUILD=$@ test

bench: $(BENCHES:%=$(O)/bench/%) ## micro-benchmarks: name <tab> ns/op
	@for b in $^; do $$b || exit 1; done

FUZZ_SECONDS ?= 60
fuzz: ## fuzz every target for FUZZ_SECONDS (needs clang); new inputs go to build/fuzz/corpus
	$(MAKE) BUILD=fuzz fuzz-run
fuzz-run: $(FUZZERS:%=$(O)/fuzz/%)
	@for f in $^; do n=$${f##*/fuzz_}; mkdir -p $(O)/corpus/$$n; \
		$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			$(O)/corpus/$$n tests/fuzz/corpus/$$n || exit 1; done

lint: layers ## warnings as errors, gcc -fanalyzer, cppcheck, clang-tidy, formatting
	$(MAKE) BUILD=debug WERROR=1 CFLAGS="-fanalyzer -Wno-analyzer-malloc-leak" all
	cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --suppress=identicalInnerCondition \
		--error-exitcode=1 -I. $(LIB_SRC)
	$(CLANG_TIDY) --quiet $(LIB_SRC) -- -std=gnu17 -D_GNU_SOURCE -I. 
	$(CLANG_FORMAT) --dry-run -Werror $(ALL_SRC)

layers: ## which folder may include which
	@$(PYTHON) tools/check_layers.py

format: ## rewrite the sources as .clang-format says
	$(CLANG_FORMAT) -i $(ALL_SRC)

cov: ## line coverage of the unit tests
	$(MAKE) BUILD=cov test-unit && gcovr -r . --object-directory build/cov

# ---- install ----------------------------------------------------------------------------------

install: all ## to $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/spantoll
	install -m 755 $(CMDS:%=$(O)/bin/%) $(DESTDIR)$(PREFIX)/bin

clean: ## remove build/
	rm -rf build

help: ## this list
	@sed -n 's/^#   /  /p' Makefile; echo
	@sed -n 's/^\([a-z -]*\):.* ## /\1\t/p' Makefile | sort | awk -F'\t' '{printf "  %-18s %s\n",$$1,$$2}'

-include $(patsubst %.c,$(O)/%.d,$(ALL_SRC))
