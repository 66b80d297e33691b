/*
 * fault_netlink.c - the packet queue of one network namespace, over netlink.
 *
 * Teaches:  a hundred thousand packets a second are a hundred thousand questions and answers. With a
 *           system call for each, most of the time goes into entering and leaving the kernel: so
 *           recvmmsg(2) takes many messages at once, and many verdicts go in one send(2), as one
 *           buffer of several netlink messages (netlink(7)). [#many-at-once]
 * Partner:  fault_engine.c; libnetfilter_queue writes and reads the messages' attributes.
 */
#include "fault_netlink.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    BATCH = 64,                /* messages in one recvmmsg(2) */
    MESSAGE_MAX = 72 * 1024,   /* a whole packet of 64 KiB and its attributes */
    VERDICT_MAX = MESSAGE_MAX, /* a verdict with a packet in it */
    VERDICTS = 16 * 1024,      /* collected before they are sent */
    RECEIVE_BUFFER =
        32 << 20, /* asked of the kernel; without root it gives what the machine allows */
};

struct fault_netlink {
    struct mnl_socket *socket;
    uint16_t number;
    size_t used; /* of `verdicts` */
    _Alignas(8) char verdicts[VERDICTS + VERDICT_MAX];
};

/* One thread reads, so one set of buffers serves all places; pages that are not touched cost nothing. */
static _Alignas(8) char buffers[BATCH][MESSAGE_MAX];

int fault_netlink_fd(const struct fault_netlink *netlink)
{
    return mnl_socket_get_fd(netlink->socket);
}

void fault_netlink_close(struct fault_netlink *netlink)
{
    if (netlink == NULL)
        return;
    if (netlink->socket != NULL)
        mnl_socket_close(netlink->socket);
    free(netlink);
}

/* ---- packets in ------------------------------------------------------------------------------ */

/* A moment, by the two clocks. */
struct moment {
    el_time wall, monotonic;
};

/*
 * When the packet arrived. Its stamp is of the wall clock and in microseconds; if there is none, or
 * it lies in the future or a second back because somebody has set the clock, it is now. Without
 * this each delay would be longer by the time in which a busy machine gets round to us.
 * [#delay-from-arrival]
 */
static el_time arrival_time(const struct nlattr *stamp, const struct moment *now)
{
    if (stamp == NULL)
        return now->monotonic;
    struct nfqnl_msg_packet_timestamp
        when; /* netlink aligns to four bytes, and its numbers have eight */
    memcpy(&when, mnl_attr_get_payload(stamp), sizeof when);
    el_duration age =
        now->wall - ((el_time)be64toh(when.sec) * EL_S + ((el_time)be64toh(when.usec) + 1) * EL_US);
    return age > 0 && age < EL_S ? now->monotonic - age : now->monotonic;
}

static void read_message(const struct nlmsghdr *message, const struct moment *now,
                         fault_on_arrival *on_arrival, void *arg)
{
    struct nlattr *attributes[NFQA_MAX + 1] = {0};
    /* What is not a packet is the kernel's complaint about a verdict, and there is one cause: the
     * packet is gone, because its interface is. */
    if (NFNL_MSG_TYPE(message->nlmsg_type) != NFQNL_MSG_PACKET ||
        NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_QUEUE ||
        nfq_nlmsg_parse(message, attributes) < 0 || attributes[NFQA_PACKET_HDR] == NULL)
        return;
    struct fault_arrival arrival = {0};
    const struct nfqnl_msg_packet_hdr *header = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
    arrival.packet = ntohl(header->packet_id);
    if (attributes[NFQA_PAYLOAD] != NULL) {
        arrival.bytes = mnl_attr_get_payload(attributes[NFQA_PAYLOAD]);
        arrival.length = arrival.full = mnl_attr_get_payload_len(attributes[NFQA_PAYLOAD]);
    }
    if (attributes[NFQA_CAP_LEN] != NULL)
        arrival.full = ntohl(mnl_attr_get_u32(attributes[NFQA_CAP_LEN]));
    if (attributes[NFQA_HWADDR] != NULL) {
        const struct nfqnl_msg_packet_hw *hardware = mnl_attr_get_payload(attributes[NFQA_HWADDR]);
        arrival.mac = ntohs(hardware->hw_addrlen) == 6 ? hardware->hw_addr : NULL;
    }
    arrival.at = arrival_time(attributes[NFQA_TIMESTAMP], now);
    on_arrival(&arrival, arg);
}

int fault_netlink_read(struct fault_netlink *netlink, fault_on_arrival *on_arrival, void *arg)
{
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    memset(messages, 0, sizeof messages);
    for (size_t i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){buffers[i], MESSAGE_MAX};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int count = recvmmsg(fault_netlink_fd(netlink), messages, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    struct moment now = {(el_time)wall.tv_sec * EL_S + wall.tv_nsec, el_now()};
    for (int i = 0; i < count; i++) {
        int left = (int)messages[i].msg_len;
        const struct nlmsghdr *message = (const struct nlmsghdr *)buffers[i];
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
            read_message(message, &now, on_arrival, arg);
    }
    return count;
}

/* ---- verdicts out ---------------------------------------------------------------------------- */

void fault_netlink_verdict(struct fault_netlink *netlink, uint32_t packet, bool accept,
                           const uint8_t *bytes, size_t length)
{
    if (netlink->used > VERDICTS)
        fault_netlink_flush(netlink);
    struct nlmsghdr *message =
        nfq_nlmsg_put(netlink->verdicts + netlink->used, NFQNL_MSG_VERDICT, netlink->number);
    nfq_nlmsg_verdict_put(message, (int)packet, accept ? NF_ACCEPT : NF_DROP);
    if (bytes != NULL)
        nfq_nlmsg_verdict_put_pkt(message, bytes, (uint32_t)length);
    netlink->used += MNL_ALIGN(message->nlmsg_len);
}

/* The kernel takes the verdicts within the call, so there is no waiting and no half of it. */
int fault_netlink_flush(struct fault_netlink *netlink)
{
    size_t used = netlink->used;
    netlink->used = 0;
    if (used == 0)
        return 0;
    return mnl_socket_sendto(netlink->socket, netlink->verdicts, used) < 0 ? -errno : 0;
}

/* ---- setting up ------------------------------------------------------------------------------ */

static void pass(const struct fault_arrival *arrival, void *netlink)
{
    fault_netlink_verdict(netlink, arrival->packet, true, NULL, 0);
}

/*
 * Sends a request and waits for the kernel's word, which netlink gives before sendto(2) returns. Where an
 * engine died its rules may be in force still, so packets can come from the moment the queue is bound,
 * before that word: they go on, since nobody has a rule about them yet. [#packets-before-the-word]
 */
static int ask(struct fault_netlink *netlink, struct nlmsghdr *message)
{
    _Alignas(8) char answer[4096]; /* MNL_SOCKET_BUFFER_SIZE is a call, so no array's size */
    const struct moment now = {0, el_now()};
    message->nlmsg_flags |= NLM_F_ACK;
    if (mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0)
        return -errno;
    for (;;) {
        ssize_t got = mnl_socket_recvfrom(netlink->socket, answer, sizeof answer);
        if (got < 0)
            return -errno;
        const struct nlmsghdr *first = (const struct nlmsghdr *)answer;
        if (mnl_nlmsg_ok(first, (int)got) && first->nlmsg_type != NLMSG_ERROR) {
            read_message(first, &now, pass, netlink);
            continue;
        }
        unsigned port = mnl_socket_get_portid(netlink->socket);
        int heard = mnl_cb_run(answer, (size_t)got, 0, port, NULL, NULL) < 0 ? -errno : 0;
        int sent = fault_netlink_flush(netlink);
        return heard < 0 ? heard : sent;
    }
}

static int configure(struct fault_netlink *netlink, uint32_t max_packets)
{
    enum { COPY_FIRST = 256 };
    _Alignas(8) char buffer[4096];
    struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, netlink->number);
    nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
    int error = ask(netlink, message);
    if (error < 0)
        return error;
    message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, netlink->number);
    nfq_nlmsg_cfg_put_qmaxlen(message, max_packets);
    nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, COPY_FIRST);
    return ask(netlink, message);
}

struct fault_netlink *fault_netlink_open(uint16_t number, uint32_t max_packets)
{
    struct fault_netlink *netlink = malloc(sizeof *netlink);
    int size = RECEIVE_BUFFER, error = -ENOMEM;
    if (netlink == NULL)
        return NULL;
    netlink->number = number;
    netlink->used = 0;
    netlink->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (netlink->socket == NULL || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        error = -errno;
    } else {
        int fd = mnl_socket_get_fd(netlink->socket);
        /* FORCE passes the machine's limit and is for real root; the other is cut to it (socket(7)). */
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        error = configure(netlink, max_packets);
    }
    if (error < 0) {
        fault_netlink_close(netlink);
        errno = -error;
        return NULL;
    }
    return netlink;
}

int fault_netlink_copy(struct fault_netlink *netlink, uint32_t bytes)
{
    _Alignas(8) char buffer[512];
    struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, netlink->number);
    nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, (int)bytes);
    /* Without an acknowledgement: packets may stand in the socket before it. */
    return mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}
