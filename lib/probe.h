/*
 * probe.h - what a client sends so that it can tell its own echo, and the ledger of what became of each probe.
 *
 * A probe begins with a nonce of the run and a sequence number, when the size has room for them (16 bytes); the rest is a
 * pattern that every byte is checked against. The ledger is pure (time is an argument) and counts each probe exactly once:
 * loss is never negative, and a late echo is never credited to the next probe.
 */
#ifndef ECHOLAB_PROBE_H
#define ECHOLAB_PROBE_H

#include "deadline.h"
#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EL_PROBE_HEADER = 16 }; /* nonce, sequence number: 8 + 8 bytes, network byte order */

/* Fills data with probe number `seq` (counted from 1). Shorter than EL_PROBE_HEADER: pattern only. */
void el_probe_fill(unsigned char *data, size_t length, uint64_t nonce, uint64_t seq);

enum el_probe_match { EL_PROBE_OURS, EL_PROBE_CORRUPT, EL_PROBE_FOREIGN };
/* Whose datagram is this? OURS: header and every byte are right, *seq is set. CORRUPT: our nonce (or, too short for one, `expected`'s
 * length) but some byte differs; *seq as far as it can be told, 0 = cannot. FOREIGN: not our nonce. `expected`: the probe waited for when it has no header. */
enum el_probe_match el_probe_check(const unsigned char *data, size_t length, size_t probe_length,
                                   uint64_t nonce, uint64_t expected, uint64_t *seq);

/* What became of a probe; also the `reason` of a CSV row. */
enum el_probe_fate {
    EL_FATE_OUTSTANDING,
    EL_FATE_ECHOED,
    EL_FATE_LATE,
    EL_FATE_CORRUPT,
    EL_FATE_DEADLINE, /* lost: no echo by its deadline */
    EL_FATE_REFUSED,
    EL_FATE_UNREACHABLE, /* lost: ICMP said why */
    EL_FATE_ERROR,       /* lost: a local error, or the connection broke */
    EL_FATE_INTERRUPTED, /* still outstanding when the run ended by SIGINT or -w: not lost, not echoed */
};
const char *el_probe_fate_name(enum el_probe_fate fate); /* "echoed", "late", "deadline", ... */

struct el_probe_counts {
    uint64_t sent, received, lost, late, duplicates, reordered, corrupt, wrong_source, errors;
};

struct el_probe_record { /* one row of --csv */
    uint64_t seq;
    enum el_probe_fate fate;
    el_time sent, received; /* received EL_NEVER: nothing came */
    size_t bytes;
    int error; /* positive errno for ERROR, REFUSED, UNREACHABLE */
};

struct el_ledger;
struct el_ledger *el_ledger_new(el_duration read_timeout); /* NULL: out of memory */
void el_ledger_free(struct el_ledger *ledger);

void el_ledger_sent(struct el_ledger *ledger, uint64_t seq, size_t bytes, el_time now);
/* An intact echo of `seq` came. Returns what it was: ECHOED (in time, the first), LATE (its deadline had passed), and *duplicate / *reordered are
 * set as they apply. A duplicate changes only its own counter. */
enum el_probe_fate el_ledger_echoed(struct el_ledger *ledger, uint64_t seq, el_time now,
                                    bool *duplicate, bool *reordered);
void el_ledger_corrupt(struct el_ledger *ledger, uint64_t seq,
                       el_time now); /* seq 0: cannot tell which */
void el_ledger_wrong_source(struct el_ledger *ledger);
/* A probe is lost for a reason known before its deadline. Nothing happens if its fate is settled. */
void el_ledger_failed(struct el_ledger *ledger, uint64_t seq, enum el_probe_fate fate, int error,
                      el_time now);
/* Settles every probe whose deadline has passed as DEADLINE, oldest first, calling `lost` for each. Returns the next deadline, EL_NEVER = none outstanding. */
el_time el_ledger_expire(struct el_ledger *ledger, el_time now,
                         void (*lost)(void *arg, const struct el_probe_record *record), void *arg);
/* Ends the run: outstanding probes become INTERRUPTED (and are not counted as lost). */
void el_ledger_finish(struct el_ledger *ledger);

size_t el_ledger_outstanding(const struct el_ledger *ledger);
struct el_probe_counts el_ledger_counts(const struct el_ledger *ledger);
const struct el_histogram *el_ledger_rtt(const struct el_ledger *ledger); /* of echoes in time */
/* The record of a probe, NULL when it is unknown or so old that it was forgotten (a bounded window of the last 65,536 is kept). */
const struct el_probe_record *el_ledger_record(const struct el_ledger *ledger, uint64_t seq);

/* The exit code of a client by its precedence (2, 6, 7, 28, 1, 0); `dial_code` is 0 or the code the dial ended with. */
int el_ledger_exit_code(const struct el_ledger *ledger);

#endif
