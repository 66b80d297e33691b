/*
 * datagram_explain.c - tells of datagrams one by one, as long as there are few.
 *
 * Partner:  datagram_explain.h; servers/udp_echo_server.c --explain.
 */
#include "datagram_explain.h"

enum { TOLD_PER_SECOND = 200 };

void el_datagram_explain_receive(struct el_datagram_story *story, int fd, int got, el_time now)
{
    if (now - story->second >= EL_S) {
        if (story->told > TOLD_PER_SECOND)
            el_explain(story->trace, EL_TOPIC_STEP, "... and %u more, not told one by one",
                       story->told - TOLD_PER_SECOND);
        story->second = now;
        story->told = 0;
    }
    if (story->told < TOLD_PER_SECOND)
        el_explain(story->trace, EL_TOPIC_CALL, "recvmmsg(%d) = %d", fd, got);
}

void el_datagram_explain(struct el_datagram_story *story, const struct el_datagram *d,
                         const char *why)
{
    char peer[EL_ADDRESS_TEXT], local[EL_ADDRESS_TEXT], parts[48] = "";
    if (story->told++ >= TOLD_PER_SECOND)
        return;
    if (d->segment != 0)
        snprintf(parts, sizeof parts, " in datagrams of %u (UDP_GRO)", d->segment);
    el_explain(story->trace, EL_TOPIC_STEP, "%zu bytes%s from %s to %s, interface %u: %s%s",
               d->wire_length, parts, el_address_print(&d->peer, peer),
               el_address_print_host(&d->local, local), d->interface,
               why == NULL ? "answering" : "no answer: ", why == NULL ? "" : why);
}

void el_datagram_explain_reply(struct el_datagram_story *story, int fd,
                               const struct el_datagram_sent *sent)
{
    if (sent->calls == 0 || story->told > TOLD_PER_SECOND)
        return;
    el_explain(story->trace, EL_TOPIC_CALL, "sendmmsg(%d) = %u: %u sent, %llu bytes%s", fd,
               sent->messages, sent->sent, (unsigned long long)sent->bytes,
               sent->messages < sent->sent ? "; UDP_SEGMENT: neighbours share a message" : "");
    if (sent->other > 0)
        el_explain(story->trace, EL_TOPIC_CALL, "sendmmsg(%d) = -1 %s: %u not sent", fd,
                   el_errno_name(sent->last_error), sent->other);
}
