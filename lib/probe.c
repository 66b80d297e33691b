/*
 * probe.c - telling our echo from any other datagram, and counting each probe once.
 *
 * Teaches:  why a ping needs a nonce, a sequence number and a ledger. UDP loses, repeats, delays
 *           and reorders, and a client that only counts "replies" calls a late echo of probe 1 the
 *           answer to probe 2.
 * Partner:  clients/udp_echo.c and clients/tcp_echo.c.
 * Leaves out: authenticity. The nonce keeps strangers and earlier runs out; someone on the path can
 *           read it and forge an echo.
 * Next:     clients/udp_echo.c.
 */
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the probe on the wire ------------------------------------------------------------------- */

enum { LOOK_BACK = 255 }; /* older headerless probes that are told apart: see pattern_word */

static void put_u64(unsigned char *data, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        data[i] = (unsigned char)value;
}

static uint64_t get_u64(const unsigned char *data)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | data[i];
    return value;
}

/* splitmix64's finaliser: every bit of the result depends on every bit of x. */
static uint64_t scramble(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/*
 * [#pattern] The eight bytes of the pattern at offset 8 * index. They depend on the nonce and on
 * the sequence number, so the payload of another run or of another probe is not ours either. The
 * very first byte counts up with seq: 256 neighbours differ even if they are one byte long.
 */
static uint64_t pattern_word(uint64_t nonce, uint64_t seq, size_t index)
{
    uint64_t word = scramble(scramble(nonce + seq) + index);
    return index > 0 ? word : (word & ~UINT64_C(0xff)) | ((nonce + seq) & 0xff);
}

void el_probe_fill(unsigned char *data, size_t length, uint64_t nonce, uint64_t seq)
{
    size_t offset = 0;
    if (length >= EL_PROBE_HEADER) {
        put_u64(data, nonce);
        put_u64(data + 8, seq);
        offset = EL_PROBE_HEADER;
    }
    uint64_t word = 0;
    for (; offset < length; offset++, word >>= 8) {
        if (offset % 8 == 0)
            word = pattern_word(nonce, seq, offset / 8);
        data[offset] = (unsigned char)word;
    }
}

/* `from` is a multiple of 8. */
static bool has_pattern(const unsigned char *data, size_t from, size_t length, uint64_t nonce,
                        uint64_t seq)
{
    uint64_t word = 0;
    for (size_t offset = from; offset < length; offset++, word >>= 8) {
        if (offset % 8 == 0)
            word = pattern_word(nonce, seq, offset / 8);
        if (data[offset] != (unsigned char)word)
            return false;
    }
    return true;
}

static enum el_probe_match check_headerless(const unsigned char *data, size_t length,
                                            size_t probe_length, uint64_t nonce, uint64_t expected,
                                            uint64_t *seq)
{
    for (uint64_t back = 0; length == probe_length && back <= LOOK_BACK && back < expected;
         back++) {
        if (has_pattern(data, 0, length, nonce, expected - back)) {
            *seq = expected - back;
            return EL_PROBE_OURS;
        }
    }
    *seq = expected;
    return EL_PROBE_CORRUPT;
}

enum el_probe_match el_probe_check(const unsigned char *data, size_t length, size_t probe_length,
                                   uint64_t nonce, uint64_t expected, uint64_t *seq)
{
    *seq = 0;
    if (probe_length < EL_PROBE_HEADER)
        return check_headerless(data, length, probe_length, nonce, expected, seq);
    if (length < 8 || get_u64(data) != nonce)
        return EL_PROBE_FOREIGN;
    if (length < EL_PROBE_HEADER)
        return EL_PROBE_CORRUPT; /* cut off before the sequence number */
    *seq = get_u64(data + 8);
    if (length == probe_length && has_pattern(data, EL_PROBE_HEADER, length, nonce, *seq))
        return EL_PROBE_OURS;
    return EL_PROBE_CORRUPT;
}

/* ---- the ledger ------------------------------------------------------------------------------ */

/*
 * [#one-pile] Each probe lies in exactly one pile, its fate; `pile` holds their heights. Whatever
 * happens moves a probe from one pile to another, so the piles always add up to what was sent, and
 * no count of them can be negative.
 */
struct el_ledger {
    el_duration read_timeout;
    uint64_t newest;      /* highest sequence number sent; 0 = none */
    uint64_t settled;     /* no probe up to this one is outstanding */
    uint64_t newest_echo; /* highest sequence number echoed, for `reordered` */
    uint64_t pile[EL_FATES];
    uint64_t local_errors; /* of the ERROR pile, those that never left this machine */
    uint64_t duplicates, reordered, corrupt, wrong_source;
    struct el_histogram *rtt;
    struct el_probe_record record[EL_LEDGER_WINDOW]; /* a ring: seq modulo the window */
};

const char *el_probe_fate_name(enum el_probe_fate fate)
{
    static const char *const names[EL_FATES] = {
        [EL_FATE_OUTSTANDING] = "outstanding",
        [EL_FATE_ECHOED] = "echoed",
        [EL_FATE_LATE] = "late",
        [EL_FATE_CORRUPT] = "corrupt",
        [EL_FATE_DEADLINE] = "deadline",
        [EL_FATE_REFUSED] = "refused",
        [EL_FATE_UNREACHABLE] = "unreachable",
        [EL_FATE_ERROR] = "error",
        [EL_FATE_INTERRUPTED] = "interrupted",
    };
    return (unsigned)fate < EL_FATES ? names[fate] : "unknown";
}

struct el_ledger *el_ledger_new(el_duration read_timeout)
{
    /* 3 MiB, but calloc(3) maps them untouched: a run of four probes costs a page. */
    struct el_ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        return NULL;
    ledger->read_timeout = read_timeout;
    ledger->rtt = el_histogram_new();
    if (ledger->rtt == NULL) {
        free(ledger);
        return NULL;
    }
    return ledger;
}

void el_ledger_free(struct el_ledger *ledger)
{
    if (ledger == NULL)
        return;
    el_histogram_free(ledger->rtt);
    free(ledger);
}

static struct el_probe_record *find_record(struct el_ledger *ledger, uint64_t seq)
{
    struct el_probe_record *record = &ledger->record[seq % EL_LEDGER_WINDOW];
    return seq != 0 && record->seq == seq ? record : NULL;
}

const struct el_probe_record *el_ledger_record(const struct el_ledger *ledger, uint64_t seq)
{
    const struct el_probe_record *record = &ledger->record[seq % EL_LEDGER_WINDOW];
    return seq != 0 && record->seq == seq ? record : NULL;
}

/* An error that says the peer or the path ended a connection. Any other is this machine's own
 * refusal to send. */
static bool is_connection_error(int error)
{
    return error == 0 || error == ECONNRESET || error == EPIPE || error == ECONNABORTED ||
           error == ETIMEDOUT || error == EPROTO;
}

static bool is_local(const struct el_probe_record *record)
{
    return record->fate == EL_FATE_ERROR && !is_connection_error(record->error);
}

/* The one place where a probe changes piles. */
static void settle(struct el_ledger *ledger, struct el_probe_record *record,
                   enum el_probe_fate fate, int error)
{
    ledger->pile[record->fate]--;
    ledger->local_errors -= is_local(record);
    record->fate = fate;
    record->error = error;
    ledger->pile[fate]++;
    ledger->local_errors += is_local(record);
}

static bool is_lost(enum el_probe_fate fate)
{
    return fate == EL_FATE_DEADLINE || fate == EL_FATE_REFUSED || fate == EL_FATE_UNREACHABLE ||
           fate == EL_FATE_ERROR;
}

static el_time deadline_of(const struct el_ledger *ledger, const struct el_probe_record *record)
{
    return el_time_after(record->sent, ledger->read_timeout);
}

/* The oldest outstanding probe, NULL = none. Each call goes on where the last one stopped. */
static struct el_probe_record *oldest_outstanding(struct el_ledger *ledger)
{
    for (; ledger->settled < ledger->newest; ledger->settled++) {
        struct el_probe_record *record = find_record(ledger, ledger->settled + 1);
        if (record != NULL && record->fate == EL_FATE_OUTSTANDING)
            return record;
    }
    return NULL;
}

/* Before `seq` takes its place: what leaves the window unanswered is lost. One probe, if seq rises
 * by one; and however far it jumps, no walk over the window is longer than the window. */
static void make_room(struct el_ledger *ledger, uint64_t seq)
{
    struct el_probe_record *record;
    while ((record = oldest_outstanding(ledger)) != NULL && seq - record->seq >= EL_LEDGER_WINDOW)
        settle(ledger, record, EL_FATE_DEADLINE, 0);
    if (seq - ledger->settled > EL_LEDGER_WINDOW)
        ledger->settled = seq - EL_LEDGER_WINDOW;
}

void el_ledger_sent(struct el_ledger *ledger, uint64_t seq, size_t bytes, el_time now)
{
    struct el_probe_record *again = find_record(ledger, seq);
    if (again != NULL && again->fate == EL_FATE_OUTSTANDING)
        again->sent = now;
    if (again != NULL || seq <= ledger->newest)
        return; /* it is counted already; a number that falls was never promised to count */

    make_room(ledger, seq);
    ledger->record[seq % EL_LEDGER_WINDOW] = (struct el_probe_record){
        .seq = seq, .fate = EL_FATE_OUTSTANDING, .sent = now, .received = EL_NEVER, .bytes = bytes};
    ledger->pile[EL_FATE_OUTSTANDING]++;
    ledger->newest = seq;
}

uint64_t el_ledger_whose(struct el_ledger *ledger, uint64_t seq)
{
    const struct el_probe_record *record = find_record(ledger, seq);
    if (record == NULL || record->bytes > 0 || record->fate == EL_FATE_OUTSTANDING)
        return seq;
    const struct el_probe_record *open = oldest_outstanding(ledger);
    return open != NULL ? open->seq : seq;
}

enum el_probe_fate el_ledger_echoed(struct el_ledger *ledger, uint64_t seq, el_time now,
                                    bool *duplicate, bool *reordered)
{
    *duplicate = *reordered = false;
    struct el_probe_record *record = find_record(ledger, seq);
    if (record == NULL && (seq == 0 || seq > ledger->newest)) {
        ledger->corrupt++; /* a header without a pattern behind it, and its number was damaged */
        return EL_FATE_CORRUPT;
    }
    /* Forgotten, or answered before: it has been counted. After a run's end nothing counts. */
    if (record == NULL || !(record->fate == EL_FATE_OUTSTANDING || is_lost(record->fate))) {
        bool over = record != NULL && record->fate == EL_FATE_INTERRUPTED;
        *duplicate = !over;
        ledger->duplicates += !over;
        return record == NULL ? EL_FATE_LATE : record->fate;
    }

    bool in_time = record->fate == EL_FATE_OUTSTANDING && now < deadline_of(ledger, record);
    record->received = now;
    if (in_time)
        el_histogram_record(ledger->rtt, now - record->sent);
    settle(ledger, record, in_time ? EL_FATE_ECHOED : EL_FATE_LATE, 0);
    *reordered = seq < ledger->newest_echo && record->bytes > 0;
    ledger->reordered += *reordered;
    if (seq > ledger->newest_echo)
        ledger->newest_echo = seq;
    return record->fate;
}

void el_ledger_corrupt(struct el_ledger *ledger, uint64_t seq, el_time now)
{
    ledger->corrupt++;
    struct el_probe_record *record = find_record(ledger, seq);
    if (record == NULL || !(record->fate == EL_FATE_OUTSTANDING || is_lost(record->fate)))
        return;
    record->received = now;
    settle(ledger, record, EL_FATE_CORRUPT, 0);
}

void el_ledger_wrong_source(struct el_ledger *ledger)
{
    ledger->wrong_source++;
}

void el_ledger_failed(struct el_ledger *ledger, uint64_t seq, enum el_probe_fate fate, int error,
                      el_time now)
{
    (void)now;
    struct el_probe_record *record = find_record(ledger, seq);
    if (record != NULL && record->fate == EL_FATE_OUTSTANDING && is_lost(fate))
        settle(ledger, record, fate, error);
}

el_time el_ledger_expire(struct el_ledger *ledger, el_time now,
                         void (*lost)(void *arg, const struct el_probe_record *record), void *arg)
{
    struct el_probe_record *record;
    while ((record = oldest_outstanding(ledger)) != NULL) {
        el_time deadline = deadline_of(ledger, record);
        if (deadline > now || deadline == EL_NEVER)
            return deadline; /* one timeout for all: later probes have later deadlines */
        settle(ledger, record, EL_FATE_DEADLINE, 0);
        if (lost != NULL)
            lost(arg, record);
    }
    return EL_NEVER;
}

void el_ledger_finish(struct el_ledger *ledger)
{
    struct el_probe_record *record;
    while ((record = oldest_outstanding(ledger)) != NULL)
        settle(ledger, record, EL_FATE_INTERRUPTED, 0);
}

bool el_ledger_overdue(struct el_ledger *ledger, el_time now)
{
    const struct el_probe_record *oldest = oldest_outstanding(ledger);
    el_duration slowest =
        el_histogram_count(ledger->rtt) > 0 ? el_histogram_max(ledger->rtt) : ledger->read_timeout;
    return oldest != NULL && now - oldest->sent > slowest;
}

size_t el_ledger_outstanding(const struct el_ledger *ledger)
{
    return ledger->pile[EL_FATE_OUTSTANDING];
}

struct el_probe_counts el_ledger_counts(const struct el_ledger *ledger)
{
    const uint64_t *pile = ledger->pile;
    struct el_probe_counts counts = {
        .received = pile[EL_FATE_ECHOED],
        .late = pile[EL_FATE_LATE],
        .unanswered = pile[EL_FATE_OUTSTANDING] + pile[EL_FATE_INTERRUPTED],
        .errors = pile[EL_FATE_REFUSED] + pile[EL_FATE_UNREACHABLE] + pile[EL_FATE_ERROR],
        .duplicates = ledger->duplicates,
        .reordered = ledger->reordered,
        .corrupt = ledger->corrupt,
        .wrong_source = ledger->wrong_source,
    };
    counts.lost = pile[EL_FATE_DEADLINE] + counts.errors;
    for (unsigned fate = 0; fate < EL_FATES; fate++)
        counts.sent += pile[fate];
    return counts;
}

const struct el_histogram *el_ledger_rtt(const struct el_ledger *ledger)
{
    return ledger->rtt;
}

int el_ledger_exit_code(const struct el_ledger *ledger)
{
    struct el_probe_counts counts = el_ledger_counts(ledger);
    uint64_t settled = counts.sent - counts.unanswered;
    uint64_t unreached = ledger->pile[EL_FATE_REFUSED] + ledger->pile[EL_FATE_UNREACHABLE];

    if (settled > 0 && ledger->local_errors == settled)
        return 2;
    if (settled > 0 && unreached == settled)
        return 7;
    /* A broken connection is an answer of a kind: only silence, or an echo too late, is 28. */
    uint64_t silent = ledger->pile[EL_FATE_DEADLINE] + counts.late + counts.unanswered;
    if (counts.received == 0 && counts.corrupt == 0 && silent > 0)
        return 28;
    return counts.lost + counts.late + counts.corrupt > 0 ? 1 : 0;
}
