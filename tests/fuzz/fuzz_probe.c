/*
 * fuzz_probe.c - what a client makes of the datagrams that come back, and of everything else that may happen to a probe.
 *
 * Input:    four bytes choose the size of the probes and the deadline; then events: sent, echoed, echoed with a byte changed or cut
 *           off, a foreign datagram, an error, time that passes, the end.
 * Asserted: a datagram is ours only if it is a probe that was sent, byte by byte; each probe is counted once: sent =
 *           received + lost + late + unanswered + came back only corrupt at any time; the histogram has as many
 *           records as were received; nothing outstanding is past its deadline after expire; the exit code is one of those that
 *           are told.
 * Run:      make fuzz FUZZ=probe
 */
#include "fuzz.h"
#include "probe.h"

enum { SIZE_MAX_PROBE = 64, EVENTS_MAX = 400, LOOK_EVERY = 8 };
static const uint64_t nonce = UINT64_C(0x0123456789abcdef);

struct run {
    struct el_ledger *ledger;
    size_t size;
    uint64_t newest;
    el_time now;
    uint64_t settled; /* by expire, as its callback told */
    bool finished;
};

static void check_counts(const struct run *run)
{
    struct el_probe_counts counts = el_ledger_counts(run->ledger);
    uint64_t pile[EL_FATES] = {0}; /* the fates as the records tell them, one by one */
    for (uint64_t seq = 1; seq <= run->newest; seq++)
        pile[el_ledger_record(run->ledger, seq)->fate]++;
    uint64_t errors = pile[EL_FATE_REFUSED] + pile[EL_FATE_UNREACHABLE] + pile[EL_FATE_ERROR];
    fuzz_holds(counts.sent == run->newest);
    fuzz_holds(counts.sent == counts.received + counts.lost + counts.late + counts.unanswered +
                                  pile[EL_FATE_CORRUPT]);
    fuzz_holds(counts.received == pile[EL_FATE_ECHOED] && counts.late == pile[EL_FATE_LATE]);
    fuzz_holds(counts.lost == pile[EL_FATE_DEADLINE] + errors && counts.errors == errors);
    fuzz_holds(pile[EL_FATE_CORRUPT] <= counts.corrupt);
    fuzz_holds(el_ledger_outstanding(run->ledger) == pile[EL_FATE_OUTSTANDING]);
    fuzz_holds(el_histogram_count(el_ledger_rtt(run->ledger)) == counts.received);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void on_lost(void *arg, const struct el_probe_record *record)
{
    struct run *run = arg;
    fuzz_holds(record->fate == EL_FATE_DEADLINE && record->seq <= run->newest);
    run->settled++;
}

static void expire(struct run *run)
{
    uint64_t before = el_ledger_counts(run->ledger).lost;
    run->settled = 0;
    el_time next = el_ledger_expire(run->ledger, run->now, on_lost, run);
    fuzz_holds(el_ledger_counts(run->ledger).lost == before + run->settled);
    fuzz_holds(next > run->now);
    fuzz_holds((next == EL_NEVER) == (el_ledger_outstanding(run->ledger) == 0));
}

/* A datagram came; the client does with it what it does in clients/udp_echo.c. */
static void receive(struct run *run, const unsigned char *data, size_t length)
{
    unsigned char sent[SIZE_MAX_PROBE];
    uint64_t seq = UINT64_MAX;
    bool duplicate, reordered;
    switch (el_probe_check(data, length, run->size, nonce, run->newest, &seq)) {
    case EL_PROBE_OURS:
        fuzz_holds(length == run->size);
        el_probe_fill(sent, run->size, nonce, seq);
        fuzz_holds(run->size == 0 || memcmp(sent, data, length) == 0);
        if (run->size < EL_PROBE_HEADER)
            fuzz_holds(seq <= run->newest && run->newest - seq <= 255);
        el_ledger_echoed(run->ledger, seq, run->now, &duplicate, &reordered);
        break;
    case EL_PROBE_CORRUPT:
        el_ledger_corrupt(run->ledger, seq, run->now);
        break;
    case EL_PROBE_FOREIGN:
        fuzz_holds(seq == 0);
        el_ledger_wrong_source(run->ledger);
        break;
    }
}

/* An echo of a probe that was sent, or never was; perhaps damaged on its way. */
static void echo(struct run *run, struct fuzz_input *input, bool damaged)
{
    unsigned char data[SIZE_MAX_PROBE + 1];
    uint64_t back = fuzz_byte(input), seq = run->newest - back + 1;
    size_t length = run->size;
    el_probe_fill(data, length, nonce, seq);
    if (damaged) {
        size_t at = fuzz_byte(input);
        uint8_t flip = fuzz_byte(input);
        if (length > 0)
            data[at % length] ^= flip;
        length = fuzz_byte(input) & 1 ? at % (sizeof data) : length;
        if (length > run->size)
            memset(data + run->size, flip, length - run->size);
    }
    unsigned char *exact = malloc(length + (length == 0)); /* for ASan to see the end */
    fuzz_holds(exact != NULL);
    memcpy(exact, data, length);
    receive(run, exact, length);
    free(exact);
}

static void foreign(struct run *run, struct fuzz_input *input)
{
    size_t length = fuzz_byte(input) % (SIZE_MAX_PROBE + 1);
    length = length < input->left ? length : input->left;
    receive(run, input->at, length);
    input->at += length;
    input->left -= length;
}

static void one_event(struct run *run, struct fuzz_input *input)
{
    static const enum el_probe_fate fates[] = {EL_FATE_REFUSED, EL_FATE_UNREACHABLE, EL_FATE_ERROR};
    uint8_t what = fuzz_byte(input);
    switch (what % 8) {
    case 0:
    case 1: /* the newest may be sent anew: an error had kept it back */
        if (!run->finished)
            el_ledger_sent(run->ledger, what == 1 && run->newest > 0 ? run->newest : ++run->newest,
                           run->size, run->now);
        break;
    case 2:
        echo(run, input, false);
        break;
    case 3:
        echo(run, input, true);
        break;
    case 4:
        foreign(run, input);
        break;
    case 5:
        el_ledger_failed(run->ledger, run->newest - fuzz_byte(input) % 4, fates[what / 8 % 3],
                         what / 8, run->now);
        break;
    case 6:
        run->now += (el_time)fuzz_number(input, 2);
        expire(run);
        break;
    default:
        if (what == UINT8_MAX) {
            el_ledger_overdue(run->ledger, run->now);
            el_ledger_finish(run->ledger);
            run->finished = true;
        }
        run->now += what;
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct run run = {.size = fuzz_byte(&input) % (SIZE_MAX_PROBE + 1), .now = 1};
    el_duration timeout = 1 + (el_duration)fuzz_number(&input, 3);
    run.ledger = el_ledger_new(timeout);
    fuzz_holds(run.ledger != NULL);
    for (unsigned events = 0; input.left > 0 && events < EVENTS_MAX; events++) {
        one_event(&run, &input);
        if (events % LOOK_EVERY == 0 || input.left == 0)
            check_counts(&run);
    }
    check_counts(&run);
    int code = el_ledger_exit_code(run.ledger);
    fuzz_holds(code == 0 || code == 1 || code == 2 || code == 7 || code == 28);
    el_ledger_free(run.ledger);
    return 0;
}
