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
# A program is named as its source. A directory's programs are all its .c files.

LIB_SRC      := $(wildcard lib/*.c)
PROGRAM_SRC  := $(wildcard servers/*.c) $(wildcard clients/*.c) $(wildcard netns/*.c)
UNIT_SRC     := $(wildcard tests/unit/test_*.c)
TEST_LIB_SRC := $(wildcard tests/lib/*.c)
MAN_SRC      := $(wildcard servers/*.1 clients/*.1 netns/*.1)
HEADERS      := $(wildcard lib/*.h)
SCRIPTS      := $(wildcard netns/net netns/demo netns/*.sh tests/run tests/lib/*.sh tests/netns/*.t tests/*.sh .ci/run)

LIB_OBJ      := $(LIB_SRC:%.c=$O/%.o)
LIB_PIC      := $(LIB_SRC:%.c=$O/pic/%.o)
TEST_LIB_OBJ := $(TEST_LIB_SRC:%.c=$O/%.o)
PROGRAMS     := $(addprefix $(BIN)/,$(notdir $(PROGRAM_SRC:.c=)))
UNIT         := $(UNIT_SRC:tests/unit/%.c=$O/tests/%)
STATIC       := $O/libecholab.a
SHARED       := $O/libecholab.so.0

# ---- how it is built --------------------------------------------------------------------------

CC ?= cc
PKGS := libevent_core libevent_pthreads libcares
pkg = $(shell pkg-config $(1) $(2) 2>/dev/null)

SAN_asan       := -fsanitize=address -fno-omit-frame-pointer
SAN_ubsan      := -fsanitize=undefined -fno-sanitize-recover=all
SAN_asan-ubsan := $(SAN_asan) $(SAN_ubsan)
SAN_tsan       := -fsanitize=thread
SAN_coverage   := --coverage -O0
SAN            := $(SAN_$(VARIANT))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough
OUR_CPPFLAGS := -D_GNU_SOURCE -Ilib $(if $(SAN),-DEL_INSTRUMENTED,-D_FORTIFY_SOURCE=2)
OUR_CFLAGS   := -std=gnu11 -O2 -g -pthread -fstack-protector-strong $(WARN) $(SAN)
OUR_LDFLAGS  := -pthread -Wl,-z,relro,-z,now $(SAN)
LIB_LDLIBS   := $(call pkg,--libs,$(PKGS)) -lm
COMPILE = $(CC) $(OUR_CPPFLAGS) $(call pkg,--cflags,$(PKGS)) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP
LINK    = $(CC) $(OUR_LDFLAGS) $(LDFLAGS)

ifeq ($V,0)
say = @printf '  %-5s %s\n' '$(1)' '$(2)';
else
say =
endif

.PHONY: all
all: $(PROGRAMS) $(STATIC) $(SHARED) ## build programs and library (the default)

# Flags are kept in a file that changes only when they do; every object depends on it. [#flags-changed]
$O/flags: FORCE
	@mkdir -p $O
	@printf '%s\n' '$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS)' | cmp -s - $@ || \
	 printf '%s\n' '$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS)' > $@
.PHONY: FORCE
FORCE:

$O/%.o: %.c Makefile $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) -c -o $@ $<
$O/pic/%.o: %.c Makefile $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$< (pic))$(COMPILE) -fPIC -c -o $@ $<

$(STATIC): $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^
$(SHARED): $(LIB_PIC)
	$(call say,LD,$@)$(LINK) -shared -Wl,-soname,libecholab.so.0 -o $@ $^ $(LIB_LDLIBS) $(LDLIBS)

PROGRAM_LIBS_packet_log := -lnetfilter_log
define program_rule
$(BIN)/$(notdir $(1:.c=)): $O/$(1:.c=.o) $(STATIC)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(LINK) -o $$@ $$^ $$(PROGRAM_LIBS_$(notdir $(1:.c=))) $$(LIB_LDLIBS) $$(LDLIBS)
endef
$(foreach p,$(PROGRAM_SRC),$(eval $(call program_rule,$p)))

$O/tests/%: $O/tests/unit/%.o $(TEST_LIB_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(LINK) -o $@ $^ $(call pkg,--libs,check) $(LIB_LDLIBS) $(LDLIBS)

-include $(LIB_OBJ:.o=.d) $(LIB_PIC:.o=.d) $(TEST_LIB_OBJ:.o=.d) $(PROGRAM_SRC:%.c=$O/%.d) $(UNIT_SRC:%.c=$O/%.d)

# ---- tests ------------------------------------------------------------------------------------

.PHONY: check-unit
check-unit: $(UNIT) ## unit tests (Check)
	tests/run --bin $(BIN) --log $O/log/unit $(UNIT)

.PHONY: check-netns
check-netns: all ## behaviour in lab networks (TAP, run by prove)
	tests/run --bin $(BIN) --log $O/log/netns $(wildcard tests/netns/*.t)

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z_.-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 18
