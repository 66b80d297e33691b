/*
 * dialer_explain.c - the words of a dial under --explain.
 *
 * Partner:  dialer.c, which acts. Kept apart so that the race can be read without its commentary.
 */
#include "dialer_private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>

enum { WHY_TEXT = 160 };

static double ms(el_duration length)
{
    return (double)length / (double)EL_MS;
}

void el_explain_dial_start(struct el_trace *trace, const struct el_dial_args *args, el_time now)
{
    char host[4 * EL_HOST_MAX];
    if (!el_explaining(trace))
        return;
    el_name_escape(args->host, host, sizeof host);
    const char *protocol = args->socket.type == SOCK_STREAM ? "TCP" : "UDP";
    if (args->deadline == EL_NEVER)
        el_explain(trace, EL_TOPIC_STEP, "dialing %s, %s port %u, without a deadline", host,
                   protocol, args->port);
    else
        el_explain(trace, EL_TOPIC_STEP,
                   "dialing %s, %s port %u: lookup and connection together have %.1f ms", host,
                   protocol, args->port, ms(el_time_left(args->deadline, now)));
}

/* "ECONNREFUSED: nobody listens on that port". */
static const char *why(enum el_dial_status status, int error, char text[static WHY_TEXT])
{
    const char *hint = el_dial_hint(status, error);
    snprintf(text, WHY_TEXT, "%s%s%s", el_errno_name(-error), hint == NULL ? "" : ": ",
             hint == NULL ? "" : hint);
    return text;
}

void el_explain_attempt_end(struct el_trace *trace, const struct el_attempt *attempt,
                            unsigned number)
{
    double after = ms(attempt->ended - attempt->started);
    char text[WHY_TEXT];
    if (attempt->error == -ECANCELED)
        el_explain(trace, EL_TOPIC_STATE, "attempt %u closed after %.1f ms: another one has won",
                   number + 1, after);
    else
        el_explain(
            trace, EL_TOPIC_STATE, "attempt %u failed after %.1f ms: %s", number + 1, after,
            why(attempt->under_way ? EL_DIAL_NOT_CONNECTED : EL_DIAL_LOCAL, attempt->error, text));
}

/* [#syn-sent] A peer on this machine, or one veth away, is served by the same CPU in the same
 * system call: its answer may have been handled before connect(2) returns, and SYN_SENT is history
 * then. */
void el_explain_syn(struct el_trace *trace, int fd)
{
    struct el_tcp_info info;
    if (!el_explaining(trace) || el_socket_tcp_info(fd, &info) < 0)
        return;
    if (info.state == TCP_SYN_SENT)
        el_explain(trace, EL_TOPIC_STATE,
                   "TCP state SYN_SENT: our SYN is out, the peer has not answered yet");
    else
        el_explain(trace, EL_TOPIC_STATE,
                   "TCP state SYN_SENT, and %s before we could look: so near a peer %s at once",
                   el_tcp_state_name(info.state), info.state == TCP_CLOSE ? "refuses" : "answers");
}

void el_explain_handshake(struct el_trace *trace, int fd)
{
    struct el_tcp_info info;
    if (!el_explaining(trace) || el_socket_tcp_info(fd, &info) < 0)
        return;
    el_explain(trace, EL_TOPIC_STATE,
               "TCP state %s: the handshake took one RTT of %.3f ms%s; MSS %u bytes, path MTU %u "
               "(TCP_INFO)",
               el_tcp_state_name(info.state), info.rtt_us / 1000.0,
               info.retransmits_total > 0 ? " and a SYN that had to be sent again" : "",
               info.send_mss, info.path_mtu);
}

void el_explain_local(struct el_trace *trace, const struct el_address *local, bool bound)
{
    char text[EL_ADDRESS_TEXT];
    if (local->length == 0)
        return;
    el_explain(trace, EL_TOPIC_STATE, "local address now %s: %s", el_address_print(local, text),
               bound ? "as asked, and the kernel filled in what was left open"
                     : "the kernel picked it, by its route to the peer and a free port");
}

void el_explain_dial_end(struct el_trace *trace, const struct el_dial_result *result,
                         bool unconnected)
{
    double total = ms(result->ended - result->started);
    char text[WHY_TEXT];
    if (result->status == EL_DIAL_OK)
        el_explain(
            trace, EL_TOPIC_STEP,
            "%s after %.1f ms: %.1f ms until the first address was known, then %zu attempt%s",
            unconnected ? "ready" : "connected", total, ms(result->resolved - result->started),
            result->attempt_count, result->attempt_count == 1 ? "" : "s");
    else if (result->error == 0)
        el_explain(trace, EL_TOPIC_STEP, "gave up after %.1f ms: no address", total);
    else
        el_explain(trace, EL_TOPIC_STEP, "gave up after %.1f ms: %s: %s", total,
                   result->status == EL_DIAL_NOT_RESOLVED ? "no address" : "no connection",
                   why(result->status, result->error, text));
}
