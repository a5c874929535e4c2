# freshet: a cache-busting forward HTTP proxy.  `make help` lists the targets; V=1 shows commands.
#
# Everything is built under build/.  CC, CFLAGS, CPPFLAGS, LDFLAGS are yours; ours are appended.

VERSION    := 0.1.0
BUILD      ?= build
CFLAGS     ?= -O3 -g
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR     ?= $(PREFIX)/bin
MANDIR     ?= $(PREFIX)/share/man
UNITDIR    ?= $(PREFIX)/lib/systemd/system
USERSDIR   ?= $(PREFIX)/lib/sysusers.d

# Seconds per fuzz target for `make fuzz`, and for live exchanges; `make test` only takes a short look.
FUZZ_SECONDS ?= 60
E2E_FUZZ_SECONDS ?= 300
SMOKE_SECONDS ?= 3
# Seconds for `make soak`, and for the short ones in `make test` and `make check-san`; SOAK_SEED= repeats one.
SOAK_SECONDS ?= 600
SOAK_SMOKE_SECONDS ?= 8
SOAK_SAN_SECONDS ?= 60
# Seconds of load that `make pgo` learns from.
PGO_SECONDS ?= 20
# Beyond this the end-to-end tests hang rather than work.
E2E_SECONDS ?= 900
E2E_TESTS   ?= tests/e2e
# Processes for them: they wait more than they work.
E2E_JOBS    ?= 3

# llhttp comes as a library (Debian 13 on) or as sources that we compile (Debian 12).
LLHTTP_DIR  ?= /usr/share/llhttp
LLHTTP_INC  ?= /usr/share/include/llhttp
LLHTTP_PKG  := $(shell pkg-config --exists libllhttp 2>/dev/null && echo libllhttp)
LLHTTP_OBJS := $(if $(LLHTTP_PKG),,$(patsubst %,$(BUILD)/llhttp/%.o,api http llhttp))
# Its machine once more for processors with SSE 4.2, which it uses to read 16 bytes at a time: http/h1_llhttp.c chooses.
LLHTTP_SSE42 := $(if $(LLHTTP_PKG),,$(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),$(BUILD)/llhttp/sse42.o))
LLHTTP_OBJS  += $(LLHTTP_SSE42)
EVENT_PKG   := $(shell pkg-config --exists libevent_core 2>/dev/null && echo libevent_core || echo libevent)
PKGS        := $(EVENT_PKG) libcares libconfuse libcrypt libsystemd libssl libcrypto $(LLHTTP_PKG)
PURE_PKGS   := libconfuse libcrypt $(LLHTTP_PKG)
pkg          = $(shell pkg-config $(1) $(2) 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch -Wconversion \
	-Wsign-conversion -Wenum-conversion -Wformat=2 -Wvla -Wundef
# SAN carries a sanitizer or --coverage, which replace the hardening meant for daily use.
# Calls between our files are short and many: link-time optimisation takes 8 % off the instructions of a request.
LTO      := $(if $(SAN),,$(if $(findstring Free Software,$(shell $(CC) --version 2>/dev/null)),-flto=auto -ffat-lto-objects))
# Zeroing some 100 to 400 bytes, several times a request, gcc for x86-64 would do by an instruction that takes 15 ns to
# start.  The C library needs a third of that.
MEMSET   := $(shell printf x | $(CC) -mmemset-strategy=libcall:-1:noalign -E - >/dev/null 2>&1 && \
	echo -mmemset-strategy=libcall:-1:noalign)
HARDEN   := $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
# Two builds of one folder, by gcc: the first counts what it does, the second is laid out by that.  See pgo.
PROFILE_count := -fprofile-generate -fprofile-update=atomic
PROFILE_use   := -fprofile-use -fprofile-partial-training -Wno-missing-profile
PROFILING     := $(if $(PROFILE),$(PROFILE_$(PROFILE)))
OUR_DEFS := -std=c11 -D_GNU_SOURCE -DLLHTTP_STRICT_MODE=1 $(if $(LLHTTP_SSE42),-DLLHTTP_SSE42) -DFRESHET_VERSION='"$(VERSION)"' -Isrc \
	-DCONFIG_DEFAULT_PATH='"$(SYSCONFDIR)/freshet/freshet.conf"' \
	$(if $(LLHTTP_PKG),,-isystem $(LLHTTP_INC)) $(call pkg,--cflags,$(PKGS))
OUR_CFLAGS  = $(CPPFLAGS) $(CFLAGS) $(OUR_DEFS) $(HARDEN) $(MEMSET) $(LTO) $(PROFILING) $(SAN) -fPIE -pthread -MMD -MP
# Test programs take what the objects hold besides: each is linked in a tenth of the time.
QUICK    := $(if $(LTO),-fno-lto)
OUR_LDFLAGS = $(LDFLAGS) $(LTO) $(PROFILING) $(SAN) -pie -pthread -Wl,-z,relro,-z,now

SRCS := $(wildcard src/*.c src/*/*.c)
ASSETS := $(wildcard src/*/*.js src/*/*.css src/*/*.html src/*/*.svg)
OBJS := $(SRCS:%.c=$(BUILD)/%.o) $(ASSETS:%=$(BUILD)/%.o)
# Folders that must work without an event loop, a resolver and TLS: what tests and fuzzers link.
PURE_OBJS := $(foreach d,base http policy config inspect,$(filter $(BUILD)/src/$(d)/%,$(OBJS))) \
	$(BUILD)/src/tls/hello.o
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))
INTEGRATION := $(patsubst tests/integration/%.c,$(BUILD)/integration/%,$(wildcard tests/integration/*_test.c))
SOAK  := $(BUILD)/soak/load $(BUILD)/soak/origin
FUZZ  := $(patsubst tests/fuzz/targets/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/targets/*.c))

Q   = $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))
MAKEFLAGS += --no-print-directory
ifeq ($(MAKELEVEL)$(findstring -j,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
ifneq ($(filter clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif
# Debian keeps nginx and its like where ordinary users do not look.
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: all help pgo run test check check-san unit integration e2e proof pictures lint fuzz fuzz-smoke fuzz-targets \
	fuzz-run fuzz-exchange soak soak-run summary bench coverage install uninstall clean FORCE
.DELETE_ON_ERROR:

all: $(BUILD)/freshet ## build build/freshet

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

pgo: ## build/pgo/freshet, which its own build has measured under load: less CPU per request (gcc)
	@.ci/install-deps bench
	@rm -rf build/pgo
	@$(MAKE) BUILD=build/pgo PROFILE=count all
	@FRESHET=$(abspath build/pgo/freshet) BENCH_SECONDS=$(PGO_SECONDS) tests/bench/run --contenders freshet \
		--cases keep1,keep50,new,down1,up1,tunnel,tlsnew,tlskeep,tlsdown1
	@$(MAKE) BUILD=build/pgo PROFILE=use all

run: ## install what is missing, build, start with conf/freshet.conf; INTERCEPT=1 reads https as well
	@.ci/install-deps build
	@$(MAKE) all
	$(BUILD)/freshet -c conf/freshet.conf $(if $(INTERCEPT),--intercept)

# ---- building

$(BUILD)/freshet: $(OBJS) $(LLHTTP_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(OUR_LDFLAGS) -o $@ $^ $(call pkg,--libs,$(PKGS)) $(LDLIBS)

$(BUILD)/libpure.a: $(PURE_OBJS) $(LLHTTP_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/src/%.o: src/%.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(OUR_CFLAGS) $(WARN) $(WERROR) -c -o $@ $<

# What goes to browsers as it is becomes constants, live.css live_css; the ? is for trigraphs.
$(ASSETS:%=$(BUILD)/%.c): $(BUILD)/%.c: % Makefile
	$(Q)mkdir -p $(@D) && { printf '#include "proxy/assets.h"\nstatic const char text[] =\n'; \
		sed -e 's/[\\"?]/\\&/g' -e 's/.*/"&\\n"/' $<; \
		printf ';\nconst struct span %s = { text, sizeof(text) - 1 };\n' $(subst .,_,$(notdir $<)); } >$@

$(ASSETS:%=$(BUILD)/%.o): %.o: %.c $(BUILD)/flags
	$(call say,CC,$(<:$(BUILD)/%.c=%))
	$(Q)$(CC) $(OUR_CFLAGS) $(WARN) $(WERROR) -c -o $@ $<

$(BUILD)/llhttp/%.o: $(LLHTTP_DIR)/%.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(OUR_CFLAGS) $(LLHTTP_NAMES) -w -c -o $@ $<

ifneq ($(LLHTTP_SSE42),)
$(BUILD)/llhttp/llhttp.o: LLHTTP_NAMES = -Dllhttp__internal_execute=llhttp_plain_execute
$(LLHTTP_SSE42): LLHTTP_NAMES = -msse4.2
$(LLHTTP_SSE42): $(BUILD)/llhttp/sse42.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)$(CC) $(OUR_CFLAGS) $(LLHTTP_NAMES) -w -c -o $@ $<

$(BUILD)/llhttp/sse42.c: $(LLHTTP_DIR)/llhttp.c
	$(Q)mkdir -p $(@D) && sed -E 's/llhttp__internal_(_c_|execute|init)/llhttp_sse42_\1/g' $< >$@
endif

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libpure.a
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(OUR_CFLAGS) -MF $@.d -Wall -Wextra $(WERROR) $(OUR_LDFLAGS) $(QUICK) -o $@ $< \
		$(BUILD)/libpure.a $(call pkg,--libs,$(PURE_PKGS) cmocka)

$(BUILD)/integration/dns_server.o: tests/integration/dns_server.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(OUR_CFLAGS) -Wall -Wextra $(WERROR) -c -o $@ $<

# Everything but main().
$(BUILD)/integration/%: tests/integration/%.c $(BUILD)/integration/dns_server.o \
		$(filter-out $(BUILD)/src/main.o,$(OBJS)) $(LLHTTP_OBJS)
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(OUR_CFLAGS) -MF $@.d -Wall -Wextra $(WERROR) $(OUR_LDFLAGS) $(QUICK) -o $@ \
		$(filter %.c %.o,$^) $(call pkg,--libs,$(PKGS) cmocka) $(LDLIBS)

$(BUILD)/fuzz/%: tests/fuzz/targets/%.c $(BUILD)/libpure.a
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(OUR_CFLAGS) -MF $@.d -Wall -Wextra $(OUR_LDFLAGS) -fsanitize=fuzzer -o $@ $< \
		$(BUILD)/libpure.a $(call pkg,--libs,$(PURE_PKGS))

# The soak test's own programs share nothing with ours, sanitizers neither.
$(BUILD)/soak/load $(BUILD)/soak/origin: $(wildcard tests/soak/*.[ch] tests/soak/*.def) $(BUILD)/flags
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) -O2 -g -std=c11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -pthread -o $@ \
		$(patsubst %,tests/soak/%.c,plan wire tally raw $(if $(findstring load,$(@F)),load visit sessions,origin))

# Changes only when compiler, flags or the list of files do; then everything is built anew.
export STAMP := $(CC) $(OUR_CFLAGS) $(WERROR) $(OUR_LDFLAGS) $(PKGS) $(SRCS)
$(BUILD)/flags: FORCE
	@pkg-config --exists --print-errors $(PKGS) || { echo 'freshet: run .ci/install-deps build first' >&2; exit 1; }
	@mkdir -p $(@D) && { printenv STAMP | cmp -s - $@ || printenv STAMP >$@; }

-include $(OBJS:.o=.d) $(LLHTTP_OBJS:.o=.d) $(UNITS:=.d) $(INTEGRATION:=.d) $(FUZZ:=.d) \
	$(BUILD)/integration/dns_server.d

# ---- testing

test: ## all tests, with what they need installed: unit, integration, lint, short fuzz, end to end, short soak
	@.ci/install-deps test
	@$(MAKE) all
	@$(MAKE) unit
	@$(MAKE) integration
	@$(MAKE) lint
	@$(MAKE) fuzz-smoke
	@$(MAKE) e2e
	@$(MAKE) soak-run SOAK_SECONDS=$(SOAK_SMOKE_SECONDS)
	@$(MAKE) summary

check: ## test, with warnings as errors (in build/check)
	@$(MAKE) BUILD=build/check WERROR=-Werror test

check-san: ## unit, integration, end-to-end tests and a minute of soak under sanitizers (in build/san)
	@.ci/install-deps test
	@$(MAKE) all
	@for t in unit integration soak-run e2e summary; do $(MAKE) $(SAN_RUN) BUILD=build/san \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=all' $$t || exit; done

check-races: ## integration and end-to-end tests and a minute of soak, with data races as errors (in build/races)
	@.ci/install-deps test
	@$(MAKE) all
	@for t in integration soak-run e2e; do $(MAKE) $(SAN_RUN) BUILD=build/races SAN=-fsanitize=thread $$t || exit; done

SAN_RUN = CFLAGS='-O1 -g -fno-omit-frame-pointer' SOAK_SECONDS=$(SOAK_SAN_SECONDS) E2E_SECONDS=1800
SAN_ENV = ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1 \
	UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 TSAN_OPTIONS=suppressions=$(abspath tests/races.supp)

# Runs programs of cmocka one after the other; one that ran no test has failed.
define run-tests
	@echo "$@: $(words $(1)) programs"
	@failed=$(if $(1),,none); for t in $(1); do \
		if $(SAN_ENV) timeout 120 $$t >$$t.log 2>&1 && grep -q 'PASSED.* [1-9][0-9]* test' $$t.log; \
		then printf '  ok     %s\n' $$t; \
		else cat $$t.log; printf '  FAILED %s\n' $$t; failed="$$failed $$t"; fi; done; \
	[ -z "$$failed" ] || { echo "$@: failed: $$failed"; exit 1; }
endef

unit: $(UNITS) ## unit tests of the pure folders
	$(call run-tests,$(UNITS))

integration: $(INTEGRATION) ## resolver, connector, log writer, tables, authority on real sockets, files and threads
	$(call run-tests,$(INTEGRATION))

e2e: $(BUILD)/freshet ## end-to-end tests with a real process
	@echo "e2e: tests/e2e against $(BUILD)/freshet"
	@$(SAN_ENV) $(BUILD)/freshet -t -c conf/freshet.conf >/dev/null
	@FRESHET=$(abspath $(BUILD)/freshet) PYTHONDONTWRITEBYTECODE=1 $(SAN_ENV) timeout -k 10 $(E2E_SECONDS) \
		/usr/bin/python3 -m pytest -q -p no:cacheprovider -n $(E2E_JOBS) --dist loadgroup $(E2E_TESTS) $(E2E_ARGS)

proof: $(BUILD)/freshet ## clients through real caches to changed content: tables of who sees what is old
	@.ci/install-deps test
	@$(MAKE) e2e E2E_TESTS=tests/e2e/test_caches_table.py E2E_JOBS=0 E2E_ARGS=-s

pictures: $(BUILD)/freshet ## README's pictures of the live page, taken anew
	@.ci/install-deps test
	@FRESHET=$(abspath $(BUILD)/freshet) /usr/bin/python3 tests/e2e/pictures.py

export LINT_CFLAGS := $(OUR_DEFS)
export LINT_WARN := $(WARN)
lint: ## warnings as errors (gcc and clang), layers, documentation, scripts, unit files
	@tests/lint/run

fuzz: ## libFuzzer on every target, FUZZ_SECONDS=60 each, and on live exchanges, E2E_FUZZ_SECONDS=300
	@$(MAKE) fuzz-targets
	@$(MAKE) fuzz-exchange

fuzz-targets:
	@$(MAKE) BUILD=build/fuzz CC=clang CFLAGS='-O1 -g' \
		SAN='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' fuzz-run

fuzz-smoke:
	@$(MAKE) fuzz-targets FUZZ_SECONDS=$(SMOKE_SECONDS)

FUZZ_RUNS := $(FUZZ:=.run)
.PHONY: $(FUZZ_RUNS)
fuzz-run: $(FUZZ_RUNS)

# New inputs stay in build/; tests/fuzz/corpus holds those worth keeping.
$(FUZZ_RUNS): %.run: %
	@t=$*; n=$${t##*/}; mkdir -p $$t.corpus; \
		$$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=2048 -len_control=20 \
			-dict=tests/fuzz/http.dict -artifact_prefix=$$t- \
			-print_final_stats=1 $$t.corpus $$(ls -d tests/fuzz/corpus/$$n 2>/dev/null) >$$t.log 2>&1 || \
			{ tail -n 60 $$t.log; echo "fuzz: $$n FAILED, input and log at $$t*"; exit 1; }; \
		runs=$$(sed -n 's/^stat::number_of_executed_units: *//p' $$t.log); echo "fuzz: $$n, $(FUZZ_SECONDS) s, $$runs runs"

# The same exchanges, shorter, are part of e2e.
fuzz-exchange: $(BUILD)/freshet
	@FRESHET=$(abspath $(BUILD)/freshet) $(SAN_ENV) tests/e2e/fuzz_exchange.py --seconds $(E2E_FUZZ_SECONDS)

soak: ## mixed load with faults on both sides, SOAK_SECONDS=600; SOAK_SEED= and SOAK_VISITORS= change it
	@.ci/install-deps test
	@$(MAKE) all
	@$(MAKE) soak-run

soak-run: $(BUILD)/freshet $(SOAK)
	@FRESHET=$(abspath $(BUILD)/freshet) SOAK_TOOLS=$(abspath $(BUILD)/soak) SOAK_SECONDS=$(SOAK_SECONDS) $(SAN_ENV) \
		timeout -k 10 $$(($(SOAK_SECONDS) * 2 + 300)) tests/soak/run

summary:
	@for t in $(UNITS) $(INTEGRATION); do echo "$${t##*/}:"; grep -E '^\[ +(PASSED|FAILED|SKIPPED) ' $$t.log; done

bench: ## throughput, latency and cost beside other proxies
	@.ci/install-deps bench
	@$(MAKE) all
	@FRESHET=$(abspath $(BUILD)/freshet) tests/bench/run

coverage: ## line coverage of unit, integration and end-to-end tests
	@.ci/install-deps coverage
	@for t in unit integration e2e; do $(MAKE) BUILD=build/cov CFLAGS='-O0 -g' SAN=--coverage $$t || exit; done
	@gcovr -r . -f src/ --object-directory build/cov build/cov

# ---- installing

subst = sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g'

install: all ## PREFIX=/usr/local, DESTDIR; an existing configuration file is kept
	install -D -m 755 $(BUILD)/freshet $(DESTDIR)$(BINDIR)/freshet
	install -D -m 644 conf/man/freshet.8 $(DESTDIR)$(MANDIR)/man8/freshet.8
	install -D -m 644 conf/man/freshet.conf.5 $(DESTDIR)$(MANDIR)/man5/freshet.conf.5
	install -D -m 644 systemd/freshet.sysusers.conf $(DESTDIR)$(USERSDIR)/freshet.conf
	install -D -m 644 systemd/freshet.socket $(DESTDIR)$(UNITDIR)/freshet.socket
	install -D -m 644 conf/logrotate $(DESTDIR)$(SYSCONFDIR)/logrotate.d/freshet
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/freshet
	$(subst) systemd/freshet.service >$(DESTDIR)$(UNITDIR)/freshet.service
	chmod 644 $(DESTDIR)$(UNITDIR)/freshet.service
	[ -e $(DESTDIR)$(SYSCONFDIR)/freshet/freshet.conf ] || \
		install -m 644 conf/freshet.conf $(DESTDIR)$(SYSCONFDIR)/freshet/freshet.conf
	@[ -n "$(DESTDIR)" ] || echo 'next: systemd-sysusers && systemctl daemon-reload && systemctl enable --now freshet'

uninstall: ## removes all of that but the configuration
	rm -f $(DESTDIR)$(BINDIR)/freshet $(DESTDIR)$(MANDIR)/man8/freshet.8 $(DESTDIR)$(MANDIR)/man5/freshet.conf.5
	rm -f $(DESTDIR)$(SYSCONFDIR)/logrotate.d/freshet
	rm -f $(DESTDIR)$(USERSDIR)/freshet.conf $(DESTDIR)$(UNITDIR)/freshet.service $(DESTDIR)$(UNITDIR)/freshet.socket

clean: ## remove build/
	rm -rf build
