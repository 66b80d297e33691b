/* test_datagram.c - batches in and out over real sockets on loopback, and the error queue. */
#include "datagram.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 5000, LONGEST = 65535 };

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* A socket with every option that the module reads, on `host` and a port of the kernel's choice. */
static int open_on(int family, const char *host, struct el_address *bound)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    *bound = (struct el_address){0};
    bound->sa.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        bound->length = sizeof bound->in;
        ck_assert_int_eq(inet_pton(AF_INET, host, &bound->in.sin_addr), 1);
        ck_assert_int_eq(set(fd, IPPROTO_IP, IP_PKTINFO, 1), 0);
    } else {
        bound->length = sizeof bound->in6;
        ck_assert_int_eq(inet_pton(AF_INET6, host, &bound->in6.sin6_addr), 1);
        ck_assert_int_eq(set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
        ck_assert_int_eq(set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
    }
    ck_assert_int_eq(set(fd, SOL_SOCKET, SO_RCVBUF, 1 << 20), 0);
    ck_assert_int_eq(bind(fd, &bound->sa, bound->length), 0);
    ck_assert_int_eq(getsockname(fd, &bound->sa, &bound->length), 0);
    return fd;
}

static struct el_datagram_batch *make_batch(unsigned capacity, size_t max, bool gro, bool gso)
{
    struct el_datagram_batch *batch = el_datagram_batch_new(&(struct el_datagram_batch_args){
        .capacity = capacity, .max_datagram = max, .gro = gro, .gso = gso});
    ck_assert_ptr_nonnull(batch);
    return batch;
}

static void wait_readable(int fd)
{
    ck_assert_int_eq(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, WAIT_MS), 1);
}

/* One call is enough for all: on loopback a datagram is there before the send returns. */
static void receive(struct el_datagram_batch *batch, int fd, int wanted)
{
    wait_readable(fd);
    ck_assert_int_eq(el_datagram_receive(batch, fd), wanted);
}

static struct el_datagram_sent reply_all(struct el_datagram_batch *batch, int fd, unsigned count)
{
    bool keep[EL_DATAGRAM_BATCH_MAX];
    memset(keep, true, sizeof keep);
    struct el_datagram_sent sent;
    ck_assert_int_eq(el_datagram_reply(batch, fd, count, keep, &sent), 0);
    return sent;
}

/* A byte pattern that differs between datagrams. */
static void fill(unsigned char *data, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++)
        data[i] = (unsigned char)(31UL * seed + i * 7 + (i >> 8));
}

static void send_pattern(int fd, const struct el_address *to, size_t length, unsigned seed)
{
    static unsigned char data[LONGEST];
    fill(data, length, seed);
    ck_assert_int_eq(el_datagram_send(fd, data, length, to), (ssize_t)length);
}

static void expect_pattern(int fd, size_t length, unsigned seed)
{
    static unsigned char got[LONGEST], wanted[LONGEST];
    wait_readable(fd);
    ck_assert_int_eq(recv(fd, got, sizeof got, 0), (ssize_t)length);
    fill(wanted, length, seed);
    ck_assert_int_eq(memcmp(got, wanted, length), 0);
}

static void expect_silence(int fd)
{
    char byte;
    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

/* Every test has a server and a client on loopback. */
static int server, client;
static struct el_address server_at, client_at;

static void setup(void)
{
    server = open_on(AF_INET, "127.0.0.1", &server_at);
    client = open_on(AF_INET, "127.0.0.1", &client_at);
}

static void teardown(void)
{
    close(server);
    close(client);
}

/* ---- in -------------------------------------------------------------------------------------- */

START_TEST(each_size_is_received_whole_and_echoed)
{
    static const size_t sizes[] = {0, 1, 1400, 1472, 1473, EL_DATAGRAM_MAX_V4};
    struct el_datagram_batch *batch = make_batch(4, LONGEST, false, true);
    size_t size = sizes[_i];
    send_pattern(client, &server_at, size, 1);
    receive(batch, server, 1);
    struct el_datagram *d = el_datagram_at(batch, 0);
    ck_assert_uint_eq(d->length, size);
    ck_assert_uint_eq(d->wire_length, size);
    ck_assert(!d->truncated);
    ck_assert_uint_eq(el_datagram_pieces(d), 1);
    ck_assert_int_eq(d->cast, EL_UNICAST);
    ck_assert_int_eq(memcmp(&d->peer.in, &client_at.in, sizeof client_at.in), 0);
    ck_assert_uint_eq(d->interface, if_nametoindex("lo"));
    struct el_datagram_sent sent = reply_all(batch, server, 1);
    ck_assert_uint_eq(sent.sent, 1);
    ck_assert_uint_eq(sent.bytes, size);
    expect_pattern(client, size, 1);
    expect_silence(client);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(the_longest_ipv6_datagram_is_echoed)
{
    struct el_address six_at, peer_at;
    int six = open_on(AF_INET6, "::", &six_at), peer = open_on(AF_INET6, "::1", &peer_at);
    struct el_datagram_batch *batch = make_batch(2, EL_DATAGRAM_MAX_V6, false, true);
    six_at.in6.sin6_addr = in6addr_loopback;
    send_pattern(peer, &six_at, EL_DATAGRAM_MAX_V6, 3);
    receive(batch, six, 1);
    struct el_datagram *d = el_datagram_at(batch, 0);
    ck_assert_uint_eq(d->wire_length, EL_DATAGRAM_MAX_V6);
    ck_assert_uint_eq(d->local.length, sizeof d->local.in6);
    ck_assert_int_eq(memcmp(&d->local.in6.sin6_addr, &in6addr_loopback, 16), 0);
    ck_assert_uint_eq(reply_all(batch, six, 1).sent, 1);
    expect_pattern(peer, EL_DATAGRAM_MAX_V6, 3);
    el_datagram_batch_free(batch);
    close(six);
    close(peer);
}
END_TEST

START_TEST(a_longer_datagram_is_marked_truncated_and_its_wire_length_known)
{
    struct el_datagram_batch *batch = make_batch(4, 100, _i == 1, true);
    send_pattern(client, &server_at, 100, 1);
    send_pattern(client, &server_at, 101, 2);
    send_pattern(client, &server_at, 5000, 3);
    receive(batch, server, 3);
    ck_assert(!el_datagram_at(batch, 0)->truncated);
    for (unsigned i = 1; i < 3; i++) {
        ck_assert(el_datagram_at(batch, i)->truncated);
        ck_assert_uint_eq(el_datagram_at(batch, i)->length, 100);
        ck_assert_uint_eq(el_datagram_at(batch, i)->wire_length, i == 1 ? 101 : 5000);
    }
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(a_batch_takes_no_more_than_its_capacity_and_forgets_what_it_held)
{
    struct el_datagram_batch *batch = make_batch(3, 2000, false, true);
    for (unsigned i = 0; i < 4; i++)
        send_pattern(client, &server_at, 1000 - i, i);
    receive(batch, server, 3);
    receive(batch, server, 1);
    ck_assert_uint_eq(el_datagram_at(batch, 0)->length, 997);
    ck_assert_int_eq(el_datagram_receive(batch, server), -EAGAIN);
    send_pattern(client, &server_at, 2000, 9); /* the header was prepared again after EAGAIN too */
    receive(batch, server, 1);
    ck_assert_uint_eq(el_datagram_at(batch, 0)->length, 2000);
    ck_assert_uint_eq(el_datagram_at(batch, 0)->peer.length, sizeof client_at.in);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(the_reply_leaves_from_the_address_that_was_probed)
{
    struct el_address any_at, probed;
    int any = open_on(AF_INET, "0.0.0.0", &any_at);
    struct el_datagram_batch *batch = make_batch(4, 2000, false, true);
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.9.8.7"};
    for (unsigned i = 0; i < 3; i++) {
        probed = any_at;
        inet_pton(AF_INET, hosts[i], &probed.in.sin_addr);
        send_pattern(client, &probed, 20, i);
    }
    receive(batch, any, 3);
    ck_assert_uint_eq(reply_all(batch, any, 3).sent, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct sockaddr_in from = {0};
        socklen_t length = sizeof from;
        char data[32], text[INET_ADDRSTRLEN];
        ck_assert_int_eq(recvfrom(client, data, sizeof data, 0, (struct sockaddr *)&from, &length),
                         20);
        ck_assert_str_eq(inet_ntop(AF_INET, &from.sin_addr, text, sizeof text), hosts[i]);
        ck_assert_uint_eq(from.sin_port, any_at.in.sin_port);
    }
    el_datagram_batch_free(batch);
    close(any);
}
END_TEST

START_TEST(a_datagram_to_a_broadcast_address_is_marked_and_has_a_unicast_source_to_reply_from)
{
    struct el_address any_at;
    int any = open_on(AF_INET, "0.0.0.0", &any_at);
    struct el_datagram_batch *batch = make_batch(4, 2000, false, true);
    ck_assert_int_eq(set(client, SOL_SOCKET, SO_BROADCAST, 1), 0);
    any_at.in.sin_addr.s_addr = htonl(0x7fffffff); /* 127.255.255.255 */
    send_pattern(client, &any_at, 20, 1);
    receive(batch, any, 1);
    struct el_datagram *d = el_datagram_at(batch, 0);
    ck_assert_int_eq(d->cast, EL_BROADCAST);
    ck_assert_uint_eq(ntohl(d->local.in.sin_addr.s_addr), INADDR_LOOPBACK);
    el_datagram_batch_free(batch);
    close(any);
}
END_TEST

START_TEST(a_datagram_to_a_group_is_marked)
{
    struct el_address any_at;
    int any = open_on(AF_INET, "0.0.0.0", &any_at);
    struct el_datagram_batch *batch = make_batch(4, 2000, false, true);
    int lo = (int)if_nametoindex("lo");
    struct ip_mreqn group = {.imr_ifindex = lo};
    group.imr_multiaddr.s_addr = any_at.in.sin_addr.s_addr = htonl(0xe0000123);
    ck_assert_int_eq(setsockopt(any, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), 0);
    ck_assert_int_eq(setsockopt(client, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group), 0);
    send_pattern(client, &any_at, 20, 1);
    receive(batch, any, 1);
    ck_assert_int_eq(el_datagram_at(batch, 0)->cast, EL_MULTICAST);
    el_datagram_batch_free(batch);
    close(any);
}
END_TEST

START_TEST(a_pending_error_is_told_once_by_receive_and_by_send)
{
    struct el_datagram_batch *batch = make_batch(4, 2000, false, true);
    ck_assert_int_eq(connect(client, &server_at.sa, server_at.length), 0);
    close(server);
    ck_assert_int_eq(el_datagram_send(client, "a", 1, NULL), 1);
    ck_assert_int_eq(el_datagram_receive(batch, client), -ECONNREFUSED);
    ck_assert_int_eq(el_datagram_receive(batch, client), -EAGAIN);
    ck_assert_int_eq(el_datagram_send(client, "a", 1, NULL), 1);
    ck_assert_int_eq(el_datagram_send(client, "a", 1, NULL), -ECONNREFUSED);
    ck_assert_int_eq(el_datagram_send(client, "a", 1, NULL), 1);
    el_datagram_batch_free(batch);
    server = -1;
}
END_TEST

/* ---- out ------------------------------------------------------------------------------------- */

/* Lengths in order, ended by -1, and how many messages they must become. */
static const struct {
    int lengths[8];
    unsigned messages;
} packings[] = {
    {{10, -1}, 1},
    {{10, 10, 10, -1}, 1},
    {{10, 10, 4, -1}, 1},         /* the last may be shorter */
    {{10, 10, 4, 4, -1}, 2},      /* nothing may follow the shorter one */
    {{10, 10, 4, 10, 10, -1}, 2}, /* not even one of the first length */
    {{4, 10, 10, -1}, 2},         /* never a longer one */
    {{0, 0, 0, -1}, 3},           /* a segment has at least a byte */
    {{10, 0, 10, -1}, 3},
    {{40000, 40000, -1}, 2}, /* together more than one datagram can carry */
    {{32753, 32753, 1, -1}, 1},
    {{32753, 32753, 2, -1}, 2},
    {{32754, 32754, -1}, 2},
};

START_TEST(neighbours_of_one_length_share_a_message)
{
    struct el_datagram_batch *batch = make_batch(8, LONGEST, false, true);
    unsigned n = 0;
    for (; packings[_i].lengths[n] >= 0; n++)
        send_pattern(client, &server_at, (size_t)packings[_i].lengths[n], n);
    receive(batch, server, (int)n);
    struct el_datagram_sent sent = reply_all(batch, server, n);
    ck_assert_uint_eq(sent.sent, n);
    ck_assert_uint_eq(sent.messages, packings[_i].messages);
    ck_assert_uint_eq(sent.calls, 1);
    for (unsigned i = 0; i < n; i++)
        expect_pattern(client, (size_t)packings[_i].lengths[i], i);
    expect_silence(client);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(a_message_has_at_most_64_segments)
{
    struct el_datagram_batch *batch = make_batch(200, 2000, false, true);
    for (unsigned i = 0; i < 130; i++)
        send_pattern(client, &server_at, 5, i);
    receive(batch, server, 130);
    ck_assert_uint_eq(reply_all(batch, server, 130).messages, 3);
    for (unsigned i = 0; i < 130; i++)
        expect_pattern(client, 5, i);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(without_gso_each_datagram_is_a_message_of_its_own)
{
    struct el_datagram_batch *batch = make_batch(8, 2000, false, false);
    for (unsigned i = 0; i < 4; i++)
        send_pattern(client, &server_at, 10, i);
    receive(batch, server, 4);
    struct el_datagram_sent sent = reply_all(batch, server, 4);
    ck_assert_uint_eq(sent.messages, 4);
    ck_assert_uint_eq(sent.calls, 1);
    ck_assert_uint_eq(el_datagram_gso_ceiling(batch), 0);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(only_what_is_kept_is_answered)
{
    struct el_datagram_batch *batch = make_batch(8, 2000, false, true);
    for (unsigned i = 0; i < 5; i++)
        send_pattern(client, &server_at, 10, i);
    receive(batch, server, 5);
    static const bool keep[5] = {false, true, false, true, false}, none[5];
    struct el_datagram_sent sent;
    ck_assert_int_eq(el_datagram_reply(batch, server, 5, keep, &sent), 0);
    ck_assert_uint_eq(sent.sent, 2);
    expect_pattern(client, 10, 1);
    expect_pattern(client, 10, 3);
    ck_assert_int_eq(el_datagram_reply(batch, server, 5, none, &sent), 0);
    ck_assert_uint_eq(sent.calls, 0);
    expect_silence(client);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(two_peers_never_share_a_message)
{
    struct el_address other_at;
    int other = open_on(AF_INET, "127.0.0.1", &other_at);
    struct el_datagram_batch *batch = make_batch(8, 2000, false, true);
    for (unsigned i = 0; i < 6; i++)
        send_pattern(i % 2 ? client : other, &server_at, 10, i);
    receive(batch, server, 6);
    ck_assert_uint_eq(reply_all(batch, server, 6).messages, 6);
    for (unsigned i = 0; i < 6; i++)
        expect_pattern(i % 2 ? client : other, 10, i);
    el_datagram_batch_free(batch);
    close(other);
}
END_TEST

START_TEST(when_the_kernel_refuses_segments_they_go_one_by_one_and_for_good)
{
    struct el_datagram_batch *batch = make_batch(8, 2000, false, true);
    /* udp(7): segments need checksums of their own; without any the kernel says EINVAL. */
    ck_assert_int_eq(set(server, SOL_SOCKET, SO_NO_CHECK, 1), 0);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 4; i++)
            send_pattern(client, &server_at, 10, i);
        receive(batch, server, 4);
        struct el_datagram_sent sent = reply_all(batch, server, 4);
        ck_assert_uint_eq(sent.sent, 4);
        ck_assert_uint_eq(sent.messages, 4);
        ck_assert_uint_eq(sent.calls, round == 0 ? 2 : 1);
        ck_assert_uint_eq(sent.other, 0);
        ck_assert_uint_eq(el_datagram_gso_ceiling(batch), 9);
        for (unsigned i = 0; i < 4; i++)
            expect_pattern(client, 10, i);
    }
    expect_silence(client);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(one_that_cannot_be_sent_costs_only_itself)
{
    struct el_datagram_batch *batch = make_batch(8, 2000, false, _i == 1);
    for (unsigned i = 0; i < 5; i++)
        send_pattern(client, &server_at, 10, i);
    receive(batch, server, 5);
    el_datagram_at(batch, 2)->peer.in.sin_port = 0; /* EINVAL */
    struct el_datagram_sent sent = reply_all(batch, server, 5);
    ck_assert_uint_eq(sent.sent, 4);
    ck_assert_uint_eq(sent.other, 1);
    ck_assert_int_eq(sent.last_error, EINVAL);
    for (unsigned i = 0; i < 5; i++)
        if (i != 2)
            expect_pattern(client, 10, i);
    expect_silence(client);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(a_pending_error_costs_no_reply)
{
    struct el_address gone_at;
    int gone = open_on(AF_INET, "127.0.0.1", &gone_at);
    close(gone);
    ck_assert_int_eq(set(server, IPPROTO_IP, IP_RECVERR, 1), 0);
    struct el_datagram_batch *batch = make_batch(8, 2000, false, true);
    send_pattern(client, &server_at, 10, 1);
    send_pattern(client, &server_at, 10, 2);
    receive(batch, server, 2);
    send_pattern(server, &gone_at, 1, 0); /* refused: the error waits in the server's socket */
    struct el_datagram_sent sent = reply_all(batch, server, 2);
    ck_assert_uint_eq(sent.sent, 2);
    ck_assert_uint_eq(sent.pending, 1);
    ck_assert_uint_eq(sent.other, 0);
    expect_pattern(client, 10, 1);
    expect_pattern(client, 10, 2);
    el_datagram_batch_free(batch);
}
END_TEST

/* A UNIX socket takes datagrams too, and unlike UDP on loopback a test can fill it. */
START_TEST(what_a_full_socket_does_not_take_is_counted_and_dropped)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    struct el_datagram_batch *batch = make_batch(8, 2000, false, false);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_int_eq(send(pair[1], "12345", 5, 0), 5);
    receive(batch, pair[0], 6);
    for (unsigned i = 0; i < 6; i++) /* the connected peer: what the other end of the pair is */
        el_datagram_at(batch, i)->peer.length = 0;
    unsigned filled = 0;
    while (send(pair[0], "x", 1, 0) == 1)
        filled++;
    ck_assert_uint_gt(filled, 2);
    char byte;
    ck_assert_int_eq(recv(pair[1], &byte, 1, 0), 1);
    ck_assert_int_eq(recv(pair[1], &byte, 1, 0), 1);
    struct el_datagram_sent sent = reply_all(batch, pair[0], 6);
    ck_assert_uint_eq(sent.sent + sent.would_block, 6);
    ck_assert_uint_ge(sent.sent, 1); /* a partial sendmmsg first, EAGAIN at the next call */
    ck_assert_uint_ge(sent.would_block, 3);
    ck_assert_uint_eq(sent.calls, 2);
    el_datagram_batch_free(batch);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(an_unusable_socket_is_an_error)
{
    struct el_datagram_batch *batch = make_batch(2, 2000, false, true);
    send_pattern(client, &server_at, 1, 1);
    receive(batch, server, 1);
    struct el_datagram_sent sent;
    ck_assert_int_eq(el_datagram_reply(batch, -1, 1, (bool[]){true}, &sent), -EBADF);
    ck_assert_int_eq(el_datagram_receive(batch, -1), -EBADF);
    el_datagram_batch_free(batch);
    el_datagram_batch_free(NULL);
}
END_TEST

/* ---- GRO ------------------------------------------------------------------------------------- */

/* Sends count datagrams of one length, and a shorter one if `last` is not 0, as one message. */
static void send_segments(uint16_t segment, unsigned count, size_t last)
{
    static unsigned char data[LONGEST];
    union {
        struct cmsghdr c;
        char bytes[CMSG_SPACE(sizeof segment)];
    } control = {.c = {.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT}};
    control.c.cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(&control.c), &segment, sizeof segment);
    size_t length = 0;
    for (unsigned i = 0; i < count; i++, length += segment)
        fill(data + length, segment, i);
    fill(data + length, last, count);
    struct iovec part = {data, length + last};
    struct msghdr header = {.msg_name = &server_at.sa,
                            .msg_namelen = server_at.length,
                            .msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ck_assert_int_eq(sendmsg(client, &header, 0), (ssize_t)part.iov_len);
}

START_TEST(segments_come_as_one_and_go_back_as_many)
{
    bool gso = _i == 1;
    struct el_datagram_batch *batch = make_batch(8, 2000, true, gso);
    ck_assert_int_eq(el_datagram_enable_gro(server), 0);
    send_segments(1000, 20, 300);
    receive(batch, server, 1);
    struct el_datagram *d = el_datagram_at(batch, 0);
    ck_assert_uint_eq(d->segment, 1000);
    ck_assert_uint_eq(d->length, 20300);
    ck_assert(!d->truncated);
    ck_assert_uint_eq(el_datagram_pieces(d), 21);
    struct el_datagram_sent sent = reply_all(batch, server, 1);
    ck_assert_uint_eq(sent.sent, 21);
    ck_assert_uint_eq(sent.messages, gso ? 1 : 21);
    ck_assert_uint_eq(sent.calls, gso ? 1 : 3); /* eight headers a call */
    for (unsigned i = 0; i < 20; i++)
        expect_pattern(client, 1000, i);
    expect_pattern(client, 300, 20);
    expect_silence(client);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(a_shortened_aggregate_answers_only_its_first_segments)
{
    struct el_datagram_batch *batch = make_batch(8, 2000, true, true);
    ck_assert_int_eq(el_datagram_enable_gro(server), 0);
    send_segments(500, 6, 0);
    receive(batch, server, 1);
    el_datagram_at(batch, 0)->length = 500;
    ck_assert_uint_eq(reply_all(batch, server, 1).sent, 1);
    expect_pattern(client, 500, 0);
    expect_silence(client);
    el_datagram_batch_free(batch);
}
END_TEST

START_TEST(the_size_limit_holds_for_each_segment_not_for_their_sum)
{
    struct el_datagram_batch *batch = make_batch(8, 600, true, true);
    ck_assert_int_eq(el_datagram_enable_gro(server), 0);
    send_segments(600, 10, 0);
    send_segments(601, 10, 0);
    receive(batch, server, 2);
    ck_assert(!el_datagram_at(batch, 0)->truncated);
    ck_assert(el_datagram_at(batch, 1)->truncated);
    el_datagram_batch_free(batch);
}
END_TEST

/* ---- a property: whatever comes in goes back once, whole, in order --------------------------- */

/* Repeatable numbers below `limit` (xorshift32): a failure is run again with the same _i. */
static unsigned draw(uint32_t *state, unsigned limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % limit;
}

START_TEST(every_kept_datagram_goes_back_once_whole_and_in_order)
{
    uint32_t state = ((uint32_t)_i + 1) * 2654435761U;
    bool gro = _i & 1, gso = _i & 2;
    struct el_datagram_batch *batch = make_batch(32, LONGEST, gro, gso);
    if (gro)
        ck_assert_int_eq(el_datagram_enable_gro(server), 0);
    struct el_address other_at;
    int other = open_on(AF_INET, "127.0.0.1", &other_at);
    struct {
        size_t length;
        int from;
        bool keep;
    } plan[32];
    bool keep[32];
    unsigned n = 1 + draw(&state, 32), kept = 0;
    for (unsigned i = 0; i < n; i++) {
        static const size_t lengths[] = {0, 1, 7, 700, 700, 700, 1472, 9000, 30000};
        plan[i].from = draw(&state, 4) ? client : other;
        plan[i].length = i > 0 && draw(&state, 3) ? plan[i - 1].length : lengths[draw(&state, 9)];
        plan[i].keep = keep[i] = draw(&state, 8) != 0;
        kept += keep[i];
        send_pattern(plan[i].from, &server_at, plan[i].length, i);
    }
    receive(batch, server, (int)n);
    struct el_datagram_sent sent;
    ck_assert_int_eq(el_datagram_reply(batch, server, n, keep, &sent), 0);
    ck_assert_uint_eq(sent.sent, kept);
    ck_assert_uint_le(sent.messages, kept);
    if (!gso)
        ck_assert_uint_eq(sent.messages, kept);
    for (unsigned i = 0; i < n; i++)
        if (plan[i].keep)
            expect_pattern(plan[i].from, plan[i].length, i);
    expect_silence(client);
    expect_silence(other);
    el_datagram_batch_free(batch);
    close(other);
}
END_TEST

/* ---- the error queue ------------------------------------------------------------------------- */

START_TEST(a_refusal_is_read_with_who_said_it_and_what_it_is_about)
{
    bool six = _i == 1;
    struct el_address nobody, own;
    int family = six ? AF_INET6 : AF_INET;
    const char *host = six ? "::1" : "127.0.0.1";
    int gone = open_on(family, host, &nobody), fd = open_on(family, host, &own);
    close(gone);
    ck_assert_int_eq(set(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVERR : IP_RECVERR, 1),
                     0);
    ck_assert_int_eq(el_datagram_send(fd, "hello", 5, &nobody), 5);
    wait_readable(fd); /* POLLERR ends the wait too */
    struct el_datagram_error error;
    char text[64];
    ck_assert_int_eq(el_datagram_error(fd, &error), 0);
    ck_assert_int_eq(error.error, ECONNREFUSED);
    ck_assert_uint_eq(error.origin, six ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP);
    ck_assert_str_eq(el_datagram_error_name(&error, text, sizeof text), "port unreachable");
    ck_assert_uint_eq(error.target.length, nobody.length);
    ck_assert_int_eq(memcmp(&error.target.sa, &nobody.sa, six ? 24 : 8), 0);
    ck_assert_uint_eq(error.offender.length, nobody.length);
    ck_assert_uint_eq(error.offender.sa.sa_family, (unsigned)family);
    ck_assert_uint_eq(error.length, 5);
    ck_assert_int_eq(memcmp(error.data, "hello", 5), 0);
    ck_assert_int_eq(el_datagram_error(fd, &error), -EAGAIN);
    close(fd);
}
END_TEST

START_TEST(each_icmp_message_has_its_name)
{
    static const struct {
        struct el_datagram_error error;
        const char *name;
    } cases[] = {
        {{.origin = SO_EE_ORIGIN_ICMP, .type = 3, .code = 1}, "host unreachable"},
        {{.origin = SO_EE_ORIGIN_ICMP, .type = 3, .code = 13}, "administratively prohibited"},
        {{.origin = SO_EE_ORIGIN_ICMP, .type = 3, .code = 10}, "host administratively prohibited"},
        {{.origin = SO_EE_ORIGIN_ICMP, .type = 3, .code = 4, .mtu = 600},
         "fragmentation needed, mtu 600"},
        {{.origin = SO_EE_ORIGIN_ICMP, .type = 3, .code = 99}, "destination unreachable"},
        {{.origin = SO_EE_ORIGIN_ICMP, .type = 11, .code = 0}, "time to live exceeded"},
        {{.origin = SO_EE_ORIGIN_ICMP, .type = 77, .code = 5}, "ICMP type 77 code 5"},
        {{.origin = SO_EE_ORIGIN_ICMP6, .type = 1, .code = 4}, "port unreachable"},
        {{.origin = SO_EE_ORIGIN_ICMP6, .type = 2, .mtu = 1280}, "packet too big, mtu 1280"},
        {{.origin = SO_EE_ORIGIN_LOCAL, .error = EMSGSIZE, .mtu = 1500},
         "Message too long, mtu 1500"},
        {{.origin = SO_EE_ORIGIN_LOCAL, .error = 0x7fff}, "unknown error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        ck_assert_str_eq(el_datagram_error_name(&cases[i].error, text, sizeof text), cases[i].name);
    }
    char tiny[5];
    ck_assert_str_eq(el_datagram_error_name(&cases[0].error, tiny, sizeof tiny), "host");
}
END_TEST

START_TEST(large_datagrams_alone_can_have_met_a_black_hole)
{
    struct el_address v4 = el_address_any(AF_INET, 7), v6 = el_address_any(AF_INET6, 7);
    char text[EL_BLACK_HOLE_TEXT];
    ck_assert(!el_datagram_black_hole(&v4, 548, text));
    ck_assert(el_datagram_black_hole(&v4, 549, text));
    ck_assert_ptr_nonnull(strstr(text, "--size 548 "));
    ck_assert(!el_datagram_black_hole(&v6, 1232, text));
    ck_assert(el_datagram_black_hole(&v6, EL_DATAGRAM_MAX_V6, text));
    ck_assert_ptr_nonnull(strstr(text, "of 65527 bytes was lost, and no router said why: "
                                       "if --size 1232 is echoed, "));
    ck_assert_ptr_nonnull(strstr(text, "(RFC 2923)")); /* all of it fits */
}
END_TEST

static Suite *datagram_suite(void)
{
    Suite *suite = suite_create("datagram");
    TCase *t = tcase_create("in");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, each_size_is_received_whole_and_echoed, 0, 6);
    tcase_add_test(t, the_longest_ipv6_datagram_is_echoed);
    tcase_add_loop_test(t, a_longer_datagram_is_marked_truncated_and_its_wire_length_known, 0, 2);
    tcase_add_test(t, a_batch_takes_no_more_than_its_capacity_and_forgets_what_it_held);
    tcase_add_test(t, the_reply_leaves_from_the_address_that_was_probed);
    tcase_add_test(
        t, a_datagram_to_a_broadcast_address_is_marked_and_has_a_unicast_source_to_reply_from);
    tcase_add_test(t, a_datagram_to_a_group_is_marked);
    tcase_add_test(t, large_datagrams_alone_can_have_met_a_black_hole);
    tcase_add_test(t, a_pending_error_is_told_once_by_receive_and_by_send);
    suite_add_tcase(suite, t);

    t = tcase_create("out");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, neighbours_of_one_length_share_a_message, 0,
                        (int)(sizeof packings / sizeof *packings));
    tcase_add_test(t, a_message_has_at_most_64_segments);
    tcase_add_test(t, without_gso_each_datagram_is_a_message_of_its_own);
    tcase_add_test(t, only_what_is_kept_is_answered);
    tcase_add_test(t, two_peers_never_share_a_message);
    tcase_add_test(t, when_the_kernel_refuses_segments_they_go_one_by_one_and_for_good);
    tcase_add_loop_test(t, one_that_cannot_be_sent_costs_only_itself, 0, 2);
    tcase_add_test(t, a_pending_error_costs_no_reply);
    tcase_add_test(t, what_a_full_socket_does_not_take_is_counted_and_dropped);
    tcase_add_test(t, an_unusable_socket_is_an_error);
    suite_add_tcase(suite, t);

    t = tcase_create("GRO");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, segments_come_as_one_and_go_back_as_many, 0, 2);
    tcase_add_test(t, a_shortened_aggregate_answers_only_its_first_segments);
    tcase_add_test(t, the_size_limit_holds_for_each_segment_not_for_their_sum);
    suite_add_tcase(suite, t);

    t = tcase_create("property");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, every_kept_datagram_goes_back_once_whole_and_in_order, 0, 60);
    suite_add_tcase(suite, t);

    t = tcase_create("error queue");
    tcase_add_loop_test(t, a_refusal_is_read_with_who_said_it_and_what_it_is_about, 0, 2);
    tcase_add_test(t, each_icmp_message_has_its_name);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(datagram_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
