/* test_topology_any.c - any text at all as a topology; and the pictures. */
#include "../lib/topology_text.h"
#include "../lib/unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- for any text ---------------------------------------------------------------------------- */

/* What is refused is said in printable words; what is accepted reads back as the same, and can be
 * drawn. */
static void check_any(const char *text, size_t length)
{
    static struct topology topology, again;
    struct topology_error error = {0}, unused;
    if (topology_parse(&topology, text, length, &error) < 0) {
        unit_holds(error.text[0] != '\0' && strlen(error.text) < sizeof error.text - 1, text);
        for (const char *at = error.text; *at != '\0'; at++)
            unit_holds(isprint((unsigned char)*at), text);
        return;
    }
    char *normal = topology_normal(&topology);
    unit_holds(topology_parse(&again, normal, strlen(normal), &unused) == 0, normal);
    char *second = topology_normal(&again);
    unit_holds(strcmp(normal, second) == 0, normal);
    free(normal);
    free(second);
    char *drawn = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&drawn, &size);
    ck_assert_ptr_nonnull(file);
    unit_holds(topology_draw(&topology, unit_random(2) == 0, file) == 0, text);
    topology_draw_dot(&topology, file);
    fclose(file);
    free(drawn);
}

START_TEST(property_no_bytes_are_too_strange_to_read)
{
    static const char *const words[] = {
        "host",    "router",  "switch",  "link",     "address", "route",  "nat", "dns",
        "name",    "log",     "a",       "b",        "a:eth0",  "b:eth0", "via", "mtu",
        "rate",    "offload", "nothing", "10mbit",   "default", "over",   "at",  "10.0.0.1",
        "fd00::1", "/24",     "tcp",     "10.0.0.0", "\n"};
    char text[400];
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        size_t length = 0;
        while (length < 300 && unit_random(40) != 0) {
            if (unit_random(4) == 0)
                text[length++] = (char)unit_random(256);
            else
                length += (size_t)snprintf(text + length, 32, "%s%c",
                                           words[unit_random(sizeof words / sizeof words[0])],
                                           " \n"[unit_random(3) == 0]);
        }
        text[length] = '\0';
        check_any(text, length);
    }
}
END_TEST

/* A shipped topology with some bytes changed, lines doubled, moved or taken out. */
static size_t spoil(char *text, size_t length, size_t size)
{
    for (uint64_t i = 0; i <= unit_random(3) && length > 2; i++) {
        size_t at = unit_random(length), other = unit_random(length);
        size_t line = at, stop;
        while (line > 0 && text[line - 1] != '\n')
            line--;
        const char *newline = memchr(text + at, '\n', length - at);
        stop = newline == NULL ? length : (size_t)(newline - text) + 1;
        switch (unit_random(4)) {
        case 0:
            text[at] = (char)unit_random(256);
            break;
        case 1:
            text[at] = text[other];
            break;
        case 2: /* out with the line */
            memmove(text + line, text + stop, length - stop);
            length -= stop - line;
            break;
        default: /* once more */
            if (length + stop - line < size) {
                memmove(text + stop + (stop - line), text + stop, length - stop);
                memcpy(text + stop, text + line, stop - line);
                length += stop - line;
            }
        }
    }
    return length;
}

START_TEST(property_a_spoilt_topology_is_refused_or_reads_back_as_the_same)
{
    static char text[16384];
    for (unsigned round = 0; round < unit_rounds(6000); round++) {
        size_t length;
        const char *whole = shipped_text(shipped_topologies[unit_random(7)], &length);
        memcpy(text, whole, length);
        length = spoil(text, length, sizeof text - 1);
        text[length] = '\0';
        check_any(text, length);
    }
}
END_TEST

/* The fix is at the end of a sentence, behind the word. */
START_TEST(a_word_as_long_as_its_line_is_quoted_whole_and_the_fix_with_it)
{
    static struct topology topology;
    struct topology_error error = {0};
    char text[TOPOLOGY_LINE + 1];
    memset(text, 'I', TOPOLOGY_LINE - 1);
    text[TOPOLOGY_LINE - 1] = '\n';
    text[TOPOLOGY_LINE] = '\0';
    ck_assert_int_eq(topology_parse(&topology, text, TOPOLOGY_LINE, &error), -EINVAL);
    ck_assert_int_eq(error.text[strlen(error.text) - 1], ')');
    ck_assert_uint_gt(strlen(error.text), TOPOLOGY_LINE + 32);
}
END_TEST

/* ---- the picture ----------------------------------------------------------------------------- */

START_TEST(the_picture_of_pair)
{
    static const char *const wanted =
        "                                sw0\n"
        "+- client ----- host -+          |          +- server ---- host -+\n"
        "| eth0  10.77.0.1/24  +- client -+- server -+ eth0  10.77.0.2/24 |\n"
        "|       fd77::1/64    |          |          |       fd77::2/64   |\n"
        "+---------------------+          |          +--------------------+\n"
        "                                 |\n"
        "+= sw0 ====== switch =+          |\n"
        "| br0  10.77.0.254/24 +----------+\n"
        "|      fd77::fe/64    |\n"
        "| answers names (DNS) |\n"
        "+=====================+\n"
        "\n"
        "names    client.lab server.lab (sw0 answers)\n"
        "logged   udp 7,7007; tcp 7,7007; DNS and ICMP always\n";
    char *drawn = NULL;
    size_t size = 0, length;
    FILE *file = open_memstream(&drawn, &size);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(topology_draw(topology_of(shipped_text("pair", &length)), false, file), 0);
    fclose(file);
    ck_assert_str_eq(drawn, wanted);
    free(drawn);
}
END_TEST

START_TEST(every_shipped_picture_fits_a_terminal)
{
    for (size_t i = 0; shipped_topologies[i] != NULL; i++) {
        char *drawn = NULL, *rest = NULL;
        size_t size = 0, length;
        FILE *file = open_memstream(&drawn, &size);
        ck_assert_ptr_nonnull(file);
        topology_draw(topology_of(shipped_text(shipped_topologies[i], &length)), false, file);
        fclose(file);
        for (char *line = strtok_r(drawn, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest))
            ck_assert_msg(strlen(line) <= 80, "%s: %s", shipped_topologies[i], line);
        free(drawn);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topology_any");
    TCase *tcase = tcase_create("topology_any");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, property_no_bytes_are_too_strange_to_read);
    tcase_add_test(tcase, property_a_spoilt_topology_is_refused_or_reads_back_as_the_same);
    tcase_add_test(tcase, a_word_as_long_as_its_line_is_quoted_whole_and_the_fix_with_it);
    tcase_add_test(tcase, the_picture_of_pair);
    tcase_add_test(tcase, every_shipped_picture_fits_a_terminal);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
