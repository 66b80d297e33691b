/*
 * fault_engine.c - packets arrive at a queue, get a fate, and go on: now, later, changed, twice or
 * not at all.
 *
 * Teaches:  the order of writing down and doing. The fate is in the ring before the verdict is given;
 *           so whoever sees what the packet did next can also see why. [#fate-before-verdict]
 * Partner:  fault_fate.c decides, fault_netlink.c talks to the kernel, fault_setup.c opens everything.
 */
#include "fault_engine.h"
#include "fault_setup.h"

#include <errno.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BATCHES = 4,     /* read from one place before the others have their turn */
    LOOKED_AT = 256, /* bytes of a packet that are decoded: as many as the packet log sees, so that
                      * the hashes are the same */
};

/* ---- letting go ------------------------------------------------------------------------------ */

/*
 * A copy is put on the cable at its other end, so it arrives as a packet that was sent twice. The
 * verdict on the first one must be out before.
 */
static void send_copies(struct fault_engine *engine, const struct fault_link *link,
                        const uint8_t *bytes, size_t length, unsigned copies)
{
    static uint8_t frame[sizeof(struct ether_header) + IP_MAXPACKET];
    struct ether_header *header = (struct ether_header *)frame;
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_ifindex = (int)link->cable_interface, .sll_halen = ETH_ALEN};
    memcpy(header->ether_dhost, link->to_mac, ETH_ALEN);
    memcpy(header->ether_shost, link->from_mac, ETH_ALEN);
    header->ether_type = htons(bytes[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
    memcpy(frame + sizeof *header, bytes, length);
    memcpy(address.sll_addr, link->to_mac, ETH_ALEN);
    fault_netlink_flush(engine->place[link->to].netlink);
    for (unsigned i = 0; i < copies; i++) {
        if (!fault_copies_expect(&engine->copies, link->to, bytes, length, el_now()) ||
            sendto(engine->place[link->cable].cable, frame, sizeof *header + length, MSG_DONTWAIT,
                   (struct sockaddr *)&address, sizeof address) < 0)
            engine->not_copied++;
    }
}

static void let_go(struct fault_engine *engine, const struct fault_held *held)
{
    struct fault_place *place = &engine->place[held->place];
    place->dirty = true;
    fault_netlink_verdict(place->netlink, held->packet, true, held->changed ? held->bytes : NULL,
                          held->length);
    if (held->copies > 0)
        send_copies(engine, &engine->link[held->link], held->bytes, held->length, held->copies);
    free(held->bytes);
}

static void flush_all(struct fault_engine *engine)
{
    for (size_t i = 0; i < engine->places; i++) {
        struct fault_place *place = &engine->place[i];
        int error = place->dirty ? fault_netlink_flush(place->netlink) : 0;
        place->dirty = false;
        if (error < 0)
            fprintf(stderr, "fault_queue: %s: verdicts: %s\n", place->name, strerror(-error));
    }
}

static void release_due(struct fault_engine *engine, el_time now)
{
    struct fault_held held;
    while (fault_hold_take(engine->hold, now, &held))
        let_go(engine, &held);
}

/* Sets the timer to what is due next. It may fire a little early, by a cached clock: then it is set
 * again. */
static void arm(struct fault_engine *engine)
{
    el_time next = fault_hold_next(engine->hold);
    if (next == engine->armed)
        return;
    engine->armed = next;
    if (next == EL_NEVER) {
        event_del(engine->timer);
        return;
    }
    struct timeval left = el_timeval(el_time_left(next, el_now()));
    event_add(engine->timer, &left);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct fault_engine *engine = arg;
    engine->armed = EL_NEVER;
    release_due(engine, el_now());
    flush_all(engine);
    arm(engine);
}

void fault_engine_release(struct fault_engine *engine, const struct fault_rule *rule)
{
    el_time now = el_now();
    for (uint32_t i = 0; i < engine->links; i++) {
        const char *from = engine->place[engine->link[i].from].name;
        const char *to = engine->place[engine->link[i].to].name;
        if (rule == NULL || (strcmp(rule->from, from) == 0 && strcmp(rule->to, to) == 0) ||
            (strcmp(rule->from, to) == 0 && strcmp(rule->to, from) == 0))
            fault_hold_release_link(engine->hold, i, now);
    }
    release_due(engine, now);
    flush_all(engine);
    arm(engine);
}

/* ---- writing down ---------------------------------------------------------------------------- */

/* snprintf(3) would do, and at a hundred thousand packets a second be a tenth of all the work. */
static void copy_name(char *to, size_t size, const char *from)
{
    if (memccpy(to, from, '\0', size) == NULL)
        to[size - 1] = '\0';
}

static void write_down(struct fault_engine *engine, const struct fault_link *link,
                       struct el_packet *packet)
{
    const struct fault_fate *fate = &engine->fate;
    if (fate->acts == 0)
        return;
    packet->hook = EL_HOOK_FAULT;
    packet->at = el_now();
    copy_name(packet->host, sizeof packet->host, engine->place[link->to].name);
    copy_name(packet->out, sizeof packet->out, engine->place[link->from].name);
    copy_name(packet->in, sizeof packet->in, link->interface);
    copy_name(packet->source_name, sizeof packet->source_name,
              packet_names_of(&engine->names, &packet->source));
    copy_name(packet->destination_name, sizeof packet->destination_name,
              packet_names_of(&engine->names, &packet->destination));
    for (size_t i = 0; i < fate->acts; i++) {
        packet->mark = fate->act[i].number;
        fault_act_print(&fate->act[i], packet->prefix, sizeof packet->prefix);
        el_packets_append(engine->ring, packet);
    }
}

static void write_overflow(struct fault_engine *engine, const struct fault_link *link,
                           struct el_packet *packet)
{
    if (engine->overflowed++ == 0)
        fprintf(stderr,
                "fault_queue: overflow: more than %d packets or %d MiB wait; what is too much is "
                "dropped\n",
                FAULT_HELD_PACKETS, FAULT_HELD_BYTES >> 20);
    engine->fate.acts = 1;
    engine->fate.act[0] = (struct fault_act){.kind = FAULT_ACTIONS};
    write_down(engine, link, packet);
}

/* ---- a packet -------------------------------------------------------------------------------- */

static struct fault_link *find_link(struct fault_engine *engine, uint32_t place, const uint8_t *mac)
{
    for (size_t i = 0; mac != NULL && i < engine->links; i++)
        if (engine->link[i].to == place &&
            memcmp(engine->link[i].from_mac, mac, sizeof engine->link[i].from_mac) == 0)
            return &engine->link[i];
    return NULL;
}

/* Of a packet of which we have only the head, nothing can be changed and no copy can be made. That
 * is one which was queued before the rule that wants it was there. */
static void spare_what_is_cut(struct fault_fate *fate)
{
    size_t kept = 0;
    for (size_t i = 0; i < fate->acts; i++)
        if (fate->act[i].kind != FAULT_CORRUPT && fate->act[i].kind != FAULT_DUPLICATE)
            fate->act[kept++] = fate->act[i];
    fate->acts = kept;
    fate->changes = 0;
    fate->copies = 0;
}

/* Fills in the bytes, changed as the fate says. Without memory the packet goes on as it was. */
static void keep_bytes(struct fault_held *held, const struct fault_fate *fate,
                       const struct fault_arrival *arrival, const struct el_packet *packet)
{
    if (fate->changes == 0 && fate->copies == 0)
        return;
    held->bytes = malloc(arrival->length);
    if (held->bytes == NULL)
        return;
    memcpy(held->bytes, arrival->bytes, arrival->length);
    held->copies = fate->copies;
    for (size_t i = 0; i < fate->changes; i++)
        held->changed |= fault_apply(held->bytes, arrival->length, packet, &fate->change[i]);
}

/* Gives the packet its fate. `packet` is its decoding. */
static void carry_out(struct fault_place *place, struct fault_link *link,
                      const struct fault_arrival *arrival, struct el_packet *packet)
{
    struct fault_engine *engine = place->engine;
    struct fault_fate *fate = &engine->fate;
    struct fault_held held = {.release = fate->release,
                              .id = engine->next_id++,
                              .place = place->index,
                              .packet = arrival->packet,
                              .link = (uint32_t)(link - engine->link),
                              .length = (uint32_t)arrival->full,
                              .not_before = fate->not_before};
    if (arrival->length < arrival->full)
        spare_what_is_cut(fate);
    write_down(engine, link, packet);
    if (!fate->drop)
        keep_bytes(&held, fate, arrival, packet);
    if (fate->drop) {
        fault_netlink_verdict(place->netlink, arrival->packet, false, NULL, 0);
    } else if (!fate->waits && fate->release <= engine->now) {
        let_go(engine, &held);
    } else if (fault_hold_add(engine->hold, &held) < 0) {
        write_overflow(engine, link, packet);
        fault_netlink_verdict(place->netlink, arrival->packet, false, NULL, 0);
        free(held.bytes);
    }
    for (size_t i = 0; i < fate->freed_count; i++)
        fault_hold_move(engine->hold, fate->freed[i], fate->release);
    if (fate->freed_count > 0)
        release_due(engine, engine->now);
}

static void on_arrival(const struct fault_arrival *arrival, void *arg)
{
    struct fault_place *place = arg;
    struct fault_engine *engine = place->engine;
    struct fault_link *link = find_link(engine, place->index, arrival->mac);
    struct el_packet packet;
    size_t looked_at = arrival->length < LOOKED_AT ? arrival->length : LOOKED_AT;

    place->dirty = true;
    memset(&packet, 0, sizeof packet);
    if (link == NULL || link->count == 0 ||
        fault_copies_arrived(&engine->copies, place->index, arrival->bytes, arrival->length,
                             engine->now) ||
        el_packet_decode(arrival->bytes, looked_at, &packet) < 0) {
        fault_netlink_verdict(place->netlink, arrival->packet, true, NULL, 0);
        return;
    }
    /* Stamps of one cable do not run backwards, but the wall clock may. */
    link->last = arrival->at > link->last ? arrival->at : link->last;
    fault_decide(link->rules, link->count, &packet, engine->next_id, link->last, &engine->fate);
    carry_out(place, link, arrival, &packet);
}

/*
 * What is due goes before what has only now arrived. ENOBUFS: the kernel had packets for us and no
 * room in our socket, and has dropped them; its own count tells how many (on_watch).
 */
void fault_engine_on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct fault_place *place = arg;
    struct fault_engine *engine = place->engine;
    for (int i = 0; i < BATCHES; i++) {
        engine->now = el_now();
        release_due(engine, engine->now);
        int got = fault_netlink_read(place->netlink, on_arrival, place);
        if (got == -ENOBUFS)
            engine->no_buffer++;
        else if (got < 0)
            fprintf(stderr, "fault_queue: %s: receive: %s\n", place->name, strerror(-got));
        flush_all(engine);
        if (got <= 0)
            break;
    }
    arm(engine);
}

/* ---- the kernel's own counts ----------------------------------------------------------------- */

bool fault_engine_health(const struct fault_place *place, struct fault_queue_health *health)
{
    char text[4096], *rest = NULL;
    ssize_t got = pread(place->statistics, text, sizeof text - 1, 0);
    if (got < 0)
        return false;
    text[got] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        unsigned long number, port, waiting, mode, range, dropped, user_dropped;
        if (sscanf(line, "%lu %lu %lu %lu %lu %lu %lu", &number, &port, &waiting, &mode,
                   &range, /* NOLINT(cert-err34-c) */
                   &dropped, &user_dropped) == 7 &&
            number == FAULT_QUEUE_NUMBER) {
            *health = (struct fault_queue_health){waiting, dropped, user_dropped};
            return true;
        }
    }
    return false;
}

/* Each second, as long as there are faults: nobody tells of a queue that was full. */
static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct fault_engine *engine = arg;
    for (size_t i = 0; engine->rules > 0 && i < engine->places; i++) {
        struct fault_place *place = &engine->place[i];
        struct fault_queue_health health;
        if (!fault_engine_health(place, &health) ||
            health.dropped + health.user_dropped <= place->said)
            continue;
        place->said = health.dropped + health.user_dropped;
        fprintf(stderr,
                "fault_queue: %s: overflow: the kernel has dropped %llu packets that it could not "
                "queue for us\n",
                place->name, (unsigned long long)place->said);
    }
}

/* The timers of an engine whose base is there. */
int fault_engine_start(struct fault_engine *engine)
{
    struct timeval second = {1, 0};
    engine->armed = EL_NEVER;
    engine->timer = evtimer_new(engine->base, on_timer, engine);
    engine->watch = event_new(engine->base, -1, EV_PERSIST, on_watch, engine);
    if (engine->timer == NULL || engine->watch == NULL || event_add(engine->watch, &second) < 0)
        return -ENOMEM;
    return 0;
}
