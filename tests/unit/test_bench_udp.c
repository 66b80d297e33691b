/*
 * test_bench_udp.c - datagram load against a peer that does to each datagram what the test says.
 *
 * The peer is the test itself: it knows what it did, so each count of the engine has one right value. Nothing depends on
 * speed but the read timeout, and what must not time out has seconds.
 */
#include "bench.h"
#include "engine.h"
#include "socket.h"
#include "unit.h"

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DATAGRAM = 65536 };

/* ---- sendmmsg(2), with errors at will ------------------------------------------------------- */

static atomic_int send_error, send_errors_left;

/* The linker takes this one before libc's. NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (atomic_load(&send_errors_left) > 0) {
        atomic_fetch_sub(&send_errors_left, 1);
        errno = atomic_load(&send_error);
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

/* ---- a run that the test steers ------------------------------------------------------------- */

struct rig {
    struct bench_load load;
    struct bench_thread thread;
    atomic_int phase;
    pthread_t id;
    int peer; /* the peer's socket */
    struct el_address client;
    unsigned char datagram[DATAGRAM];
    size_t length;
};

static struct rig rig;

static int peer_open(struct el_address *address)
{
    struct el_socket_args args = {.type = SOCK_DGRAM, .receive_buffer = 1 << 20};
    ck_assert_int_eq(el_address_from_literal("127.0.0.1", 0, &args.local), 0);
    int fd = el_socket_open(AF_INET, &args, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(el_socket_local(fd, address), 0);
    return fd;
}

static void *run_engine(void *arg)
{
    bench_udp_engine(&rig.thread);
    atomic_store(&rig.thread.ended, true);
    return arg;
}

static void rig_open(unsigned window, size_t size, el_duration timeout)
{
    memset(&rig, 0, sizeof rig);
    rig.load = (struct bench_load){.kind = BENCH_UDP,
                                   .connections = 1,
                                   .window = window,
                                   .size = size,
                                   .read_timeout = timeout,
                                   .threads = 1,
                                   .cpu = -1,
                                   .batch = 16};
    rig.peer = peer_open(&rig.load.target);
    rig.thread = (struct bench_thread){.load = &rig.load,
                                       .connections = 1,
                                       .phase = &rig.phase,
                                       .wake_fd = eventfd(0, EFD_CLOEXEC),
                                       .go_fd = eventfd(1, EFD_CLOEXEC),
                                       .ready_fd = eventfd(0, EFD_CLOEXEC),
                                       .latency = el_histogram_new()};
    pthread_mutex_init(&rig.thread.second_lock, NULL);
    atomic_store(&rig.phase, BENCH_MEASURE);
}

static void rig_start(void)
{
    ck_assert_int_eq(pthread_create(&rig.id, NULL, run_engine, NULL), 0);
}

/* Stops the engine and counts what it sent that the peer has not looked at. */
static unsigned rig_stop(void)
{
    const uint64_t one = 1;
    unsigned more = 0;
    atomic_store(&rig.phase, BENCH_STOP);
    ck_assert_int_eq(write(rig.thread.wake_fd, &one, sizeof one), sizeof one);
    ck_assert_int_eq(pthread_join(rig.id, NULL), 0);
    while (rig.peer >= 0 && recv(rig.peer, rig.datagram, DATAGRAM, MSG_DONTWAIT) >= 0)
        more++;
    return more;
}

static void rig_close(void)
{
    el_socket_close(rig.peer);
    close(rig.thread.wake_fd);
    close(rig.thread.go_fd);
    close(rig.thread.ready_fd);
    el_histogram_free(rig.thread.latency);
    el_histogram_free(rig.thread.corrected);
    el_histogram_free(rig.thread.pace);
}

static uint64_t look(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* The engine is a thread of this process: it comes to it, or the test times out. */
static void wait_until_at_least(const uint64_t *counter, uint64_t value)
{
    while (look(counter) < value)
        sched_yield();
}

/* ---- the peer ------------------------------------------------------------------------------- */

static void peer_receive(void)
{
    struct pollfd peer = {.fd = rig.peer, .events = POLLIN};
    ck_assert_int_eq(poll(&peer, 1, 10000), 1);
    rig.client.length = sizeof rig.client.in6;
    ssize_t got = recvfrom(rig.peer, rig.datagram, DATAGRAM, 0, &rig.client.sa, &rig.client.length);
    ck_assert_int_ge(got, 0);
    rig.length = (size_t)got;
}

static void peer_send(const unsigned char *data, size_t length)
{
    ck_assert_int_eq(sendto(rig.peer, data, length, 0, &rig.client.sa, rig.client.length),
                     (ssize_t)length);
}

static void peer_echo(void)
{
    peer_send(rig.datagram, rig.length);
}

/* What the engine still did when it had been told to stop is in `warm`, which nobody reads then. */
static uint64_t sent_in_all(void)
{
    return rig.thread.counts.sent + rig.thread.warm.sent;
}

/* In a closed loop the window is full whenever the engine waits: so much is under way at the end. */
static void every_datagram_has_its_fate(uint64_t only_corrupt)
{
    const struct bench_counts *c = &rig.thread.counts;
    ck_assert_uint_eq(sent_in_all(), c->received + c->lost + rig.thread.warm.lost + c->late +
                                         only_corrupt + rig.load.window);
    ck_assert_uint_eq(el_histogram_count(rig.thread.latency), c->received);
    ck_assert_uint_eq(c->bytes, c->received * rig.load.size);
    ck_assert_int_eq(rig.thread.error, 0);
}

static const struct {
    size_t size;
    bool gso;
} shapes[] = {{64, false}, {64, true}, {16, false}, {24, true}, {1400, false}, {1400, true}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void rig_open_shape(int shape, unsigned window, el_duration timeout)
{
    rig_open(window, shapes[shape].size, timeout);
    rig.load.gso = shapes[shape].gso;
}

START_TEST(a_third_that_is_dropped_is_lost)
{
    rig_open_shape(_i, 20, 300 * EL_MS);
    rig_start();
    unsigned seen = 0, echoed = 0;
    for (; seen < 60; seen++) {
        peer_receive();
        if (seen % 3 != 2) {
            peer_echo();
            echoed++;
        }
    }
    wait_until_at_least(&rig.thread.counts.received, echoed);
    wait_until_at_least(&rig.thread.counts.lost, seen - echoed);
    seen += rig_stop();
    ck_assert_uint_eq(sent_in_all(), seen);
    ck_assert_uint_eq(rig.thread.counts.received, echoed);
    ck_assert_uint_eq(rig.thread.counts.errors, 0);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

START_TEST(what_comes_twice_is_a_duplicate)
{
    rig_open_shape(_i, 4, 10 * EL_S);
    rig_start();
    for (int i = 0; i < 90; i++) {
        peer_receive();
        peer_echo();
        if (i % 3 == 0)
            peer_echo();
    }
    wait_until_at_least(&rig.thread.counts.received, 90);
    wait_until_at_least(&rig.thread.counts.duplicates, 30);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.received, 90);
    ck_assert_uint_eq(rig.thread.counts.duplicates, 30);
    ck_assert_uint_eq(rig.thread.counts.reordered, 0);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

START_TEST(what_is_overtaken_is_reordered)
{
    static unsigned char held[DATAGRAM];
    rig_open_shape(_i, 4, 10 * EL_S);
    rig_start();
    for (int i = 0; i < 30; i++) {
        peer_receive();
        size_t length = rig.length;
        memcpy(held, rig.datagram, length);
        peer_receive();
        peer_echo();
        peer_send(held, length);
    }
    wait_until_at_least(&rig.thread.counts.received, 60);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.reordered, 30);
    ck_assert_uint_eq(rig.thread.counts.received, 60);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

/* The peer holds one back until the engine has given it up. */
START_TEST(what_comes_after_the_timeout_is_late)
{
    rig_open_shape(_i, 1, 30 * EL_MS);
    rig_start();
    for (uint64_t i = 0; i < 4; i++) {
        peer_receive();
        wait_until_at_least(&rig.thread.counts.lost, 1);
        peer_echo();
        wait_until_at_least(&rig.thread.counts.late, i + 1);
    }
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.late, 4);
    ck_assert_uint_eq(rig.thread.counts.received, 0);
    ck_assert_uint_eq(rig.thread.counts.duplicates, 0);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

/* A byte changed, one missing, one too many: each is the only answer to its datagram. */
START_TEST(what_is_damaged_is_corrupt)
{
    rig_open_shape(_i, 4, 10 * EL_S);
    rig_start();
    for (int i = 0; i < 90; i++) {
        peer_receive();
        if (i % 9 == 0 && rig.length > 24)
            rig.datagram[24 + unit_random(rig.length - 24)] ^= 0x40;
        else if (i % 9 == 3 && rig.length > 16)
            rig.length--;
        else if (i % 9 == 0 || i % 9 == 3 || i % 9 == 6)
            rig.length++;
        peer_echo();
    }
    wait_until_at_least(&rig.thread.counts.received, 60);
    wait_until_at_least(&rig.thread.counts.corrupt, 30);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.corrupt, 30);
    ck_assert_uint_eq(rig.thread.counts.received, 60);
    every_datagram_has_its_fate(30);
    rig_close();
}
END_TEST

START_TEST(a_foreign_nonce_is_of_a_wrong_source)
{
    rig_open_shape(_i, 4, 10 * EL_S);
    rig_start();
    for (int i = 0; i < 30; i++) {
        peer_receive();
        rig.datagram[3] ^= 1;
        peer_echo();
        rig.datagram[3] ^= 1;
        peer_echo();
    }
    wait_until_at_least(&rig.thread.counts.received, 30);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.wrong_source, 30);
    ck_assert_uint_eq(rig.thread.counts.corrupt, 0);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

/* Two in one buffer (UDP_GRO), as a coalescing server answers, the last shorter than it should be. */
START_TEST(coalesced_echoes_are_taken_apart)
{
    enum { SIZE = 100, RUN = 4 };
    static unsigned char run[RUN * SIZE];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = {
        .align = {.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(2)}};
    const uint16_t size = SIZE;
    memcpy(CMSG_DATA(&control.align), &size, sizeof size);
    rig_open(2 * RUN, SIZE, 10 * EL_S);
    rig.load.gso = true;
    rig_start();
    for (int i = 0; i < 20; i++) {
        for (size_t k = 0; k < RUN; k++) {
            peer_receive();
            ck_assert_uint_eq(rig.length, SIZE);
            memcpy(run + k * SIZE, rig.datagram, SIZE);
        }
        struct iovec part = {run, sizeof run - (i % 2 == 0)};
        struct msghdr header = {.msg_name = &rig.client.sa,
                                .msg_namelen = rig.client.length,
                                .msg_iov = &part,
                                .msg_iovlen = 1,
                                .msg_control = &control,
                                .msg_controllen = sizeof control};
        ck_assert_int_eq(sendmsg(rig.peer, &header, 0), (ssize_t)part.iov_len);
    }
    wait_until_at_least(&rig.thread.counts.received, 20 * RUN - 10);
    wait_until_at_least(&rig.thread.counts.corrupt, 10);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.received, 20 * RUN - 10);
    ck_assert_uint_eq(rig.thread.counts.corrupt, 10);
    ck_assert_uint_eq(rig.thread.counts.duplicates, 0);
    every_datagram_has_its_fate(10);
    rig_close();
}
END_TEST

static const size_t sizes[] = {0, 1, 2, 7, 8, 15, 16, 17, 23, 24, 25, 1472, 1473, 9000, 65507};

/* Two under way, so the peer's buffer holds even the largest. */
START_TEST(each_size_comes_back_whole)
{
    rig_open(2, sizes[_i], 10 * EL_S);
    rig_start();
    for (int i = 0; i < 600; i++) { /* more than one byte of number tells apart */
        peer_receive();
        ck_assert_uint_eq(rig.length, sizes[_i]);
        peer_echo();
    }
    wait_until_at_least(&rig.thread.counts.received, 600);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.received, 600);
    ck_assert_uint_eq(rig.thread.counts.corrupt + rig.thread.counts.duplicates +
                          rig.thread.counts.wrong_source + rig.thread.counts.reordered,
                      0);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

/* ---- errors --------------------------------------------------------------------------------- */

START_TEST(a_server_that_goes_away_costs_datagrams_and_the_run_goes_on)
{
    rig_open(4, 64, 200 * EL_MS);
    rig_start();
    for (int i = 0; i < 20; i++) {
        peer_receive();
        peer_echo();
    }
    wait_until_at_least(&rig.thread.counts.received, 20);
    el_socket_close(rig.peer); /* what lay in its buffer is lost without a word */
    rig.peer = -1;
    wait_until_at_least(&rig.thread.counts.errors, 20);
    rig_stop();
    const struct bench_counts *c = &rig.thread.counts;
    ck_assert_uint_eq(c->received, 20);
    ck_assert_uint_ge(c->lost, c->errors);
    ck_assert_uint_le(c->lost, c->errors + 4);
    ck_assert_uint_le(c->sent - c->received - c->lost, 4);
    ck_assert_int_eq(rig.thread.error, 0);
    rig_close();
}
END_TEST

static struct bench_load a_load(const struct el_address *target)
{
    return (struct bench_load){.kind = BENCH_UDP,
                               .target = *target,
                               .connections = 2,
                               .window = 8,
                               .size = 64,
                               .duration = 60 * EL_S,
                               .read_timeout = EL_S,
                               .threads = 1,
                               .cpu = -1,
                               .batch = 8};
}

/* Long before the minute is over. */
START_TEST(where_nobody_listens_the_run_fails_as_refused)
{
    struct el_address target;
    struct bench_sample sample;
    el_socket_close(peer_open(&target));
    struct bench_load load = a_load(&target);
    load.rate = _i == 0 ? 0 : 1000;
    bench_run(&load, &sample);
    ck_assert_int_eq(sample.error, ECONNREFUSED);
    ck_assert_str_eq(sample.failure, "refused (nobody listens there)");
    bench_sample_free(&sample);
}
END_TEST

START_TEST(what_no_datagram_can_carry_is_named)
{
    struct el_address target;
    struct bench_sample sample;
    int fd = peer_open(&target);
    struct bench_load load = a_load(&target);
    load.size = 65508;
    ck_assert_int_eq(bench_run(&load, &sample), -EMSGSIZE);
    ck_assert_str_eq(sample.failure,
                     "send: Message too long (65508 bytes; a datagram carries at most 65507)");
    bench_sample_free(&sample);
    load.size = 1;
    load.window = 257;
    ck_assert_int_eq(bench_run(&load, &sample), -EINVAL);
    ck_assert_ptr_nonnull(strstr(sample.failure, "told apart"));
    bench_sample_free(&sample);
    el_socket_close(fd);
}
END_TEST

/* ENOBUFS ten times: counted, tried again after a rest each time, and nothing is lost. EAGAIN: the same, but epoll says when. */
START_TEST(a_full_queue_is_counted_and_tried_again)
{
    rig_open(4, 64, 10 * EL_S);
    atomic_store(&send_error, _i == 0 ? ENOBUFS : EAGAIN);
    atomic_store(&send_errors_left, 10);
    rig_start();
    for (int i = 0; i < 20; i++) {
        peer_receive();
        peer_echo();
    }
    wait_until_at_least(&rig.thread.counts.received, 20);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.errors, 10);
    ck_assert_uint_eq(rig.thread.counts.lost, 0);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

/* It was told of an earlier datagram, and this one, sent again, is not lost. */
START_TEST(a_pending_error_costs_nothing)
{
    rig_open(1, 64, 10 * EL_S);
    atomic_store(&send_error, ECONNREFUSED);
    rig_start();
    for (int i = 0; i < 20; i++) {
        peer_receive();
        atomic_store(&send_errors_left, 2);
        peer_echo();
    }
    wait_until_at_least(&rig.thread.counts.received, 20);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.errors, 0);
    ck_assert_uint_eq(rig.thread.counts.lost, 0);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

/* EPERM again and again (a local firewall) is this datagram's own: it is lost. */
START_TEST(an_error_that_stays_loses_its_datagram)
{
    rig_open(1, 64, 10 * EL_S);
    rig_start();
    peer_receive();
    atomic_store(&send_error, EPERM);
    atomic_store(&send_errors_left, 3);
    peer_echo();
    for (int i = 0; i < 5; i++) {
        peer_receive();
        peer_echo();
    }
    wait_until_at_least(&rig.thread.counts.received, 6);
    rig_stop();
    ck_assert_uint_eq(rig.thread.counts.errors, 1);
    ck_assert_uint_eq(rig.thread.counts.lost, 1);
    every_datagram_has_its_fate(0);
    rig_close();
}
END_TEST

START_TEST(a_kernel_without_segmentation_is_named)
{
    static const int errors[] = {EINVAL, EIO};
    rig_open(8, 64, 10 * EL_S);
    rig.load.gso = true;
    atomic_store(&send_error, errors[_i]);
    atomic_store(&send_errors_left, 1);
    rig_start();
    ck_assert_int_eq(pthread_join(rig.id, NULL), 0);
    ck_assert_int_eq(rig.thread.error, errors[_i]);
    ck_assert_ptr_nonnull(strstr(rig.thread.failure, "UDP_SEGMENT"));
    ck_assert_uint_eq(rig.thread.counts.sent, 0);
    rig_close();
}
END_TEST

/* ---- open loop ------------------------------------------------------------------------------ */

struct servant {
    pid_t pid;
    atomic_uint *echoed; /* shared with it */
    struct el_address address;
    pthread_t stopper;
};

static struct servant servant_start(void)
{
    struct servant servant = {0};
    int fd = peer_open(&servant.address);
    servant.echoed = mmap(NULL, sizeof *servant.echoed, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(servant.echoed, MAP_FAILED);
    servant.pid = fork();
    if (servant.pid == 0) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        while (poll(&readable, 1, -1) == 1) {
            struct el_address from = {.length = sizeof from.in6};
            ssize_t got = recvfrom(fd, rig.datagram, DATAGRAM, 0, &from.sa, &from.length);
            if (got >= 0 && sendto(fd, rig.datagram, (size_t)got, 0, &from.sa, from.length) >= 0)
                atomic_fetch_add(servant.echoed, 1);
        }
        _exit(1);
    }
    el_socket_close(fd);
    return servant;
}

static void servant_end(struct servant *servant)
{
    kill(servant->pid, SIGKILL);
    ck_assert_int_eq(waitpid(servant->pid, NULL, 0), servant->pid);
    munmap(servant->echoed, sizeof *servant->echoed);
}

/* When 100 datagrams have been echoed, the server stands still for 100 ms: that is what is measured, not a wait for something. */
static void *stop_for_100_ms(void *arg)
{
    const struct servant *servant = arg;
    while (atomic_load(servant->echoed) < 100)
        sched_yield();
    kill(servant->pid, SIGSTOP);
    el_time end = el_now() + 100 * EL_MS;
    for (el_time now; (now = el_now()) < end;)
        poll(NULL, 0, el_poll_ms(end - now));
    kill(servant->pid, SIGCONT);
    return NULL;
}

/* A tenth of the messages were due while it stood still; one was under way. */
START_TEST(a_server_that_stands_still_is_in_the_corrected_latency_alone)
{
    struct servant servant = servant_start();
    struct bench_load load = a_load(&servant.address);
    struct bench_sample sample;
    load.connections = load.window = 1;
    load.rate = 1000;
    load.duration = EL_S;
    ck_assert_int_eq(pthread_create(&servant.stopper, NULL, stop_for_100_ms, &servant), 0);
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    ck_assert_int_eq(pthread_join(servant.stopper, NULL), 0);
    servant_end(&servant);
    ck_assert_uint_eq(el_histogram_count(sample.corrected), sample.counts.received);
    ck_assert_uint_eq(el_histogram_count(sample.latency), sample.counts.received);
    ck_assert_int_ge(el_histogram_percentile(sample.corrected, 99), 80 * EL_MS);
    ck_assert_int_lt(el_histogram_percentile(sample.latency, 99), 50 * EL_MS);
    ck_assert_int_ge(el_histogram_max(sample.latency), 80 * EL_MS);
    bench_sample_free(&sample);
}
END_TEST

/* Never more than was due, and with the window wide all of it. */
START_TEST(an_open_loop_sends_what_is_due)
{
    struct servant servant = servant_start();
    struct bench_load load = a_load(&servant.address);
    struct bench_sample sample;
    load.connections = 3;
    load.threads = 2;
    load.window = 1000;
    load.rate = 2000;
    load.duration = EL_S / 2;
    ck_assert_int_eq(bench_run(&load, &sample), 0);
    servant_end(&servant);
    double due = load.rate * (double)sample.elapsed / (double)EL_S;
    ck_assert_double_le((double)sample.counts.sent, due + 2);
    ck_assert_double_ge((double)sample.counts.sent, due * 0.9);
    ck_assert_uint_eq(el_histogram_count(sample.latency), sample.counts.received);
    bench_sample_free(&sample);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_udp");
    TCase *tests = tcase_create("udp");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, a_third_that_is_dropped_is_lost, 0, SHAPES);
    tcase_add_loop_test(tests, what_comes_twice_is_a_duplicate, 0, SHAPES);
    tcase_add_loop_test(tests, what_is_overtaken_is_reordered, 0, SHAPES);
    tcase_add_loop_test(tests, what_comes_after_the_timeout_is_late, 0, SHAPES);
    tcase_add_loop_test(tests, what_is_damaged_is_corrupt, 0, SHAPES);
    tcase_add_loop_test(tests, a_foreign_nonce_is_of_a_wrong_source, 0, SHAPES);
    tcase_add_test(tests, coalesced_echoes_are_taken_apart);
    tcase_add_loop_test(tests, each_size_comes_back_whole, 0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(tests, a_server_that_goes_away_costs_datagrams_and_the_run_goes_on);
    tcase_add_loop_test(tests, where_nobody_listens_the_run_fails_as_refused, 0, 2);
    tcase_add_test(tests, what_no_datagram_can_carry_is_named);
    tcase_add_loop_test(tests, a_full_queue_is_counted_and_tried_again, 0, 2);
    tcase_add_test(tests, a_pending_error_costs_nothing);
    tcase_add_test(tests, an_error_that_stays_loses_its_datagram);
    tcase_add_loop_test(tests, a_kernel_without_segmentation_is_named, 0, 2);
    tcase_add_test(tests, a_server_that_stands_still_is_in_the_corrected_latency_alone);
    tcase_add_test(tests, an_open_loop_sends_what_is_due);
    return unit_main(suite);
}
