/*
 * test_strace_line.c - lines of strace, whole, in halves, cut anywhere, and with anything in them.
 */
#include "strace_line.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Recorded, but for the shortened strings. */
static const char connect_line[] =
    "93    1795831960.074099952 connect(7<TCP:[145558]>, {sa_family=AF_INET, sin_port=htons(7007), "
    "sin_addr=inet_addr(\"10.77.0.2\")}, 16) = -1 EINPROGRESS (Operation now in progress) "
    "<0.000267>";
static const char send_line[] =
    "93    1795831960.077136794 sendto(7<TCP:[10.77.0.1:39782->10.77.0.2:7007]>, "
    "\"|td\\313\\\"(,)]<\\342\"..., 64, MSG_NOSIGNAL, NULL, 0) = 64 <0.000138>";
static const char accept_line[] =
    "80    1795831960.075072368 accept4(8<TCP:[10.77.0.2:7007]>, {sa_family=AF_INET, "
    "sin_port=htons(39782), sin_addr=inet_addr(\"10.77.0.1\")}, [28 => 16], SOCK_CLOEXEC) = "
    "16<TCP:[10.77.0.2:7007->10.77.0.1:39782]> <0.000063>";
static const char name6_line[] =
    "93    1795831960.072752294 getsockname(7<UDPv6:[[fd77::1]:58844->[fd77::2]:7007]>, "
    "{sa_family=AF_INET6, sin6_port=htons(58844), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "
    "\"fd77::1\", &sin6_addr), sin6_scope_id=0}, [128 => 28]) = 0 <0.000059>";
static const char wait_line[] = "93    1795831960.071771330 epoll_wait(3<anon_inode:[eventpoll]>, "
                                "[{events=EPOLLIN, data={u32=7, "
                                "u64=7}}], 32, -1) = 1 <0.000039>";
static const char device_line[] = "93    1795831960.070475049 read(7</dev/urandom<char 1:9>>, "
                                  "\"\\345\\362\"..., 31) = 31 <0.000033>";
static const char select_line[] = "155   1795831963.225165188 pselect6(6, [0<pipe:[146995]> "
                                  "5<TCP:[10.77.0.1:39786->10.77.0.2:7007]>], "
                                  "[], [], NULL, NULL) = 3 (in [0 5], out [5]) <0.000043>";
static const char unfinished_line[] =
    "80    1795831959.619190371 epoll_wait(12<anon_inode:[eventpoll]>,  "
    "<unfinished ...>";
static const char resumed_line[] =
    "80    1795831960.074648480 <... epoll_wait resumed>[{events=EPOLLIN, "
    "data={u32=8, u64=8}}], 32, -1) = 1 <0.455355>";

static struct strace_line parsed(const char *text)
{
    struct strace_line line;
    ck_assert_msg(strace_parse(text, &line) == 0, "%s", text);
    return line;
}

static void text_is(struct strace_text text, const char *expected)
{
    char copy[STRACE_LINE];
    snprintf(copy, sizeof copy, "%.*s", (int)text.length, text.at);
    ck_assert_str_eq(copy, expected);
}

/* ---- whole lines ----------------------------------------------------------------------------- */

START_TEST(a_call_is_taken_apart)
{
    struct strace_line line = parsed(connect_line);
    ck_assert_int_eq(line.kind, STRACE_CALL);
    ck_assert_int_eq(line.pid, 93);
    ck_assert_int_eq(line.at, 1795831960074099952);
    ck_assert_str_eq(line.name, "connect");
    ck_assert(line.returned);
    ck_assert_int_eq(line.result, -1);
    ck_assert_str_eq(line.error, "EINPROGRESS");
    ck_assert_int_eq(line.took, 267 * EL_US);
    text_is(strace_argument(line.arguments, 0), "7<TCP:[145558]>");
    text_is(strace_argument(line.arguments, 2), "16");
    text_is(strace_argument(line.arguments, 3), "");
}
END_TEST

START_TEST(brackets_in_strings_and_in_names_end_nothing)
{
    struct strace_line line = parsed(send_line);
    ck_assert_int_eq(line.result, 64);
    text_is(strace_argument(line.arguments, 1), "\"|td\\313\\\"(,)]<\\342\"...");
    text_is(strace_argument(line.arguments, 2), "64");
    text_is(strace_argument(parsed(device_line).arguments, 0), "7</dev/urandom<char 1:9>>");
    text_is(strace_argument(parsed(device_line).arguments, 2), "31");
    text_is(parsed(select_line).result_text, "3 (in [0 5], out [5])");
}
END_TEST

START_TEST(a_field_is_found_in_a_structure)
{
    struct strace_text events = strace_argument(parsed(wait_line).arguments, 1);
    text_is(strace_field(events, "events="), "EPOLLIN");
    text_is(strace_field(events, "u64="), "7");
    text_is(strace_field(events, "nothing="), "");
}
END_TEST

START_TEST(a_call_that_did_not_come_back_has_no_result)
{
    struct strace_line line = parsed(
        "80    1795831960.078668930 epoll_wait(12<anon_inode:[eventpoll]>,  <detached ...>\n");
    ck_assert_int_eq(line.kind, STRACE_CALL);
    ck_assert(!line.returned);
    line = parsed(
        "7 1.000000001 recvfrom(3<TCP:[1]>, 0x7ffc, 10, 0, NULL, NULL) = ? ERESTARTSYS (To be "
        "restarted if SA_RESTART is set) <0.5>");
    ck_assert(!line.returned);
    ck_assert_int_eq(line.took, EL_S / 2);
}
END_TEST

START_TEST(signals_and_ends_are_told_apart)
{
    struct strace_line line = parsed("5 1.5 --- SIGPIPE {si_signo=SIGPIPE, si_code=SI_USER} ---");
    ck_assert_int_eq(line.kind, STRACE_SIGNAL);
    ck_assert_str_eq(line.name, "SIGPIPE");
    ck_assert_ptr_nonnull(line.arguments.at); /* it has none, but one may look */
    ck_assert_uint_eq(strace_argument(line.arguments, 0).length, 0);
    line = parsed("5 1.5 +++ exited with 7 +++");
    ck_assert_int_eq(line.kind, STRACE_EXITED);
    ck_assert_int_eq(line.status, 7);
    line = parsed("5 1.5 +++ killed by SIGKILL (core dumped) +++");
    ck_assert_int_eq(line.kind, STRACE_KILLED);
    ck_assert_str_eq(line.name, "SIGKILL");
}
END_TEST

START_TEST(what_is_no_line_is_refused)
{
    static const char *const bad[] = {
        "",
        "strace: Process 80 attached",
        "93",
        "93 1795831960.07",
        "93 1795831960 close(3) = 0",
        "93 1795831960.5 close",
        "93 1795831960.5 close(3",
        "93 1795831960.5 close(3)",
        "93 1795831960.5 close(3) = ",
        "93 1795831960.5 close(3) = -1 ",
        "93 1795831960.5 close(\"3) = 0",
        "93 1795831960.5 +++ exited with +++",
        "93 1795831960.5 --- stopped by SIGSTOP ---",
        "99999999999999999999 1.5 close(3) = 0",
        "1 99999999999999999999.5 close(3) = 0",
        "93 1795831960.5 close(3) = 99999999999999999999",
        "93 1795831960.5 a_name_that_is_longer_than_any(3) = 0",
    };
    struct strace_line line;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(strace_parse(bad[i], &line) == -EBADMSG, "%s", bad[i]);
}
END_TEST

/* ---- halves ---------------------------------------------------------------------------------- */

START_TEST(two_halves_are_one_call)
{
    char whole[STRACE_LINE];
    ck_assert_int_eq(parsed(unfinished_line).kind, STRACE_UNFINISHED);
    ck_assert_int_eq(parsed(resumed_line).kind, STRACE_RESUMED);
    ck_assert_int_eq(strace_join(unfinished_line, resumed_line, whole, sizeof whole), 0);
    struct strace_line line = parsed(whole);
    ck_assert_int_eq(line.kind, STRACE_CALL);
    ck_assert_int_eq(line.at, 1795831959619190371);
    ck_assert_int_eq(line.result, 1);
    text_is(strace_argument(line.arguments, 0), "12<anon_inode:[eventpoll]>");
    text_is(strace_argument(line.arguments, 1), "[{events=EPOLLIN, data={u32=8, u64=8}}]");
    ck_assert_int_eq(strace_join("5 1.5 close(4<pipe:[1]> <unfinished ...>",
                                 "5 1.6 <... close resumed>) = 0 <0.1>", whole, sizeof whole),
                     0);
    ck_assert_int_eq(parsed(whole).result, 0);
}
END_TEST

START_TEST(halves_of_different_calls_are_not_joined)
{
    char whole[STRACE_LINE];
    ck_assert_int_eq(
        strace_join(unfinished_line, "80 1.6 <... read resumed>) = 0 <0.1>", whole, sizeof whole),
        -EBADMSG);
    ck_assert_int_eq(strace_join(unfinished_line, "81 1.6 <... epoll_wait resumed>) = 0 <0.1>",
                                 whole, sizeof whole),
                     -EBADMSG);
    ck_assert_int_eq(strace_join(connect_line, resumed_line, whole, sizeof whole), -EBADMSG);
    ck_assert_int_eq(strace_join(unfinished_line, resumed_line, whole, 40), -ENOBUFS);
}
END_TEST

/* ---- sockets --------------------------------------------------------------------------------- */

static struct strace_socket socket_of(const char *text)
{
    struct strace_socket socket;
    ck_assert_msg(strace_socket((struct strace_text){text, strlen(text)}, &socket), "%s", text);
    return socket;
}

START_TEST(a_descriptor_is_what_it_is_at_the_moment)
{
    char text[EL_ADDRESS_TEXT];
    struct strace_socket socket = socket_of("7<TCP:[145558]>");
    ck_assert_int_eq(socket.fd, 7);
    ck_assert_int_eq(socket.protocol, IPPROTO_TCP);
    ck_assert_uint_eq(socket.inode, 145558);
    ck_assert_uint_eq(socket.local.length, 0);
    socket = socket_of("8<TCP:[10.77.0.2:7007]>");
    ck_assert_str_eq(el_address_print(&socket.local, text), "10.77.0.2:7007");
    ck_assert_uint_eq(socket.remote.length, 0);
    socket = socket_of("7<UDPv6:[[fd77::1]:58844->[fd77::2]:7007]>");
    ck_assert_int_eq(socket.protocol, IPPROTO_UDP);
    ck_assert_str_eq(el_address_print(&socket.local, text), "[fd77::1]:58844");
    ck_assert_str_eq(el_address_print(&socket.remote, text), "[fd77::2]:7007");
    ck_assert_int_eq(socket_of("3<UNIX:[146278->146279]>").protocol, 0);
    ck_assert_int_eq(socket_of("3</tmp/<TCP:[1]>").fd, 3);
    ck_assert_int_eq(socket_of("3").protocol, 0);
}
END_TEST

START_TEST(a_mapped_address_is_shown_as_it_is_on_the_wire)
{
    char text[EL_ADDRESS_TEXT];
    struct strace_socket socket =
        socket_of("7<TCPv6:[[::ffff:10.77.0.2]:7007->[::ffff:10.77.0.1]:39782]>");
    ck_assert_str_eq(el_address_print(&socket.local, text), "10.77.0.2:7007");
    ck_assert_str_eq(el_address_print(&socket.remote, text), "10.77.0.1:39782");
}
END_TEST

START_TEST(addresses_are_read_from_arguments)
{
    char text[EL_ADDRESS_TEXT];
    struct el_address address;
    ck_assert(strace_sockaddr(parsed(connect_line).arguments, &address));
    ck_assert_str_eq(el_address_print(&address, text), "10.77.0.2:7007");
    ck_assert(strace_sockaddr(parsed(name6_line).arguments, &address));
    ck_assert_str_eq(el_address_print(&address, text), "[fd77::1]:58844");
    ck_assert(!strace_sockaddr(parsed(send_line).arguments, &address));
}
END_TEST

/* ---- anything -------------------------------------------------------------------------------- */

static const char *const lines[] = {connect_line, send_line,       accept_line,
                                    name6_line,   wait_line,       device_line,
                                    select_line,  unfinished_line, resumed_line};
enum { LINES = sizeof lines / sizeof lines[0] };

/* In an allocation of exactly its length: under ASan, a byte too far is a crash. */
static void read_all(const char *text, size_t length)
{
    struct strace_line line;
    struct strace_socket socket;
    struct el_address address;
    char whole[STRACE_LINE];
    char *copy = malloc(length + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strace_parse(copy, &line) == 0) {
        for (unsigned i = 0; i < 8; i++) {
            struct strace_text argument = strace_argument(line.arguments, i);
            unit_holds(argument.at >= copy && argument.at + argument.length <= copy + length, copy);
            strace_socket(argument, &socket);
            strace_field(argument, "u64=");
        }
        strace_sockaddr(line.arguments, &address);
        strace_socket(line.result_text, &socket);
    }
    strace_join(unfinished_line, copy, whole, sizeof whole);
    strace_join(copy, resumed_line, whole, sizeof whole);
    free(copy);
}

START_TEST(a_line_may_be_cut_anywhere)
{
    for (size_t i = 0; i < LINES; i++)
        for (size_t length = 0; length <= strlen(lines[i]); length++)
            read_all(lines[i], length);
}
END_TEST

START_TEST(property_no_line_is_too_strange_to_read)
{
    static const char alphabet[] = "\"\\<>()[]{},=->? .019azE\xff\n";
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        char text[512];
        snprintf(text, sizeof text, "%s", lines[unit_random(LINES)]);
        size_t length = strlen(text);
        for (unsigned change = 0; change < 4; change++)
            text[unit_random(length)] = alphabet[unit_random(sizeof alphabet - 1)];
        read_all(text, length);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("strace_line");
    TCase *tcase = tcase_create("strace_line");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_call_is_taken_apart);
    tcase_add_test(tcase, brackets_in_strings_and_in_names_end_nothing);
    tcase_add_test(tcase, a_field_is_found_in_a_structure);
    tcase_add_test(tcase, a_call_that_did_not_come_back_has_no_result);
    tcase_add_test(tcase, signals_and_ends_are_told_apart);
    tcase_add_test(tcase, what_is_no_line_is_refused);
    tcase_add_test(tcase, two_halves_are_one_call);
    tcase_add_test(tcase, halves_of_different_calls_are_not_joined);
    tcase_add_test(tcase, a_descriptor_is_what_it_is_at_the_moment);
    tcase_add_test(tcase, a_mapped_address_is_shown_as_it_is_on_the_wire);
    tcase_add_test(tcase, addresses_are_read_from_arguments);
    tcase_add_test(tcase, a_line_may_be_cut_anywhere);
    tcase_add_test(tcase, property_no_line_is_too_strange_to_read);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
