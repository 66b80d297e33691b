/*
 * fuzz_hosts.c - a hosts file with anything in it.
 *
 * Input:    the name that is looked for, a newline, the file.
 * Asserted: it is found exactly when there are addresses; those are at most EL_ADDRESSES_MAX of each family, all different, with our
 *           port; the other name, if any, stands in the file.
 * Run:      make fuzz FUZZ=hosts
 */
#include "fuzz.h"
#include "resolver_private.h"

#include <sys/mman.h>
#include <unistd.h>

enum { PORT = 7007 };

static void check_answer(const struct el_answer *answer, const uint8_t *file, size_t length)
{
    size_t name = strlen(answer->canonical);
    fuzz_holds(answer->count <= EL_ADDRESSES_MAX && name < sizeof answer->canonical);
    fuzz_holds(name == 0 || memmem(file, length, answer->canonical, name) != NULL);
    for (size_t i = 0; i < answer->count; i++) {
        const struct el_address *address = &answer->address[i].destination;
        fuzz_holds(el_address_family(address) == answer->family);
        fuzz_holds(el_address_port(address) == PORT);
        for (size_t j = 0; j < i; j++)
            fuzz_holds(!el_address_equal(address, &answer->address[j].destination));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[40];
    static int fd = -1;
    struct fuzz_input input = {data, size};
    struct el_answer v6 = {.family = AF_INET6}, v4 = {.family = AF_INET};
    char *host = fuzz_text(&input, '\n');
    if (fd < 0) { /* a file without a place on any disk */
        fd = memfd_create("hosts", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_holds(fd >= 0 && ftruncate(fd, 0) == 0);
    fuzz_holds(pwrite(fd, input.at, input.left, 0) == (ssize_t)input.left);
    bool found = el_hosts_find(path, host, PORT, &v6, &v4);
    fuzz_holds(found == (v6.count + v4.count > 0));
    check_answer(&v6, input.at, input.left);
    check_answer(&v4, input.at, input.left);
    free(host);
    return 0;
}
