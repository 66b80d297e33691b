# lab.mk - how the programs of the labs are built: included by the Makefile in each learner's folder.
#
#   make -C labs/work/04          builds what that Makefile names; `lab check` runs the same
#
# Warnings are shown and do not stop the build: a learner may look before all is well. -O1 lets gcc see what a variable
# holds, so that it can warn; -g keeps the line numbers.
LAB_LIB  ?= ../../lib
CC       ?= cc
CPPFLAGS += -D_GNU_SOURCE -I$(LAB_LIB)
CFLAGS   ?= -O1 -g
CFLAGS   += -std=gnu11 -Wall -Wextra
.DELETE_ON_ERROR:
%: %.c $(LAB_LIB)/lab.h
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LDLIBS)
