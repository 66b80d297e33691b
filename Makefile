# Makefile - one file, not recursive, everything it makes is under build/.
#
#   make            build the programs into build/bin/
#   make demo       the main job: the echo pair in a lab network, with the packets shown
#   make help       every target, one line each
#
# User flags add to ours and never replace them: make CFLAGS=-O0 CPPFLAGS=-DX LDFLAGS=…
# V=1 shows the commands. VARIANT=asan|ubsan|asan-ubsan|tsan|coverage builds beside the plain objects.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY: # keep the objects of the unit tests
.SUFFIXES:
MAKEFLAGS   += --no-builtin-rules

VERSION := 0.1
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
VARIANT ?= plain
V       ?= 0

O   := $(BUILD)/$(VARIANT)
BIN := $(if $(filter plain,$(VARIANT)),$(BUILD)/bin,$O/bin)

# ---- what there is ----------------------------------------------------------------------------
# A program is named as its source. In servers/, servers/models/ and clients/ every .c file is one; the lab network has the
# programs named here, and its other .c files are parts that these and the unit tests share; so are those of clients/bench/.

LIB_SRC      := $(wildcard lib/*.c)
# fault_queue and tcp_io_uring need libraries that not everybody has: without them they are left out, and all says so.
QUEUE_LIBS   := $(shell pkg-config --libs libnetfilter_queue libmnl 2>/dev/null)
URING_LIBS   := $(shell pkg-config --libs liburing 2>/dev/null)
LEFT_OUT     := $(if $(QUEUE_LIBS),,netns/fault_queue.c netns/fault_netlink.c) $(if $(URING_LIBS),,servers/models/tcp_io_uring.c)
NETNS_NAMES  := fault_queue mark_lines packet_capture packet_log timeline topology
NETNS_SRC    := $(filter-out $(LEFT_OUT),$(wildcard $(NETNS_NAMES:%=netns/%.c)))
PARTS_SRC    := $(filter-out $(NETNS_SRC) $(LEFT_OUT),$(wildcard netns/*.c))
BENCH_SRC    := $(wildcard clients/bench/*.c)
LABS_NAMES   := lab_peer lab_predict lab_report lab_transcript lab_watch
LABS_SRC     := $(wildcard $(LABS_NAMES:%=labs/lib/%.c))
LABS_PARTS   := $(filter-out $(LABS_SRC),$(wildcard labs/lib/*.c))
PROGRAM_SRC  := $(filter-out $(LEFT_OUT),$(wildcard servers/*.c servers/models/*.c clients/*.c)) $(NETNS_SRC) $(LABS_SRC)
UNIT_SRC     := $(wildcard tests/unit/test_*.c)
FUZZ_SRC     := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_LIB_SRC := $(filter-out $(FUZZ_SRC) tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))
TEST_LIB_SRC := $(wildcard tests/lib/*.c)
MAN_SRC      := $(wildcard servers/*.1 servers/models/*.1 clients/*.1 netns/*.1 labs/*.1)
HEADERS      := $(filter-out %_internal.h %_private.h,$(wildcard lib/*.h))
SCRIPTS      := $(wildcard clients/bench/report/run netns/net netns/demo netns/pictures/draw netns/*.sh tests/run tests/lib/*.sh tests/netns/*.t tests/soak/run tests/fuzz/run tests/fuzz/*.t tests/measure/*.sh tests/install/*.t tests/labs/*.t labs/lab labs/lib/*.sh labs/*/check labs/*/observe .ci/run)

LIB_OBJ      := $(LIB_SRC:%.c=$O/%.o)
LIB_PIC      := $(LIB_SRC:%.c=$O/pic/%.o)
PARTS_OBJ    := $(PARTS_SRC:%.c=$O/%.o)
BENCH_OBJ    := $(BENCH_SRC:%.c=$O/%.o)
LABS_OBJ     := $(LABS_PARTS:%.c=$O/%.o)
TEST_LIB_OBJ := $(TEST_LIB_SRC:%.c=$O/%.o)
PROGRAMS     := $(addprefix $(BIN)/,$(notdir $(PROGRAM_SRC:.c=)))
UNIT         := $(UNIT_SRC:tests/unit/%.c=$O/tests/%)
FUZZ_BIN     := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$O/fuzz/%)
STATIC       := $O/libecholab.a
PARTS        := $O/libnetns.a
BENCH_PARTS  := $O/libbench.a
LABS_LIB     := $O/liblabs.a
SHARED       := $O/libecholab.so.0

# ---- how it is built --------------------------------------------------------------------------

CC ?= cc
PKGS := libevent_core libevent_pthreads libcares
# pkg-config is asked once, and only when a recipe needs it: `make deps` must run before it is there.
PKG_CFLAGS   = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
LIB_LDLIBS   = $(eval LIB_LDLIBS := $$(shell pkg-config --libs $(PKGS)) -lm)$(LIB_LDLIBS)
CHECK_LDLIBS = $(eval CHECK_LDLIBS := $$(shell pkg-config --libs check))$(CHECK_LDLIBS)

SAN_asan       := -fsanitize=address -fno-omit-frame-pointer
SAN_ubsan      := -fsanitize=undefined -fno-sanitize-recover=all
SAN_asan-ubsan := $(SAN_asan) $(SAN_ubsan)
SAN_tsan       := -fsanitize=thread
SAN_coverage   := --coverage -O0
SAN_fuzz       := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -w # warnings are gcc's
SAN            := $(SAN_$(VARIANT))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough
OUR_CPPFLAGS := -D_GNU_SOURCE -Ilib $(if $(SAN),-DEL_INSTRUMENTED,-D_FORTIFY_SOURCE=2)
OUR_CFLAGS   := -std=gnu11 -O2 -g -pthread -fstack-protector-strong $(WARN) $(SAN)
OUR_LDFLAGS  := -pthread -Wl,-z,relro,-z,now $(SAN)
COMPILE = $(CC) $(OUR_CPPFLAGS) $(PKG_CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP
LINK    = $(CC) $(OUR_LDFLAGS) $(LDFLAGS)

ifeq ($V,0)
say = @printf '  %-5s %s\n' '$(1)' '$(2)';
else
say =
endif

.PHONY: all
all: $(PROGRAMS) $(STATIC) $(SHARED) ## build programs and library (the default)
	$(if $(QUEUE_LIBS),,@echo "fault_queue is left out: libnetfilter-queue-dev and libmnl-dev are not there (make deps)")
	$(if $(URING_LIBS),,@echo "tcp_io_uring is left out: liburing-dev is not there (make deps)")

# Flags are kept in a file that changes only when they do; every object depends on it. [#flags-changed]
$O/flags: FORCE
	@mkdir -p $O
	@printf '%s\n' '$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS)' | cmp -s - $@ || \
	 printf '%s\n' '$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS)' > $@
.PHONY: FORCE
FORCE:

$O/tests/%.o: private OUR_CPPFLAGS += -Itests/lib -Inetns -Iclients/bench -Ilabs/lib
$O/clients/%.o: private OUR_CPPFLAGS += -Iclients/bench
$O/%.o: %.c Makefile $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) -c -o $@ $<
$O/pic/%.o: %.c Makefile $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$< (pic))$(COMPILE) -fPIC -c -o $@ $<

$(STATIC): $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^
$(PARTS): $(PARTS_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^
$(BENCH_PARTS): $(BENCH_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^
$(LABS_LIB): $(LABS_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^
$(SHARED): $(LIB_PIC)
	$(call say,LD,$@)$(LINK) -shared -Wl,-soname,libecholab.so.0 -o $@ $^ $(LIB_LDLIBS) $(LDLIBS)

PROGRAM_LIBS_packet_log := -lnetfilter_log
PROGRAM_LIBS_fault_queue := $(QUEUE_LIBS)
PROGRAM_LIBS_tcp_io_uring := $(URING_LIBS)
define program_rule
$(BIN)/$(notdir $(1:.c=)): $O/$(1:.c=.o) $(if $(filter netns/%,$1),$(PARTS)) $(if $(filter clients/echo_bench.c,$1),$(BENCH_PARTS)) $(if $(filter labs/%,$1),$(LABS_LIB)) $(STATIC)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(LINK) -o $$@ $$^ $$(PROGRAM_LIBS_$(notdir $(1:.c=))) $$(LIB_LDLIBS) $$(LDLIBS)
endef
$(foreach p,$(PROGRAM_SRC),$(eval $(call program_rule,$p)))

$O/tests/%: $O/tests/unit/%.o $(TEST_LIB_OBJ) $(PARTS) $(BENCH_PARTS) $(LABS_LIB) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(LINK) -o $@ $^ $(CHECK_LDLIBS) $(LIB_LDLIBS) $(LDLIBS)

# The fault shim (tests/faults/shim.c) stands in front of libc's functions, so it is built without the sanitizers, which stand there too,
# and without fortified headers, which define some of those functions themselves.
SHIM     := $O/shim.so
SHIM_OBJ := $(patsubst %.c,$O/shim/%.o,$(wildcard tests/faults/*.c))
$O/shim/%.o: private OUR_CPPFLAGS := -D_GNU_SOURCE -U_FORTIFY_SOURCE
$O/shim/%.o: private OUR_CFLAGS := $(filter-out $(SAN),$(OUR_CFLAGS))
$O/shim/%.o: %.c Makefile $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$< (shim))$(COMPILE) -fPIC -fvisibility=default -fno-builtin -c -o $@ $<
$(SHIM): private OUR_LDFLAGS := $(filter-out $(SAN),$(OUR_LDFLAGS))
$(SHIM): $(SHIM_OBJ)
	$(call say,LD,$@)$(LINK) -shared -o $@ $^ -ldl
$O/tests/test_shim_rules: $O/tests/faults/shim_rules.o

# A fuzz harness has libFuzzer's main, which invents inputs, or (every other variant, any compiler) that of replay.c.
FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),,$O/tests/fuzz/replay.o)
$O/fuzz/%: $O/tests/fuzz/fuzz_%.o $(FUZZ_LIB_SRC:%.c=$O/%.o) $(FUZZ_MAIN) $(PARTS) $(BENCH_PARTS) $(LABS_LIB) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(LINK) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ $^ $(LIB_LDLIBS) $(LDLIBS)

-include $(SHIM_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(LIB_PIC:.o=.d) $(TEST_LIB_OBJ:.o=.d) $(PROGRAM_SRC:%.c=$O/%.d) $(PARTS_OBJ:.o=.d) $(BENCH_OBJ:.o=.d) $(LABS_OBJ:.o=.d) $(UNIT_SRC:%.c=$O/%.d) $(FUZZ_SRC:%.c=$O/%.d) $(FUZZ_LIB_SRC:%.c=$O/%.d) $O/tests/fuzz/replay.d

# ---- what it needs ----------------------------------------------------------------------------
# Three tiers of Debian packages; each is a no-op in well under a second when all are there.

PACKAGES_demo := gcc libc6-dev pkg-config libevent-dev libc-ares-dev libnetfilter-log-dev \
                 libnetfilter-queue-dev libmnl-dev liburing-dev iproute2 iptables nftables dnsmasq-base util-linux procps strace
PACKAGES_test := $(PACKAGES_demo) check perl python3 socat ncat netcat-openbsd \
                 inetutils-inetd libcap2-bin patch mandoc jq wireshark-common graphviz gnuplot-nox libxml2-utils curl \
                 $(shell command -v ping >/dev/null || echo iputils-ping) # either ping will do
PACKAGES_dev  := $(PACKAGES_test) clang clang-format clang-tidy cppcheck shellcheck valgrind gdb \
                 lcov

# $(call install_packages,LIST,GOAL): what is missing is named, then installed.
define install_packages
@missing=$$(comm -23 <(printf '%s\n' $(1) | sort -u) <(dpkg-query -W -f='$${db:Status-Status} $${Package}\n' $(1) 2>/dev/null | sed -n 's/^installed //p' | sort -u)); \
[ -n "$$missing" ] || exit 0; \
command -v apt-get >/dev/null || { echo "make $(2): this is not Debian; please install what these packages hold:" $$missing >&2; exit 1; }; \
root=; [ "$$(id -u)" = 0 ] || root=sudo; \
[ -z "$$root" ] || command -v sudo >/dev/null || { echo "make $(2): missing, and there is no sudo here. As root: apt-get install" $$missing >&2; exit 1; }; \
echo "make $(2): installing" $$missing; \
$$root apt-get update -qq && $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
endef

.PHONY: deps deps-test deps-dev
deps: ## install what `make demo` needs (Debian packages; sudo where needed)
	$(call install_packages,$(PACKAGES_demo),deps)
deps-test: ## install what `make test` needs: also Check, prove and the peers
	$(call install_packages,$(PACKAGES_test),deps-test)
deps-dev: ## install what lint, sanitizers and coverage need
	$(call install_packages,$(PACKAGES_dev),deps-dev)

# ---- the main job -----------------------------------------------------------------------------

.PHONY: demo
demo: deps ## UDP and TCP echo between two namespaces, with the packets shown
	@$(MAKE) --no-print-directory all
	@netns/demo

# Drawn of what happens when it runs, so each time they are a little different. The README's are an ordinary user's.
.PHONY: pictures
pictures: all ## draw the pictures of the README anew (netns/pictures/; needs dot and strace: make deps-test)
	@netns/pictures/draw

# ---- how fast it is ---------------------------------------------------------------------------

# BENCH=quick is a look, not a result: few repetitions, short ones.
.PHONY: bench
bench: deps-test ## measure the servers, ten minutes (BENCH=quick: two): build/bench/report.md, with pictures
	@$(MAKE) --no-print-directory -j2 all
	@ECHOLAB_BIN=$(BIN) clients/bench/report/run $(if $(BENCH),--$(BENCH)) --out $(BUILD)/bench

# ---- tests ------------------------------------------------------------------------------------

NETNS_TESTS := $(wildcard tests/netns/*.t)
RUN_TESTS    = ECHOLAB_VARIANT=$(VARIANT) tests/run --bin $(BIN)

# Each lab's author-check is a test program of its own, so that they run beside each other. Their texts trace programs, which a leak checker cannot stand.
LABS       := $(notdir $(wildcard labs/[0-9][0-9]-*))
LAB_TESTS  := $(wildcard tests/labs/*.t) $(if $(filter plain,$(VARIANT)),$(LABS:%=$O/labs/%.t))
$O/labs/%.t: Makefile
	@mkdir -p $(@D)
	@printf '%s\n' '#!/bin/sh' 'exec labs/lab author-check --tap $(firstword $(subst -, ,$*))' > $@ && chmod +x $@

.PHONY: test test-long check-unit check-netns check-labs check-install
test: deps-test ## everything that must pass, in at most four minutes
	@$(MAKE) --no-print-directory -j2 all unit-tests fuzz-harnesses lab-tests
	@$(RUN_TESTS) --log $O/log/test $(UNIT) $(NETNS_TESTS) $(LAB_TESTS) tests/fuzz/replay.t tests/install/install.t

test-long: deps-test ## the tests ten times over, in another order each time, and the long ones
	@$(MAKE) --no-print-directory -j2 all unit-tests fuzz-harnesses lab-tests
	@for round in 1 2 3 4 5 6 7 8 9 10; do echo "round $$round of 10"; \
	ECHOLAB_LONG=1 ECHOLAB_TEST_TIMEOUT=900 $(RUN_TESTS) --log $O/log/long-$$round $(UNIT) $(NETNS_TESTS) $(LAB_TESTS) tests/fuzz/replay.t tests/install/install.t; done

check-unit: unit-tests fuzz-harnesses ## unit tests (Check), and the inputs that the fuzzers have kept
	@$(RUN_TESTS) --log $O/log/unit $(UNIT) tests/fuzz/replay.t
check-netns: all $(SHIM) ## behaviour in lab networks (TAP, run by prove)
	@$(RUN_TESTS) --log $O/log/netns $(NETNS_TESTS)
check-labs: all lab-tests ## every lab: its starter, solution, wrong answers, predictions and transcripts
	@$(RUN_TESTS) --log $O/log/labs $(LAB_TESTS)
check-install: all ## install, build a student's program against it, uninstall
	@$(RUN_TESTS) --log $O/log/install tests/install/install.t

# The 30 minutes' summary is committed as tests/soak/SUMMARY.md. Ctrl-C ends it early, with the summary so far.
DURATION ?= 30m
.PHONY: soak
soak: deps-test ## all servers and clients under changing faults, nothing unexplained (DURATION=30m SEED=N VARIANT=asan-ubsan)
	@$(MAKE) --no-print-directory -j2 all
	@tests/soak/run --bin $(BIN) --out $(BUILD)/soak --variant $(VARIANT) --duration $(DURATION) $(if $(SEED),--seed $(SEED))

.PHONY: unit-tests fuzz-harnesses lab-tests
lab-tests: $(filter $O/%,$(LAB_TESTS))
unit-tests: $(UNIT) $(SHIM)
fuzz-harnesses: $(FUZZ_BIN)

# FUZZ: a harness, tests/fuzz/fuzz_NAME.c; without it each in turn. What is found lies in build/fuzz/found/; tests/fuzz/run tells how to keep it.
.PHONY: fuzz
fuzz: ## look for inputs that break a parser (FUZZ=endpoint SECONDS=600; needs clang: make deps-dev)
	@command -v clang >/dev/null || { echo "make fuzz: there is no clang (make deps-dev)" >&2; exit 1; }
	@$(MAKE) --no-print-directory -j2 VARIANT=fuzz CC=clang $(if $(FUZZ),$(FUZZ:%=$(BUILD)/fuzz/fuzz/%),fuzz-harnesses)
	@tests/fuzz/run --bin $(BUILD)/fuzz/fuzz --seconds $(or $(SECONDS),600) $(or $(FUZZ),$(FUZZ_SRC:tests/fuzz/fuzz_%.c=%))

.PHONY: asan ubsan tsan valgrind
asan ubsan: ## unit and namespace tests under one sanitizer (both: VARIANT=asan-ubsan)
	@$(MAKE) --no-print-directory VARIANT=$@ -j2 all unit-tests fuzz-harnesses
	@$(MAKE) --no-print-directory VARIANT=$@ check-unit check-netns
# The threads are in the servers (--workers) and in what they share: those tests are the ones that TSan can judge.
TSAN_TESTS := $(wildcard $(addprefix tests/netns/,tcp_server.t udp_server.t udp_abuse.t models_tcp.t models_tcp_ends.t models_udp.t races.t))
TSAN_UNIT  := service rate_limit trace datagram_wait bench_run bench_udp
tsan: ## the tests that run threads, under ThreadSanitizer
	@$(MAKE) --no-print-directory VARIANT=tsan -j2 all $(TSAN_UNIT:%=$(BUILD)/tsan/tests/test_%)
	@ECHOLAB_VARIANT=tsan tests/run --bin $(BUILD)/tsan/bin --log $(BUILD)/tsan/log $(TSAN_UNIT:%=$(BUILD)/tsan/tests/test_%) $(TSAN_TESTS)
# Check forks each test: a report makes that child exit with 99, which Check counts as a failure.
valgrind: unit-tests ## unit tests under valgrind's memcheck; an error or a leak fails the test
	@ECHOLAB_SLOW=1 CK_TIMEOUT_MULTIPLIER=30 ECHOLAB_TEST_TIMEOUT=900 \
	ECHOLAB_WRAP='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect' \
	$(RUN_TESTS) --log $O/log/valgrind $(UNIT)

# Servers started by root become nobody, and must still be able to write down what they reached.
.PHONY: coverage
coverage: ## which lines the tests reach: build/coverage/html/index.html
	@$(MAKE) --no-print-directory VARIANT=coverage -j2 all unit-tests fuzz-harnesses
	@find $(BUILD)/coverage -name '*.gcda' -delete
	@find $(BUILD)/coverage -type d -exec chmod a+rwx {} +
	@umask 0; $(MAKE) --no-print-directory VARIANT=coverage check-unit check-netns
	@lcov -q --capture --directory $(BUILD)/coverage --no-external --base-directory . --output-file $(BUILD)/coverage/all.info
	@lcov -q --remove $(BUILD)/coverage/all.info '*/tests/*' --output-file $(BUILD)/coverage/echolab.info
	@genhtml -q --output-directory $(BUILD)/coverage/html $(BUILD)/coverage/echolab.info
	@lcov --summary $(BUILD)/coverage/echolab.info 2>&1 | grep -E 'lines|functions'

# COUNT, SEED, JOBS; TAKEN_OUT=1: instead of sampled mistakes, the fix of each known pitfall and defect is taken out.
.PHONY: mutants
mutants: deps-test ## make COUNT=100 small mistakes in lib/ and servers/, one at a time: do the tests notice?
	@tests/mutants/run $(if $(TAKEN_OUT),--taken-out,$(COUNT:%=--count %) $(SEED:%=--seed %) $(JOBS:%=--jobs %))

# ---- lints ------------------------------------------------------------------------------------

C_FILES := $(wildcard lib/*.[ch] servers/*.c servers/models/*.[ch] clients/*.c clients/bench/*.[ch] netns/*.[ch] tests/unit/*.c tests/lib/*.[ch] tests/faults/*.[ch] tests/fuzz/*.[ch] tests/measure/*.c tests/install/*.c labs/lib/*.[ch] labs/*/start/*.c labs/*/solution/*.c)
C_UNITS := $(filter %.c,$(C_FILES))
FLAGS_FOR_TOOLS = -std=gnu11 -D_GNU_SOURCE -Ilib -Itests/lib -Inetns -iquoteclients/bench -Ilabs/lib -I$(BUILD)/include

# A lab's solution is only what differs from its start/, whose headers it includes.
.PHONY: lint format
lint: ## clang-format, clang-tidy, cppcheck, shellcheck, mandoc, anchors, layers, cases
	$(call say,LINT,clang-format)clang-format --dry-run -Werror $(C_FILES)
	@mkdir -p $(BUILD)/include && ln -sfn $(CURDIR)/lib $(BUILD)/include/echolab # where an installed program finds them
	$(call say,LINT,clang-tidy)printf '%s\n' $(C_UNITS) | xargs -P2 -I{} sh -c 'file={}; case $$file in labs/*/solution/*) start=-iquote$${file%/solution/*}/start ;; esac; clang-tidy -quiet $$file -- $$start $(FLAGS_FOR_TOOLS)' 2> >(grep -vE '^[0-9]+ warnings? generated|^Suppressed|^Use -header' >&2)
	$(call say,LINT,cppcheck)cppcheck -q -j2 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem -D_GNU_SOURCE -Ilib -Itests/lib -Inetns -Iclients/bench -Ilabs/lib $(C_UNITS)
	$(call say,LINT,shellcheck)shellcheck -x $(SCRIPTS)
	$(call say,LINT,mandoc)mandoc -Tlint -Wwarning $(MAN_SRC)
	$(call say,LINT,anchors)tests/lib/anchors.sh
	$(call say,LINT,layers)tests/lib/layers.sh >/dev/null
	$(call say,LINT,cases)tests/lib/cases.py
	@echo "lint: clean"
format: ## let clang-format lay out every C file
	clang-format -i $(C_FILES)

.PHONY: compile_commands.json
compile_commands.json: ## build/compile_commands.json, for clangd and other tools
	@mkdir -p $(BUILD)
	@{ echo '['; sep=; for f in $(C_UNITS); do printf '%s{"directory": "%s", "file": "%s", "command": "$(CC) $(FLAGS_FOR_TOOLS) -pthread -c %s"}' "$$sep" "$(CURDIR)" "$$f" "$$f"; sep=$$',\n'; done; echo; echo ']'; } > $(BUILD)/compile_commands.json

# ---- install ----------------------------------------------------------------------------------
# Programs under their own names; the lab network as echolab-net and the labs as echolab-lab, with what they need in libexec.

BINDIR     := $(PREFIX)/bin
LIBDIR     := $(PREFIX)/lib
LIBEXECDIR := $(PREFIX)/libexec/echolab
INCLUDEDIR := $(PREFIX)/include/echolab
MANDIR     := $(PREFIX)/share/man/man1
# Programs that a person types; those of netns/ are the lab network's own.
USER_PROGRAMS  := $(notdir $(basename $(filter-out netns/% labs/%,$(PROGRAM_SRC))))
NETNS_PROGRAMS := $(notdir $(NETNS_SRC:.c=))
LABS_PROGRAMS  := $(notdir $(LABS_SRC:.c=))
# The labs as they are in the tree, without what a reader has built in them, and without labs/work/.
LABS_FOUND      = $(shell find labs/[0-9][0-9]-* -type f ! -name '*.o' 2>/dev/null)
LABS_TREE       = $(wildcard labs/lab labs/*.tsv labs/lib/*.sh labs/lib/lab.h labs/lib/lab.mk) $(filter-out $(patsubst %.c,%,$(filter %.c,$(LABS_FOUND))),$(LABS_FOUND))
# The models have one page a protocol, tcp_models.1 and udp_models.1; it is found under each program's name.
MODEL_PROGRAMS := $(notdir $(basename $(filter servers/models/%,$(PROGRAM_SRC))))

.PHONY: install uninstall
install: all ## programs, library, headers, pkg-config file, man pages (DESTDIR, PREFIX)
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(LIBDIR)/pkgconfig $(LIBEXECDIR)/topologies $(INCLUDEDIR) $(MANDIR))
	install -m 755 $(USER_PROGRAMS:%=$(BIN)/%) $(DESTDIR)$(BINDIR)
	install -m 755 $(wildcard netns/net netns/*.sh) $(addprefix $(BIN)/,$(NETNS_PROGRAMS) $(LABS_PROGRAMS)) $(DESTDIR)$(LIBEXECDIR)
	install -m 644 $(wildcard netns/topologies/*) $(DESTDIR)$(LIBEXECDIR)/topologies
	ln -sf ../libexec/echolab/net $(DESTDIR)$(BINDIR)/echolab-net
	for file in $(LABS_TREE); do mode=644; [ ! -x "$$file" ] || mode=755; install -D -m $$mode "$$file" "$(DESTDIR)$(LIBEXECDIR)/$$file"; done
	ln -sf ../libexec/echolab/labs/lab $(DESTDIR)$(BINDIR)/echolab-lab
	install -m 644 $(STATIC) $(DESTDIR)$(LIBDIR)
	install -m 755 $(SHARED) $(DESTDIR)$(LIBDIR)
	ln -sf libecholab.so.0 $(DESTDIR)$(LIBDIR)/libecholab.so
	install -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)
	install -m 644 $(filter-out netns/% labs/%,$(MAN_SRC)) $(DESTDIR)$(MANDIR)
	for model in $(MODEL_PROGRAMS); do ln -sf "$${model%%_*}_models.1" "$(DESTDIR)$(MANDIR)/$$model.1"; done
	install -m 644 netns/net.1 $(DESTDIR)$(MANDIR)/echolab-net.1
	install -m 644 labs/lab.1 $(DESTDIR)$(MANDIR)/echolab-lab.1
	install -m 644 netns/topology.1 $(DESTDIR)$(MANDIR)/echolab-topology.1
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' \
	 'Name: echolab' 'Description: async DNS and socket helpers over libevent and c-ares' 'Version: $(VERSION)' \
	 'Requires: libevent_core libevent_pthreads libcares' 'Libs: -L$${libdir} -lecholab' 'Libs.private: -pthread -lm' \
	 'Cflags: -I$${includedir} -D_GNU_SOURCE' > $(DESTDIR)$(LIBDIR)/pkgconfig/echolab.pc

uninstall: ## take away what install put there
	rm -f $(USER_PROGRAMS:%=$(DESTDIR)$(BINDIR)/%) $(DESTDIR)$(BINDIR)/echolab-net $(DESTDIR)$(BINDIR)/echolab-lab
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libecholab.a libecholab.so libecholab.so.0 pkgconfig/echolab.pc)
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/,$(notdir $(filter-out netns/% labs/%,$(MAN_SRC))) $(MODEL_PROGRAMS:=.1) echolab-net.1 echolab-topology.1 echolab-lab.1)
	rm -rf $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(INCLUDEDIR)

# ---- the rest ---------------------------------------------------------------------------------

.PHONY: clean help
clean: ## remove build/
	rm -rf build

help: ## this list
	@grep -hE '^[a-z_. -]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 24
