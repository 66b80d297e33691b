/*
 * fuzz_packet_merge.c - the sightings and fates of packets in any order and any nonsense, put in a causal order.
 *
 * Input:    records of four bytes: host and hook, which packet, how much later, what happens to it; some say "give" instead.
 * Asserted: every record that was taken is given, once; each host's own records keep their order, and so do its fates; times
 *           never run backwards; a full merge refuses, and says so; when nothing more comes, everything is given.
 * Run:      make fuzz FUZZ=packet_merge
 * Leaves out: "no packet arrives before it has left" for histories that cannot have happened, which most of these are.
 *           tests/unit/test_packet_merge.c has that, for those that can.
 */
#include "fuzz.h"
#include "packets.h"

#include <errno.h>
#include <linux/netfilter.h>

enum { CAPACITY = 24, HOSTS = 5, PACKETS = 6 };

struct run {
    struct el_packet_merge *merge;
    uint64_t added, given;
    uint64_t last[HOSTS][2]; /* number + 1 of what was given last: sightings, fates */
    el_time now, shown;
};

static struct el_packet record(struct run *run, struct fuzz_input *input)
{
    static const uint8_t hooks[] = {NF_INET_LOCAL_IN, NF_INET_POST_ROUTING, NF_INET_PRE_ROUTING,
                                    EL_HOOK_FAULT};
    static const char *const fates[] = {"drop", "delay 20.1ms", "duplicate", "corrupt"};
    uint8_t where = fuzz_byte(input), which = fuzz_byte(input), later = fuzz_byte(input),
            fate = fuzz_byte(input);
    struct el_packet packet = {.number = run->added,
                               .hook = hooks[where / HOSTS % 4],
                               .checksum = which % PACKETS,
                               .ttl = (uint8_t)(64 - which / PACKETS % 3),
                               .mark = fate / 4 % 3};
    run->now += later;
    packet.at = run->now;
    packet.stamp = fate & 0x80 ? run->now - fate : 0;
    snprintf(packet.host, sizeof packet.host, "host%d", where % HOSTS);
    if (packet.hook == EL_HOOK_FAULT)
        snprintf(packet.prefix, sizeof packet.prefix, "%s", fates[fate % 4]);
    return packet;
}

/* The next that may be given. False: none. */
static bool give(struct run *run, el_time settled)
{
    struct el_packet packet;
    bool again = false;
    int got = el_packet_merge_next(run->merge, settled, &packet, &again);
    fuzz_holds(got == 0 || got == 1);
    if (got == 0)
        return false;
    run->given++;
    unsigned host = (unsigned)(packet.host[4] - '0');
    bool fate = el_packet_is_fate(&packet);
    fuzz_holds(host < HOSTS && packet.number < run->added);
    fuzz_holds(packet.number + 1 > run->last[host][fate]);
    run->last[host][fate] = packet.number + 1;
    struct el_packet_given given = el_packet_merge_given(run->merge);
    fuzz_holds(given.time >= run->shown);
    fuzz_holds(!fate || again);
    run->shown = given.time;
    return true;
}

static void add(struct run *run, struct fuzz_input *input)
{
    struct el_packet packet = record(run, input);
    int error = el_packet_merge_add(run->merge, &packet);
    bool full = run->added - run->given == CAPACITY;
    fuzz_holds(error == (full ? -ENOBUFS : 0));
    if (full)
        while (give(run, EL_NEVER)) /* what a reader does: everything out */
            ;
    else
        run->added++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct run run = {.merge = el_packet_merge_new(CAPACITY), .shown = INT64_MIN, .now = 1000};
    fuzz_holds(run.merge != NULL);
    while (input.left > 0) {
        if (*input.at >= 0xf0)
            give(&run, run.now - (el_time)(fuzz_byte(&input) & 15) * 16);
        else
            add(&run, &input);
    }
    while (give(&run, EL_NEVER))
        ;
    fuzz_holds(run.given == run.added);
    el_packet_merge_free(run.merge);
    return 0;
}
