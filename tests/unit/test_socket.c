/*
 * test_socket.c - the calls of socket.c on real loopback sockets, and the policy for each errno.
 *
 * Errors that loopback never produces (ECONNABORTED in the accept queue, EINTR in connect) are put
 * in by this program's own accept4(2) and connect(2): a symbol of the program comes before that of
 * libc (ld.so(8)).
 */
#include "socket.h"

#include "../lib/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WAIT_MS = 10000, LINES_MAX = 40 };

/* ---- faults ---------------------------------------------------------------------------------- */

static int accept_fault, accept_fault_count; /* the next accept_fault_count calls fail so */
static int accept_calls;
static bool connect_interrupted;

/* The parameters' names in glibc's headers are reserved ones. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int accept4(int fd, struct sockaddr *addr, socklen_t *length, int flags)
{
    accept_calls++;
    if (accept_fault_count > 0) {
        accept_fault_count--;
        errno = accept_fault;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, addr, length, flags);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): as above */
int connect(int fd, const struct sockaddr *addr, socklen_t length)
{
    int result = (int)syscall(SYS_connect, fd, addr, length);
    if (!connect_interrupted || (result < 0 && errno != EINPROGRESS))
        return result;
    errno = EINTR; /* as when a signal comes while the handshake is on its way */
    return -1;
}

/* ---- fixture: what was narrated, and that no descriptor is left
 * ---------------------------------- */

static char *lines[LINES_MAX];
static size_t line_count;
static struct el_trace *trace;
static int fds_before;

static void keep_line(void *arg, const struct el_event *event)
{
    (void)arg;
    ck_assert(event->narration);
    ck_assert_uint_lt(line_count, LINES_MAX);
    lines[line_count++] = strdup(event->text);
}

static int count_fds(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void setup(void)
{
    trace = el_trace_new(&(struct el_trace_args){.sink = keep_line, .explain = true});
    ck_assert_ptr_nonnull(trace);
    fds_before = count_fds();
}

static void teardown(void)
{
    ck_assert_int_eq(count_fds(), fds_before);
    el_trace_free(trace);
    for (size_t i = 0; i < line_count; i++)
        free(lines[i]);
    line_count = 0;
}

/* The narration so far must be exactly these lines, %d standing for `fd`. */
static void narrated(int fd, size_t count, const char *const expected[])
{
    ck_assert_uint_eq(line_count, count);
    for (size_t i = 0; i < count; i++) {
        char line[256];
        const char *number = strstr(expected[i], "%d");
        if (number == NULL)
            snprintf(line, sizeof line, "%s", expected[i]);
        else
            snprintf(line, sizeof line, "%.*s%d%s", (int)(number - expected[i]), expected[i], fd,
                     number + 2);
        ck_assert_str_eq(lines[i], line);
    }
}

static struct el_address literal(const char *host, uint16_t port)
{
    struct el_address address;
    ck_assert_int_eq(el_address_from_literal(host, port, &address), 0);
    return address;
}

static int open_bound(int type, const char *host, struct el_address *bound)
{
    struct el_socket_args args = {.type = type, .local = literal(host, 0)};
    int fd = el_socket_open(el_address_family(&args.local), &args, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(el_socket_local(fd, bound), 0);
    return fd;
}

static int open_listener(const char *host, int backlog, struct el_address *bound)
{
    int fd = open_bound(SOCK_STREAM, host, bound);
    ck_assert_int_eq(el_socket_listen(fd, backlog, NULL), 0);
    return fd;
}

static int open_plain(int type)
{
    int fd = el_socket_open(AF_INET, &(struct el_socket_args){.type = type}, NULL);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void wait_for(int fd, short events)
{
    ck_assert_int_eq(poll(&(struct pollfd){.fd = fd, .events = events}, 1, WAIT_MS), 1);
}

/* A connected pair over loopback. */
static void make_pair(int *client, int *server)
{
    struct el_address bound;
    int listener = open_listener("127.0.0.1", 8, &bound);
    *client = open_plain(SOCK_STREAM);
    int result = el_socket_connect(*client, &bound, NULL);
    ck_assert(result == 0 || result == -EINPROGRESS);
    wait_for(*client, POLLOUT);
    ck_assert_int_eq(el_socket_connect_finish(*client, NULL), 0);
    wait_for(listener, POLLIN);
    *server = el_socket_accept(listener, NULL, NULL);
    ck_assert_int_ge(*server, 0);
    el_socket_close(listener);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    ck_assert_int_eq(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

static void assert_born_safe(int fd)
{
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* ---- open
 * ---------------------------------------------------------------------------------------- */

START_TEST(a_socket_is_nonblocking_and_close_on_exec_from_birth)
{
    static const int families[] = {AF_INET, AF_INET6}, types[] = {SOCK_STREAM, SOCK_DGRAM};
    int fd = el_socket_open((sa_family_t)families[_i / 2],
                            &(struct el_socket_args){.type = types[_i % 2]}, NULL);
    ck_assert_int_ge(fd, 0);
    assert_born_safe(fd);
    el_socket_close(fd);
}
END_TEST

START_TEST(the_narration_shows_each_call_as_strace_would)
{
    struct el_socket_args args = {.type = SOCK_DGRAM, .local = literal("127.0.0.1", 0)};
    int fd = el_socket_open(AF_INET, &args, trace);
    const char *const expected[] = {"socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC) = %d",
                                    "bind(%d, 127.0.0.1:0) = 0"};
    narrated(fd, 2, expected);
    el_socket_close(fd);
}
END_TEST

static const struct el_socket_args everything = {
    .ttl = 9,
    .tos = 0x10,
    .dont_fragment = true,
    .reuse_address = true,
    .reuse_port = true,
    .packet_info = true,
    .error_queue = true,
    .send_buffer = 16384,
    .receive_buffer = 8192,
};

START_TEST(every_option_asked_for_is_set_and_told_on_ipv4)
{
    struct el_socket_args args = everything;
    args.type = SOCK_DGRAM;
    int fd = el_socket_open(AF_INET, &args, trace);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_TTL), 9);
    ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_TOS), 0x10);
    ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_PKTINFO), 1);
    ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_RECVERR), 1);
    /* The kernel doubles buffer sizes (socket(7)). */
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_SNDBUF), 32768);
    ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_RCVBUF), 16384);
    const char *const expected[] = {
        "socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC) = %d",
        "setsockopt(%d, SO_REUSEADDR, 1) = 0",
        "setsockopt(%d, SO_REUSEPORT, 1) = 0",
        "setsockopt(%d, SO_SNDBUF, 16384) = 0",
        "setsockopt(%d, SO_RCVBUF, 8192) = 0",
        "setsockopt(%d, IP_TTL, 9) = 0",
        "setsockopt(%d, IP_TOS, 16) = 0",
        "setsockopt(%d, IP_MTU_DISCOVER, 2) = 0",
        "setsockopt(%d, IP_PKTINFO, 1) = 0",
        "setsockopt(%d, IP_RECVERR, 1) = 0",
    };
    narrated(fd, sizeof expected / sizeof expected[0], expected);
    el_socket_close(fd);
}
END_TEST

START_TEST(every_option_asked_for_is_set_on_ipv6)
{
    struct el_socket_args args = everything;
    args.type = SOCK_DGRAM;
    int fd = el_socket_open(AF_INET6, &args, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 9);
    ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_TCLASS), 0x10);
    ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_DO);
    ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
    ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_RECVERR), 1);
    el_socket_close(fd);
}
END_TEST

START_TEST(what_is_not_asked_for_is_left_alone_but_v6only)
{
    int fd = el_socket_open(AF_INET6, &(struct el_socket_args){.type = SOCK_STREAM}, trace);
    ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    const char *const expected[] = {"socket(AF_INET6, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC) = %d",
                                    "setsockopt(%d, IPV6_V6ONLY, 1) = 0"};
    narrated(fd, 2, expected);
    el_socket_close(fd);
}
END_TEST

/* Another program may hold that number for IPv4, so several numbers have their chance. */
START_TEST(an_ipv6_wildcard_leaves_the_port_free_for_ipv4)
{
    int four = -EADDRINUSE;
    for (int tries = 0; four == -EADDRINUSE && tries < 100; tries++) {
        struct el_address v6;
        int six = open_listener("::", 8, &v6);
        struct el_socket_args args = {.type = SOCK_STREAM,
                                      .local = el_address_any(AF_INET, el_address_port(&v6))};
        four = el_socket_open(AF_INET, &args, NULL);
        if (four >= 0)
            ck_assert_int_eq(el_socket_listen(four, 8, NULL), 0);
        el_socket_close(six);
    }
    ck_assert_int_ge(four, 0);
    el_socket_close(four);
}
END_TEST

/* Each of these must fail so, and leave no descriptor (the fixture counts). */
START_TEST(a_socket_that_cannot_be_made_as_asked_is_not_made)
{
    struct el_address taken;
    int holder = open_listener("127.0.0.1", 8, &taken);
    const struct {
        struct el_socket_args args;
        sa_family_t family;
        int error;
    } cases[] = {
        {{.local = taken}, AF_INET, EADDRINUSE},
        {{.local = literal("198.51.100.77", 0)}, AF_INET, EADDRNOTAVAIL},
        {{.local = literal("::1", 0)}, AF_INET, EAFNOSUPPORT},
        {{.local = literal("127.0.0.1", 0)}, AF_INET6, EAFNOSUPPORT},
        {{.ttl = 0}, AF_UNIX, EAFNOSUPPORT},
        {{.interface = "no-such-if"}, AF_INET, ENODEV},
        {{.interface = ""}, AF_INET, ENODEV},
        {{.interface = "a-name-longer-than-interfaces-have"}, AF_INET, ENODEV},
        {{.ttl = 256}, AF_INET, EINVAL},
        {{.ttl = 256}, AF_INET6, EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct el_socket_args args = cases[i].args;
        args.type = SOCK_STREAM;
        ck_assert_msg(el_socket_open(cases[i].family, &args, NULL) == -cases[i].error, "case %zu",
                      i);
    }
    el_socket_close(holder);
}
END_TEST

START_TEST(a_failed_call_is_narrated_with_the_name_of_its_errno)
{
    struct el_address taken;
    int holder = open_listener("127.0.0.1", 8, &taken);
    struct el_socket_args args = {.type = SOCK_STREAM, .local = taken};
    ck_assert_int_eq(el_socket_open(AF_INET, &args, trace), -EADDRINUSE);
    ck_assert_uint_eq(line_count, 2);
    ck_assert_ptr_nonnull(strstr(lines[1], ") = -1 EADDRINUSE"));
    el_socket_close(holder);
}
END_TEST

/* No descriptor can be made any more. Returns what the limit was. */
static struct rlimit forbid_descriptors(void)
{
    struct rlimit old, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    return old;
}

START_TEST(without_a_free_descriptor_open_says_emfile)
{
    struct rlimit old = forbid_descriptors();
    int fd = el_socket_open(AF_INET, &(struct el_socket_args){.type = SOCK_STREAM}, trace);
    setrlimit(RLIMIT_NOFILE, &old);
    ck_assert_int_eq(fd, -EMFILE);
    const char *const expected[] = {
        "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC) = -1 EMFILE"};
    narrated(fd, 1, expected);
}
END_TEST

/* ---- accept
 * -------------------------------------------------------------------------------------- */

START_TEST(accept_gives_a_safe_descriptor_and_the_peer)
{
    struct el_address bound, peer, local;
    int listener = open_listener("::1", 8, &bound);
    int client = el_socket_open(AF_INET6, &(struct el_socket_args){.type = SOCK_STREAM}, NULL);
    el_socket_connect(client, &bound, NULL);
    wait_for(listener, POLLIN);
    int fd = el_socket_accept(listener, &peer, trace);
    ck_assert_int_ge(fd, 0);
    assert_born_safe(fd);
    ck_assert_int_eq(el_socket_local(client, &local), 0);
    ck_assert(el_address_equal(&peer, &local));
    char where[EL_ADDRESS_TEXT], line[256];
    snprintf(line, sizeof line, "accept4(%d, SOCK_NONBLOCK|SOCK_CLOEXEC) = %d from %s", listener,
             fd, el_address_print(&local, where));
    const char *const expected[] = {line};
    narrated(fd, 1, expected);
    el_socket_close(fd);
    el_socket_close(client);
    el_socket_close(listener);
}
END_TEST

START_TEST(an_empty_queue_is_eagain_and_no_news)
{
    struct el_address bound;
    int listener = open_listener("127.0.0.1", 8, &bound);
    ck_assert_int_eq(el_socket_accept(listener, NULL, trace), -EAGAIN);
    ck_assert_uint_eq(line_count, 0);
    el_socket_close(listener);
}
END_TEST

/* A listener with one connection waiting, and the first call to accept4(2) failing with `error`. */
static int accept_after_fault(int error, int times)
{
    struct el_address bound;
    int listener = open_listener("127.0.0.1", 8, &bound), client = open_plain(SOCK_STREAM);
    el_socket_connect(client, &bound, NULL);
    wait_for(listener, POLLIN);
    accept_calls = 0;
    accept_fault = error;
    accept_fault_count = times;
    int result = el_socket_accept(listener, NULL, NULL);
    accept_fault_count = 0;
    el_socket_close(result);
    el_socket_close(client);
    el_socket_close(listener);
    return result;
}

static const int of_one_connection[] = {ECONNABORTED, EINTR,     EPROTO, EPERM,        ENETDOWN,
                                        ENOPROTOOPT,  EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH};

START_TEST(an_error_of_one_dead_connection_is_passed_over)
{
    ck_assert_int_ge(accept_after_fault(of_one_connection[_i], 3), 0);
    ck_assert_int_eq(accept_calls, 4);
}
END_TEST

START_TEST(passing_over_is_bounded)
{
    ck_assert_int_eq(accept_after_fault(ECONNABORTED, 1000000), -EAGAIN);
    ck_assert_int_le(accept_calls, 64);
}
END_TEST

static const int of_the_machine[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EINVAL, EBADF, EOPNOTSUPP};

START_TEST(an_error_of_the_machine_is_told_at_once)
{
    ck_assert_int_eq(accept_after_fault(of_the_machine[_i], 1), -of_the_machine[_i]);
    ck_assert_int_eq(accept_calls, 1);
}
END_TEST

/* Valgrind plays the limit itself: it accepts the connection, closes it, and only then says
 * EMFILE. */
static bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

START_TEST(emfile_leaves_the_connection_in_the_queue)
{
    struct el_address bound;
    int listener = open_listener("127.0.0.1", 8, &bound), client = open_plain(SOCK_STREAM);
    el_socket_connect(client, &bound, NULL);
    wait_for(listener, POLLIN);
    struct rlimit old = forbid_descriptors();
    int first = el_socket_accept(listener, NULL, NULL);
    setrlimit(RLIMIT_NOFILE, &old);
    ck_assert_int_eq(first, -EMFILE);
    int second = el_socket_accept(listener, NULL, NULL);
    ck_assert_int_ge(second, 0);
    el_socket_close(second);
    el_socket_close(client);
    el_socket_close(listener);
}
END_TEST

START_TEST(listen_is_narrated_with_its_backlog)
{
    struct el_address bound;
    int fd = open_bound(SOCK_STREAM, "127.0.0.1", &bound);
    ck_assert_int_eq(el_socket_listen(fd, 64, trace), 0);
    const char *const expected[] = {"listen(%d, 64) = 0"};
    narrated(fd, 1, expected);
    el_socket_close(fd);
}
END_TEST

/* ---- connect
 * ------------------------------------------------------------------------------------- */

/* Connects a new stream socket to `peer`, waiting for the end. */
static int connect_and_wait(const struct el_address *peer)
{
    int fd = open_plain(SOCK_STREAM);
    int result = el_socket_connect(fd, peer, trace);
    if (result == -EINPROGRESS) {
        wait_for(fd, POLLOUT);
        result = el_socket_connect_finish(fd, trace);
    }
    el_socket_close(fd);
    return result;
}

START_TEST(tcp_connects_in_two_steps)
{
    struct el_address bound;
    int listener = open_listener("127.0.0.1", 8, &bound);
    ck_assert_int_eq(connect_and_wait(&bound), 0);
    ck_assert_uint_eq(line_count, 2);
    char where[EL_ADDRESS_TEXT], line[256];
    snprintf(line, sizeof line, ", %s) = -1 EINPROGRESS", el_address_print(&bound, where));
    ck_assert_ptr_nonnull(strstr(lines[0], line));
    ck_assert_ptr_nonnull(strstr(lines[1], ", SO_ERROR) = 0"));
    el_socket_close(listener);
}
END_TEST

START_TEST(a_refusal_is_told_by_finish)
{
    struct el_address bound;
    int holder = open_bound(SOCK_STREAM, "127.0.0.1", &bound); /* bound, but nobody listens */
    ck_assert_int_eq(connect_and_wait(&bound), -ECONNREFUSED);
    ck_assert_ptr_nonnull(strstr(lines[line_count - 1], ", SO_ERROR) = ECONNREFUSED"));
    el_socket_close(holder);
}
END_TEST

START_TEST(eintr_means_in_progress_and_the_handshake_goes_on)
{
    struct el_address bound;
    int listener = open_listener("127.0.0.1", 8, &bound);
    connect_interrupted = true;
    int result = connect_and_wait(&bound);
    connect_interrupted = false;
    ck_assert_int_eq(result, 0);
    ck_assert_ptr_nonnull(strstr(lines[0], "= -1 EINTR"));
    el_socket_close(listener);
}
END_TEST

START_TEST(udp_connects_at_once_and_knows_its_own_address)
{
    struct el_address bound, local, peer;
    int server = open_bound(SOCK_DGRAM, "127.0.0.1", &bound), client = open_plain(SOCK_DGRAM);
    ck_assert_int_eq(el_socket_local(client, &local), 0);
    ck_assert(el_address_is_any(&local));
    ck_assert_int_eq(el_socket_connect(client, &bound, NULL), 0);
    ck_assert_int_eq(el_socket_local(client, &local), 0);
    ck_assert(el_address_is_loopback(&local));
    ck_assert_uint_ne(el_address_port(&local), 0);
    ck_assert_int_eq(el_socket_peer(client, &peer), 0);
    ck_assert(el_address_equal(&peer, &bound));
    char byte; /* connect(2) on UDP sent nothing */
    ck_assert_int_eq((int)recv(server, &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    el_socket_close(server);
    el_socket_close(client);
}
END_TEST

/* A listener whose queue is full drops each SYN: a black hole that needs no privilege. */
static int open_black_hole(struct el_address *bound, int *filler)
{
    int listener = open_listener("127.0.0.1", 0, bound);
    *filler = open_plain(SOCK_STREAM);
    el_socket_connect(*filler, bound, NULL);
    wait_for(*filler, POLLOUT);
    wait_for(listener, POLLIN);
    return listener;
}

START_TEST(a_wakeup_before_the_answer_is_still_in_progress)
{
    struct el_address bound, peer;
    int filler, listener = open_black_hole(&bound, &filler), fd = open_plain(SOCK_STREAM);
    ck_assert_int_eq(el_socket_connect(fd, &bound, NULL), -EINPROGRESS);
    ck_assert_int_eq(el_socket_connect_finish(fd, NULL), -EINPROGRESS);
    struct el_tcp_info info;
    ck_assert_int_eq(el_socket_tcp_info(fd, &info), 0);
    ck_assert_str_eq(el_tcp_state_name(info.state), "SYN_SENT");
    ck_assert_int_eq(el_socket_peer(fd, &peer), -ENOTCONN);
    ck_assert_uint_eq(peer.length, 0);
    el_socket_close(fd);
    el_socket_close(filler);
    el_socket_close(listener);
}
END_TEST

START_TEST(an_error_already_fetched_is_never_taken_for_success)
{
    struct el_address bound;
    int holder = open_bound(SOCK_STREAM, "127.0.0.1", &bound), fd = open_plain(SOCK_STREAM);
    ck_assert_int_eq(el_socket_connect(fd, &bound, NULL), -EINPROGRESS);
    wait_for(fd, POLLOUT);
    ck_assert_int_eq(el_socket_connect_finish(fd, NULL), -ECONNREFUSED);
    ck_assert_int_eq(el_socket_connect_finish(fd, NULL), -ENOTCONN);
    el_socket_close(fd);
    el_socket_close(holder);
}
END_TEST

START_TEST(a_socket_connected_to_itself_is_found_out)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    struct el_address own;
    int fd = open_bound(types[_i], "127.0.0.1", &own);
    int result = el_socket_connect(fd, &own, NULL);
    if (result == -EINPROGRESS) {
        wait_for(fd, POLLOUT);
        result = el_socket_connect_finish(fd, NULL);
    }
    ck_assert_int_eq(result, -ELOOP);
    el_socket_reset_on_close(fd);
    el_socket_close(fd);
}
END_TEST

START_TEST(a_broadcast_address_is_not_allowed)
{
    int fd = open_plain(SOCK_DGRAM);
    struct el_address everyone = literal("255.255.255.255", 7007);
    ck_assert_int_eq(el_socket_connect(fd, &everyone, trace), -EACCES);
    const char *const expected[] = {"connect(%d, 255.255.255.255:7007) = -1 EACCES"};
    narrated(fd, 1, expected);
    el_socket_close(fd);
}
END_TEST

/* ---- the rest
 * ------------------------------------------------------------------------------------ */

START_TEST(tcp_info_knows_the_state_the_rtt_and_the_mss)
{
    int client, server;
    make_pair(&client, &server);
    struct el_tcp_info info;
    ck_assert_int_eq(el_socket_tcp_info(client, &info), 0);
    ck_assert_str_eq(el_tcp_state_name(info.state), "ESTABLISHED");
    ck_assert_uint_gt(info.send_mss, 500);
    ck_assert_uint_gt(info.path_mtu, info.send_mss);
    ck_assert_uint_gt(info.rtt_us, 0);
    el_socket_close(server);
    wait_for(client, POLLIN);
    ck_assert_int_eq(el_socket_tcp_info(client, &info), 0);
    ck_assert_str_eq(el_tcp_state_name(info.state), "CLOSE_WAIT");
    el_socket_close(client);

    int udp = open_plain(SOCK_DGRAM);
    info.rtt_us = 1;
    ck_assert_int_lt(el_socket_tcp_info(udp, &info), 0);
    ck_assert_uint_eq(info.rtt_us, 0);
    el_socket_close(udp);
}
END_TEST

START_TEST(reset_on_close_resets)
{
    int client, server;
    char byte;
    make_pair(&client, &server);
    el_socket_reset_on_close(server);
    el_socket_close(server);
    wait_for(client, POLLIN);
    ck_assert_int_eq((int)recv(client, &byte, 1, 0), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    el_socket_close(client);
}
END_TEST

START_TEST(close_keeps_errno_and_minds_no_negative)
{
    errno = ERANGE;
    el_socket_close(-1);
    ck_assert_int_eq(errno, ERANGE);
    el_socket_close(-EMFILE);
    el_socket_close(1 << 20); /* no such descriptor: EBADF is swallowed */
    ck_assert_int_eq(errno, ERANGE);
}
END_TEST

START_TEST(every_tcp_state_has_its_name)
{
    static const char *const names[] = {"?",          "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
                                        "FIN_WAIT1",  "FIN_WAIT2",   "TIME_WAIT", "CLOSE",
                                        "CLOSE_WAIT", "LAST_ACK",    "LISTEN",    "CLOSING"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_str_eq(el_tcp_state_name((uint8_t)i), names[i]);
    ck_assert_str_eq(el_tcp_state_name(13), "?");
    ck_assert_str_eq(el_tcp_state_name(255), "?");
}
END_TEST

static const int hinted[] = {ECONNREFUSED, ETIMEDOUT,     EHOSTUNREACH, ENETUNREACH,
                             EADDRINUSE,   EADDRNOTAVAIL, EACCES,       EMSGSIZE,
                             EPERM,        ECONNRESET,    EMFILE,       ENFILE,
                             ENODEV,       ELOOP,         ENOBUFS,      EPIPE};

START_TEST(a_person_gets_a_hint)
{
    const char *hint = el_socket_hint(hinted[_i]);
    ck_assert_ptr_nonnull(hint);
    ck_assert_uint_gt(strlen(hint), 8);
    ck_assert_str_ne(hint, strerror(hinted[_i])); /* it adds something */
}
END_TEST

START_TEST(where_nothing_is_to_be_added_nothing_is)
{
    ck_assert_ptr_null(el_socket_hint(0));
    ck_assert_ptr_null(el_socket_hint(EINTR));
    ck_assert_ptr_null(el_socket_hint(EDOM));
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    suite_add_tcase(suite, t);
    return t;
}

static Suite *socket_suite(void)
{
    Suite *suite = suite_create("socket");
    TCase *t = add_case(suite, "open");
    tcase_add_loop_test(t, a_socket_is_nonblocking_and_close_on_exec_from_birth, 0, 4);
    tcase_add_test(t, the_narration_shows_each_call_as_strace_would);
    tcase_add_test(t, every_option_asked_for_is_set_and_told_on_ipv4);
    tcase_add_test(t, every_option_asked_for_is_set_on_ipv6);
    tcase_add_test(t, what_is_not_asked_for_is_left_alone_but_v6only);
    tcase_add_test(t, an_ipv6_wildcard_leaves_the_port_free_for_ipv4);
    tcase_add_test(t, a_socket_that_cannot_be_made_as_asked_is_not_made);
    tcase_add_test(t, a_failed_call_is_narrated_with_the_name_of_its_errno);
    tcase_add_test(t, without_a_free_descriptor_open_says_emfile);

    t = add_case(suite, "accept");
    tcase_add_test(t, accept_gives_a_safe_descriptor_and_the_peer);
    tcase_add_test(t, an_empty_queue_is_eagain_and_no_news);
    tcase_add_loop_test(t, an_error_of_one_dead_connection_is_passed_over, 0,
                        COUNT(of_one_connection));
    tcase_add_test(t, passing_over_is_bounded);
    tcase_add_loop_test(t, an_error_of_the_machine_is_told_at_once, 0, COUNT(of_the_machine));
    if (!under_valgrind())
        tcase_add_test(t, emfile_leaves_the_connection_in_the_queue);
    tcase_add_test(t, listen_is_narrated_with_its_backlog);

    t = add_case(suite, "connect");
    tcase_add_test(t, tcp_connects_in_two_steps);
    tcase_add_test(t, a_refusal_is_told_by_finish);
    tcase_add_test(t, eintr_means_in_progress_and_the_handshake_goes_on);
    tcase_add_test(t, udp_connects_at_once_and_knows_its_own_address);
    tcase_add_test(t, a_wakeup_before_the_answer_is_still_in_progress);
    tcase_add_test(t, an_error_already_fetched_is_never_taken_for_success);
    tcase_add_loop_test(t, a_socket_connected_to_itself_is_found_out, 0, 2);
    tcase_add_test(t, a_broadcast_address_is_not_allowed);

    t = add_case(suite, "the rest");
    tcase_add_test(t, tcp_info_knows_the_state_the_rtt_and_the_mss);
    tcase_add_test(t, reset_on_close_resets);
    tcase_add_test(t, close_keeps_errno_and_minds_no_negative);
    tcase_add_test(t, every_tcp_state_has_its_name);
    tcase_add_loop_test(t, a_person_gets_a_hint, 0, COUNT(hinted));
    tcase_add_test(t, where_nothing_is_to_be_added_nothing_is);
    return suite;
}

int main(void)
{
    return unit_main(socket_suite());
}
