/*
 * load_options.h - the options of each command, and the load that they ask for.
 */
#ifndef ECHOLAB_BENCH_LOAD_OPTIONS_H
#define ECHOLAB_BENCH_LOAD_OPTIONS_H

#include "commands.h"

/* Of one command each; the offsets are those of struct bench_options. */
extern const struct el_option bench_tcp_options[], bench_udp_options[], bench_connect_options[];
/* What these three share: chain it as `more`. */
extern const struct el_option bench_measure_options[];

enum { BENCH_WHY = 200 };

/* Fills in all of `load` but target, server, progress and stop. 0, or -EINVAL with a sentence in `why` that names option, cause and
 * fix. */
int bench_load_of(const struct bench_options *options, enum bench_kind kind,
                  struct bench_load *load, char why[static BENCH_WHY]);

/* The sizes that fit one datagram to `target` (RFC 768, RFC 8200); 0, or -EINVAL as above. */
int bench_load_fits(const struct bench_load *load, const struct el_address *target,
                    char why[static BENCH_WHY]);

/* "tcp, closed loop, 50 connections, window 1, 64 bytes, 5 x 1.00s after 300ms". Returns text. */
const char *bench_load_words(const struct bench_load *load, uint64_t repeat, char *text,
                             size_t size);
/* "generator on core 0", "generator on cores 1, 0", "generator not pinned". Returns text. */
const char *bench_pinning_words(const struct bench_load *load, char *text, size_t size);

/* The effective configuration, an object "configuration". */
void bench_options_json(const struct bench_options *options, struct el_json *json);

#endif
