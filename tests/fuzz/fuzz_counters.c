/*
 * fuzz_counters.c - what iptables-save and the kernel say of their counters, and the words that choose among packets.
 *
 * Input:    the text of iptables-save -c, which is also tried as /proc/net/snmp, snmp6, a list of ports and a list of hosts.
 * Asserted: bounds hold; every prefix and name is ended; a packet is wanted by its own host and by nobody's other.
 * Run:      make fuzz FUZZ=counters
 */
#include "fuzz.h"
#include "packet_counters.h"

#include <errno.h>

static void check_rules(const uint8_t *data, size_t size)
{
    static struct rule_counters counters;
    struct fuzz_input input = {data, size};
    counters.count = 0;
    while (input.left > 0) {
        size_t before = counters.count;
        char *line = fuzz_text(&input, '\n');
        int result = rule_counters_add(&counters, line);
        fuzz_holds(result == 0 || result == -ENOENT || result == -ENOBUFS);
        fuzz_holds(counters.count <= COUNTERS_MAX && counters.count <= before + 1);
        fuzz_holds(result == 0 || counters.count == before);
        free(line);
    }
    for (size_t i = 0; i < counters.count; i++) {
        const struct rule_counter *rule = &counters.rule[i];
        fuzz_holds(memchr(rule->prefix, '\0', sizeof rule->prefix) != NULL);
        fuzz_holds(rule->direction == DIRECTION_IN || rule->direction == DIRECTION_OUT);
    }
}

static void check_kernel(const uint8_t *data, size_t size,
                         void (*add)(struct kernel_counters *, FILE *))
{
    static struct kernel_counters counters;
    FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
    if (file == NULL)
        return; /* of nothing */
    counters.count = 0;
    add(&counters, file);
    fclose(file);
    fuzz_holds(counters.count <= KERNEL_COUNTERS_MAX);
    for (size_t i = 0; i < counters.count; i++) {
        const char *name = counters.counter[i].name;
        fuzz_holds(memchr(name, '\0', KERNEL_COUNTER_NAME) != NULL && name[0] != '\0');
        fuzz_holds(counters.counter[i].value != 0);
    }
}

static void check_filter(const char *text)
{
    struct packet_filter filter = {0};
    const char *why = NULL;
    struct el_packet packet = {.host = "client", .prefix = "[UDP] "};
    int error = packet_filter_ports(&filter, text, &why);
    fuzz_holds(error == 0 || (error == -EINVAL && fuzz_sentence(why)));
    if (error == 0)
        fuzz_holds(filter.port_count >= 1 && filter.port_count <= FILTER_PORTS_MAX);
    for (size_t i = 0; error == 0 && i < filter.port_count; i++)
        fuzz_holds(filter.port[i] > 0);
    struct packet_filter hosts = {.hosts = text};
    fuzz_holds(packet_filter_wants(&hosts, &packet) == packet_filter_listed(text, "client"));
    fuzz_holds(!packet_filter_listed(text, "client") || strstr(text, "client") != NULL);
    packet_filter_wants(&(struct packet_filter){.prefix = text}, &packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_whole(data, size);
    check_rules(data, size);
    check_kernel(data, size, kernel_counters_add_pairs);
    check_kernel(data, size, kernel_counters_add_lines);
    check_filter(text);
    free(text);
    return 0;
}
