/*
 * probe.h - what a client sends so that it knows its own echo, and the ledger of each one's fate.
 *
 * A probe begins with a nonce of the run and a sequence number, when the size has room for them (16
 * bytes); the rest is a pattern that every byte is checked against. The ledger is pure (time is an
 * argument) and counts each probe exactly once: loss is never negative, and a late echo is never
 * credited to the next probe.
 */
#ifndef ECHOLAB_PROBE_H
#define ECHOLAB_PROBE_H

#include "deadline.h"
#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EL_PROBE_HEADER = 16,     /* nonce, sequence number: 8 + 8 bytes, network byte order */
    EL_LEDGER_WINDOW = 65536, /* probes whose record is kept: the last so many sequence numbers */
};

/* Fills data with probe `seq` (counted from 1). Shorter than EL_PROBE_HEADER: pattern only. */
void el_probe_fill(unsigned char *data, size_t length, uint64_t nonce, uint64_t seq);

enum el_probe_match { EL_PROBE_OURS, EL_PROBE_CORRUPT, EL_PROBE_FOREIGN };
/*
 * Whose datagram is this? `length` bytes came, probes have `probe_length`.
 *  - OURS: header, length and every byte are right; *seq is set.
 *  - CORRUPT: our nonce, but some byte or the length differs; *seq is what the header claims, 0 =
 *    cannot tell.
 *  - FOREIGN: not our nonce; *seq is 0.
 * A probe without a header is told by its pattern: it is OURS if it is the pattern of `expected`
 * (the newest probe sent) or of one of the 255 before it, so an older echo is not taken for the
 * newest; else CORRUPT with *seq = expected. An empty probe carries nothing to tell it by: it is
 * always `expected` (but see el_ledger_whose).
 */
enum el_probe_match el_probe_check(const unsigned char *data, size_t length, size_t probe_length,
                                   uint64_t nonce, uint64_t expected, uint64_t *seq);

/* What became of a probe; also the `reason` of a CSV row. */
enum el_probe_fate {
    EL_FATE_OUTSTANDING,
    EL_FATE_ECHOED,
    EL_FATE_LATE, /* an echo came, but after the probe's fate was sealed */
    EL_FATE_CORRUPT,
    EL_FATE_DEADLINE, /* lost: no echo by its deadline */
    EL_FATE_REFUSED,
    EL_FATE_UNREACHABLE, /* lost: ICMP said why */
    EL_FATE_ERROR,       /* lost: a local error, or the connection broke */
    EL_FATE_INTERRUPTED, /* still outstanding when the run ended: not lost, not echoed */
    EL_FATES,            /* how many there are */
};
const char *el_probe_fate_name(enum el_probe_fate fate); /* "echoed", "late", "deadline", ... */

/*
 * received, lost, late and unanswered count probes, and no probe is in two of them: sent = received
 * + lost + late + unanswered + those that came back only corrupt. Unanswered are those that wait
 * still, or did when the run ended. An echo after the deadline moves its probe from lost to late.
 * errors are the lost probes whose reason an error told. The others count events: an answer to a
 * probe that had one (duplicates), an echo overtaken by a later probe's (reordered), a damaged
 * answer, an answer of somebody else.
 */
struct el_probe_counts {
    uint64_t sent, received, lost, late, unanswered;
    uint64_t duplicates, reordered, corrupt, wrong_source, errors;
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

/*
 * Probe `seq` is on its way (or about to be: el_ledger_failed may follow). Sequence numbers rise.
 * The same one again, as long as it is outstanding, is a probe sent once more because an error kept
 * it back: counted once, its time starts anew. A probe that is pushed out of the window while
 * outstanding is lost (DEADLINE).
 */
void el_ledger_sent(struct el_ledger *ledger, uint64_t seq, size_t bytes, el_time now);
/*
 * Whose echo is it, if it looks like that of `seq`? That one's; but empty datagrams are all alike,
 * so when an empty probe has been answered the next echo is the oldest outstanding one's.
 * [#empty-probe] Two probes that are open at a time would else be one received twice and one lost.
 * (What this cannot tell is a duplicate, while an older probe is open: nobody can.)
 */
uint64_t el_ledger_whose(struct el_ledger *ledger, uint64_t seq);
/*
 * An intact echo of `seq` came. Returns what it was: ECHOED (now is before its deadline, the
 * first), LATE (its fate had been sealed, or should have been), and *duplicate / *reordered are set
 * as they apply. A duplicate changes only its own counter, and the fate that stands is returned.
 * Reordered: a later probe's echo came before. A `seq` that was never sent is CORRUPT.
 */
enum el_probe_fate el_ledger_echoed(struct el_ledger *ledger, uint64_t seq, el_time now,
                                    bool *duplicate, bool *reordered);
/* A damaged answer. The first answer to its probe decides the probe's fate; seq 0: cannot tell
 * which. */
void el_ledger_corrupt(struct el_ledger *ledger, uint64_t seq, el_time now);
void el_ledger_wrong_source(struct el_ledger *ledger);
/* A probe is lost for a reason known before its deadline: REFUSED, UNREACHABLE or ERROR. Nothing
 * happens if its fate is settled. */
void el_ledger_failed(struct el_ledger *ledger, uint64_t seq, enum el_probe_fate fate, int error,
                      el_time now);
/*
 * Settles every probe whose deadline has come (deadline <= now) as DEADLINE, oldest first, calling
 * `lost` (may be NULL) for each. Returns the next deadline, EL_NEVER = none outstanding.
 */
el_time el_ledger_expire(struct el_ledger *ledger, el_time now,
                         void (*lost)(void *arg, const struct el_probe_record *record), void *arg);
/* Ends the run: outstanding probes become INTERRUPTED (and are not counted as lost). */
void el_ledger_finish(struct el_ledger *ledger);

/* Has a probe been waiting for longer than any echo took so far? Ask before el_ledger_finish: of a
 * run that is cut off, this tells what merely was under way from what most likely is lost. */
bool el_ledger_overdue(struct el_ledger *ledger, el_time now);

size_t el_ledger_outstanding(const struct el_ledger *ledger);
struct el_probe_counts el_ledger_counts(const struct el_ledger *ledger);
const struct el_histogram *el_ledger_rtt(const struct el_ledger *ledger); /* of echoes in time */
/* The record of a probe, NULL when it is unknown or older than the window. Valid until the next
 * el_ledger_sent. */
const struct el_probe_record *el_ledger_record(const struct el_ledger *ledger, uint64_t seq);

/*
 * The exit code of a client whose dial succeeded (a dial that failed has its own). The first that
 * applies:
 *   2   every probe failed with a local error (EMSGSIZE, EPERM ...)
 *   7   every probe was refused or found unreachable
 *   28  something was sent, and nothing was answered by its deadline or by the end of the run
 *   1   some echo was lost, late or corrupt, or the connection broke
 *   0   every probe was echoed intact (those interrupted aside), or nothing was sent at all
 * Duplicates, reordering and wrong sources alone are no failure: every byte came back.
 */
int el_ledger_exit_code(const struct el_ledger *ledger);

#endif
