/*
 * test_packet_filter.c - what net log shows of what there is: filters, and two rings read as one.
 *
 * packet_show() runs here on rings of our own making; its fence needs hosts and fails, which it says
 * on stderr: not what is tested here.
 */
#include "packet_filter.h"
#include "packet_show.h"
#include "packets.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { IN = NF_INET_LOCAL_IN, OUT = NF_INET_POST_ROUTING };

static const char data[] =
    "[t client TCP] IN= OUT=eth0 SRC=10.77.0.1 DST=10.77.0.2 LEN=104 TOS=0x00 "
    "PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=7007 SEQ=1000 ACK=5000 "
    "WINDOW=63 RES=0x00 ACK PSH URGP=0 OPT () ";
static const char ack[] = "[t server TCP] IN= OUT=eth0 SRC=10.77.0.2 DST=10.77.0.1 LEN=40 TOS=0x00 "
                          "PREC=0x00 TTL=64 ID=9 DF PROTO=TCP SPT=7007 DPT=40000 SEQ=5000 ACK=1064 "
                          "WINDOW=63 RES=0x00 ACK URGP=0 OPT () ";
static const char question[] = "[t client DNS] IN= OUT=eth0 SRC=10.77.0.1 DST=10.77.0.254 LEN=60 "
                               "TOS=0x00 PREC=0x00 TTL=64 ID=2 PROTO=UDP SPT=40001 DPT=53 LEN=40 ";
static const char refused[] = "[t server ICMP] IN= OUT=eth0 SRC=10.77.0.2 DST=10.77.0.1 LEN=120 "
                              "TOS=0x00 PREC=0xC0 TTL=64 ID=3 "
                              "PROTO=ICMP TYPE=3 CODE=3 [SRC=10.77.0.1 DST=10.77.0.2 LEN=92 "
                              "TOS=0x00 PREC=0x00 TTL=64 ID=4 DF "
                              "PROTO=UDP SPT=40002 DPT=9999 LEN=72 ] ";

static struct el_packet packet_of(const char *line, const char *host, uint8_t hook, el_time at)
{
    struct el_packet packet;
    ck_assert_int_eq(el_packet_parse_kernel(line, "t", &packet), 0);
    snprintf(packet.host, sizeof packet.host, "%s", host);
    snprintf(packet.source_name, sizeof packet.source_name, "%s",
             strstr(line, "SRC=10.77.0.1") == strstr(line, "SRC=") ? "client" : "server");
    snprintf(packet.destination_name, sizeof packet.destination_name, "%s",
             strcmp(packet.source_name, "client") == 0 ? "server" : "client");
    packet.hook = hook;
    packet.at = at;
    if (hook != OUT) {
        snprintf(packet.in, sizeof packet.in, "eth0");
        packet.out[0] = '\0';
    }
    return packet;
}

static struct el_packet fate_of(const char *line, const char *host, const char *from, el_time at,
                                const char *what)
{
    struct el_packet packet = packet_of(line, host, EL_HOOK_FAULT, at);
    snprintf(packet.prefix, sizeof packet.prefix, "%s", what);
    snprintf(packet.out, sizeof packet.out, "%s", from);
    packet.mark = 1;
    return packet;
}

/* ---- filters --------------------------------------------------------------------------------- */

START_TEST(each_filter_lets_through_what_it_names)
{
    struct el_packet tcp = packet_of(data, "client", OUT, 0),
                     dns = packet_of(question, "client", OUT, 0),
                     icmp = packet_of(refused, "server", OUT, 0),
                     fate = fate_of(data, "server", "client", 0, "drop");
    const char *why;
    struct packet_filter filter = {0};
    ck_assert(packet_filter_wants(&filter, &tcp) && packet_filter_wants(&filter, &fate));

    filter = (struct packet_filter){.hosts = "server,other"};
    ck_assert(!packet_filter_wants(&filter, &tcp));
    ck_assert(packet_filter_wants(&filter, &icmp));
    filter.hosts = "client"; /* a fate is between two hosts */
    ck_assert(packet_filter_wants(&filter, &fate));
    filter.hosts = "clien,client2";
    ck_assert(!packet_filter_wants(&filter, &tcp) && !packet_filter_wants(&filter, &fate));

    filter = (struct packet_filter){.protocols = 1U << EL_KIND_DNS};
    ck_assert(packet_filter_wants(&filter, &dns) && !packet_filter_wants(&filter, &tcp));

    filter = (struct packet_filter){.directions = DIRECTION_IN | DIRECTION_FAULT};
    ck_assert(!packet_filter_wants(&filter, &tcp) && packet_filter_wants(&filter, &fate));

    filter = (struct packet_filter){0};
    ck_assert_int_eq(packet_filter_ports(&filter, "9999,7", &why), 0);
    ck_assert(packet_filter_wants(&filter, &icmp)); /* it is about such a packet */
    ck_assert(!packet_filter_wants(&filter, &tcp));
    ck_assert_int_eq(packet_filter_ports(&filter, "40000", &why), 0);
    ck_assert(packet_filter_wants(&filter, &tcp) && packet_filter_wants(&filter, &fate));

    for (const char **prefix = (const char *[]){"TCP", "[TCP]", "[TCP] ", NULL}; *prefix != NULL;
         prefix++) {
        filter = (struct packet_filter){.prefix = *prefix};
        ck_assert(packet_filter_wants(&filter, &tcp) && !packet_filter_wants(&filter, &dns));
        ck_assert(!packet_filter_wants(&filter, &fate));
    }
    filter.prefix = "TC";
    ck_assert(!packet_filter_wants(&filter, &tcp));
}
END_TEST

START_TEST(ports_are_numbers_from_1_to_65535)
{
    static const char *const bad[] = {"",
                                      ",",
                                      "0",
                                      "65536",
                                      "7,",
                                      ",7",
                                      "7,,8",
                                      "7 8",
                                      "-7",
                                      "x",
                                      "7x",
                                      "99999999999999999999",
                                      "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
    struct packet_filter filter;
    const char *why = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(packet_filter_ports(&filter, bad[i], &why) == -EINVAL, "%s", bad[i]);
        ck_assert_ptr_nonnull(why);
    }
    ck_assert_int_eq(packet_filter_ports(&filter, "1,65535", &why), 0);
    ck_assert_uint_eq(filter.port_count, 2);
}
END_TEST

/* ---- two rings, one story -------------------------------------------------------------------- */

static char packets_path[64], faults_path[64];

static struct el_packets *ring(char *path, const char *name)
{
    snprintf(path, 64, "/tmp/echolab-test-%s.%d", name, getpid());
    unlink(path);
    struct el_packets *log = el_packets_create(&(struct el_packets_args){
        .path = path, .hosts = (const char *[]){"client", "server", NULL}, .capacity = 64});
    ck_assert_ptr_nonnull(log);
    return log;
}

static void append(struct el_packets *log, struct el_packet packet)
{
    el_packets_append(log, &packet);
}

/* A segment is dropped, sent again 200 ms later, delayed, and answered. */
static void make_story(void)
{
    struct el_packets *packets = ring(packets_path, "packets"),
                      *faults = ring(faults_path, "faults");
    append(packets, packet_of(data, "client", OUT, 10 * EL_MS));
    append(faults, fate_of(data, "server", "client", 10 * EL_MS + 50, "drop"));
    append(faults, fate_of(data, "server", "client", 210 * EL_MS + 50, "delay 20.103ms"));
    append(packets, packet_of(data, "client", OUT, 210 * EL_MS + 100));
    append(packets, packet_of(data, "server", IN, 231 * EL_MS));
    append(packets, packet_of(ack, "server", OUT, 232 * EL_MS));
    append(packets, packet_of(ack, "client", IN, 233 * EL_MS));
    el_packets_close(packets);
    el_packets_close(faults);
}

/* Runs `packet_log show` on the two rings with more options; its exit code, and its output. */
static int show(char *output, size_t size, const char *option, const char *more)
{
    char name[] = "show", log[] = "--log", faults[] = "--faults", words[2][64];
    snprintf(words[0], 64, "%s", option == NULL ? "" : option);
    snprintf(words[1], 64, "%s", more == NULL ? "" : more);
    char *arguments[] = {name, log, packets_path, faults, faults_path, words[0], words[1], NULL};
    int count = 5 + (option != NULL) + (more != NULL);
    arguments[count] = NULL;
    int kept = dup(STDOUT_FILENO), file = memfd_create("output", MFD_CLOEXEC);
    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    int code = packet_show(count, arguments);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    ssize_t got = pread(file, output, size - 1, 0);
    output[got > 0 ? got : 0] = '\0';
    close(file);
    close(kept);
    unlink(packets_path);
    unlink(faults_path);
    return code;
}

START_TEST(fates_are_shown_between_departure_and_arrival)
{
    char output[4096];
    make_story();
    ck_assert_int_eq(show(output, sizeof output, NULL, NULL), 0);
    ck_assert_str_eq(
        output,
        "    0.000 ms  client >  TCP   client:40000 > server:7007  PSH ACK  64 bytes  seq 0\n"
        "    0.000 ms  server x  TCP   client:40000 > server:7007  PSH ACK  64 bytes  seq 0  drop "
        "(rule 1)\n"
        "  200.000 ms  client >  TCP   client:40000 > server:7007  PSH ACK  64 bytes  seq 0  "
        "resent\n"
        "  200.000 ms  server ~  TCP   client:40000 > server:7007  PSH ACK  64 bytes  seq 0  delay "
        "20.103ms (rule 1)\n"
        "  221.000 ms  server <  TCP   client:40000 > server:7007  PSH ACK  64 bytes  seq 0\n"
        "  222.000 ms  server >  TCP   server:7007 > client:40000  ACK  seq 0 ack 64\n"
        "  223.000 ms  client <  TCP   server:7007 > client:40000  ACK  seq 0 ack 64\n");
}
END_TEST

START_TEST(fates_can_be_left_out_or_be_all_that_is_shown)
{
    char output[4096];
    make_story();
    ck_assert_int_eq(show(output, sizeof output, "--no-faults", NULL), 0);
    ck_assert_ptr_null(strstr(output, "rule"));
    make_story();
    ck_assert_int_eq(show(output, sizeof output, "--direction=fault", "--format=kernel"), 0);
    ck_assert_int_eq(strncmp(output, "[FAULT drop] IN=eth0 OUT= MAC= SRC=10.77.0.1 ", 45), 0);
    make_story();
    ck_assert_int_eq(show(output, sizeof output, "--count", NULL), 0);
    ck_assert_str_eq(output, "3\n"); /* what left, twice, and the answer */
    make_story();
    ck_assert_int_eq(show(output, sizeof output, "--count", "--direction=fault"), 0);
    ck_assert_str_eq(output, "2\n");
    make_story(); /* from the second departure on: the first one's fate belongs to before */
    ck_assert_int_eq(show(output, sizeof output, "--from=1", "--direction=fault"), 0);
    ck_assert_ptr_nonnull(strstr(output, "drop"));
    make_story();
    ck_assert_int_eq(show(output, sizeof output, "--from=2", "--direction=fault"), 0);
    ck_assert_str_eq(output, "");
}
END_TEST

START_TEST(json_has_null_for_what_does_not_exist)
{
    char output[16384];
    make_story();
    ck_assert_int_eq(show(output, sizeof output, "--format=json", "--direction=fault"), 0);
    ck_assert_ptr_nonnull(strstr(output, "{\"format_version\":1,\"number\":0,"));
    ck_assert_ptr_nonnull(strstr(output, "\"direction\":\"fault\""));
    ck_assert_ptr_nonnull(
        strstr(output, "\"fate\":{\"what\":\"delay 20.103ms\",\"rule\":1,\"from\":\"client\"}"));
    ck_assert_ptr_nonnull(strstr(output, "\"stamp_ns\":null"));
    ck_assert_ptr_nonnull(strstr(output, "\"icmp\":null"));
    ck_assert_ptr_nonnull(strstr(output,
                                 "\"tcp\":{\"flags\":[\"PSH\",\"ACK\"],\"seq\":1000,\"ack\":5000,"
                                 "\"relative_seq\":0,\"relative_ack\":null,\"window\":63,"
                                 "\"resent\":null}"));
}
END_TEST

/* Reads recorded lines of the kernel's log: this world's, and anybody's. */
START_TEST(the_kernels_log_is_a_source_like_the_rings)
{
    char output[4096], kmsg[4096];
    snprintf(kmsg, sizeof kmsg,
             "6,1,1000,-;device eth0 entered promiscuous mode\n SUBSYSTEM=net\n"
             "4,2,2000,-;%s\n"
             "14,3,2001,-;[t client TCP] written by a program: facility 1\n"
             "4,4,2002,-;[x client TCP] IN= OUT=eth0 of another world\n"
             "4,7,2500,-;%s\n"
             "4,8,2600,-;[t client TCP] IN= OUT=eth0 SRC=10.7\n",
             data, question);
    snprintf(packets_path, sizeof packets_path, "/tmp/echolab-test-kmsg.%d", getpid());
    int fd = open(packets_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, kmsg, strlen(kmsg)), (ssize_t)strlen(kmsg));
    close(fd);

    char name[] = "show", source[] = "--source=kernel", tag[] = "--tag=t", from[] = "--kmsg",
         said[2048];
    char *arguments[] = {name, source, tag, from, packets_path, NULL};
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    int file = memfd_create("output", MFD_CLOEXEC), errors = memfd_create("errors", MFD_CLOEXEC);
    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    int code = packet_show(5, arguments);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    unlink(packets_path);
    ssize_t got = pread(file, output, sizeof output - 1, 0);
    output[got > 0 ? got : 0] = '\0';
    got = pread(errors, said, sizeof said - 1, 0);
    said[got > 0 ? got : 0] = '\0';
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(output,
                     "    0.000 ms  client >  TCP   10.77.0.1:40000 > 10.77.0.2:7007  PSH ACK"
                     "  64 bytes  seq 0\n"
                     "    0.500 ms  client >  DNS   10.77.0.1:40001 > 10.77.0.254:53\n");
    ck_assert_ptr_nonnull(strstr(said, "2 records of the kernel's log were overwritten"));
    ck_assert_ptr_nonnull(strstr(said, "1 line of this world was cut off or damaged"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packet_filter");
    TCase *tcase = tcase_create("packet_filter");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, each_filter_lets_through_what_it_names);
    tcase_add_test(tcase, ports_are_numbers_from_1_to_65535);
    tcase_add_test(tcase, fates_are_shown_between_departure_and_arrival);
    tcase_add_test(tcase, fates_can_be_left_out_or_be_all_that_is_shown);
    tcase_add_test(tcase, json_has_null_for_what_does_not_exist);
    tcase_add_test(tcase, the_kernels_log_is_a_source_like_the_rings);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
