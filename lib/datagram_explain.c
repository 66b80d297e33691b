/*
 * datagram_explain.c - tells of datagrams one by one, as long as there are few.
 *
 * Partner:  datagram_explain.h; servers/udp_echo_server.c --explain.
 */
#include "datagram_explain.h"

void el_datagram_explain_receive(struct el_datagram_story *story, int got)
{
    story->got = got;
    story->told = false;
}

void el_datagram_explain(struct el_datagram_story *story, int fd, const struct el_datagram *d,
                         const char *why)
{
    char peer[EL_ADDRESS_TEXT], local[EL_ADDRESS_TEXT], parts[48] = "";
    struct el_trace *say = el_narrator_step(&story->narrator);
    if (say == NULL)
        return;
    if (!story->told)
        el_explain(say, EL_TOPIC_CALL, "recvmmsg(%d) = %d", fd, story->got);
    story->told = true;
    if (d->segment != 0)
        snprintf(parts, sizeof parts, " in datagrams of %u (UDP_GRO)", d->segment);
    el_explain(say, EL_TOPIC_STEP, "%zu bytes%s from %s to %s, interface %u: %s%s", d->wire_length,
               parts, el_address_print(&d->peer, peer), el_address_print_host(&d->local, local),
               d->interface, why == NULL ? "answering" : "no answer: ", why == NULL ? "" : why);
}

void el_datagram_explain_reply(struct el_datagram_story *story, int fd,
                               const struct el_datagram_sent *sent)
{
    struct el_trace *say = story->narrator.trace;
    if (sent->calls == 0 || !story->told)
        return;
    el_explain(say, EL_TOPIC_CALL, "sendmmsg(%d) = %u: %u sent, %llu bytes%s", fd, sent->messages,
               sent->sent, (unsigned long long)sent->bytes,
               sent->messages < sent->sent ? "; UDP_SEGMENT: neighbours share a message" : "");
    if (sent->other > 0)
        el_explain(say, EL_TOPIC_CALL, "sendmmsg(%d) = -1 %s: %u not sent", fd,
                   el_errno_name(sent->last_error), sent->other);
}
