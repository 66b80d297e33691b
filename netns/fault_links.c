/*
 * fault_links.c - the plugs of a world, and pairs of them.
 *
 * Partner:  topology_plan.c writes the file; fault_plan.c turns pairs into rules.
 */
#include "fault_links.h"

#include <errno.h>
#include <string.h>

int fault_plugs_read(struct fault_plugs *plugs, FILE *file)
{
    plugs->count = 0;
    while (true) {
        struct fault_plug plug = {0};
        int got = fscanf(file, "%15s %15s %17s %47s %15s %15s", plug.place, plug.interface,
                         plug.mac, plug.segment, plug.peer, plug.peer_interface);
        if (got == EOF)
            return 0;
        if (got != 6)
            return -EBADMSG;
        if (plugs->count == FAULT_PLUGS_MAX)
            return -E2BIG;
        plugs->plug[plugs->count++] = plug;
    }
}

bool fault_plugs_pair(const struct fault_plugs *plugs, const char *from, const char *to, size_t *at,
                      const struct fault_plug **from_plug, const struct fault_plug **to_plug)
{
    for (; *at < plugs->count * plugs->count; ++*at) {
        const struct fault_plug *a = &plugs->plug[*at / plugs->count];
        const struct fault_plug *b = &plugs->plug[*at % plugs->count];
        if (strcmp(a->place, from) == 0 && strcmp(b->place, to) == 0 &&
            strcmp(a->segment, b->segment) == 0) {
            *from_plug = a;
            *to_plug = b;
            ++*at;
            return true;
        }
    }
    return false;
}

/* Is `name` among the neighbours of `place` that were listed before plug number `end`? */
static bool named_before(const struct fault_plugs *plugs, const char *place, size_t end)
{
    for (size_t i = 0; i < end; i++)
        if (strcmp(plugs->plug[i].place, place) == 0)
            return true;
    return false;
}

int fault_plugs_check(const struct fault_plugs *plugs, const char *from, const char *to, char *why)
{
    const struct fault_plug *a, *b;
    size_t at = 0;
    if (fault_plugs_pair(plugs, from, to, &at, &a, &b))
        return 0;
    char links[FAULT_WHY_MAX / 2] = "";
    for (size_t i = 0; i < plugs->count; i++) {
        const char *other = plugs->plug[i].place;
        size_t used = strlen(links);
        at = 0;
        if (strcmp(other, from) != 0 && !named_before(plugs, other, i) &&
            fault_plugs_pair(plugs, from, other, &at, &a, &b))
            snprintf(links + used, sizeof links - used, " %s:%s", from, other);
    }
    snprintf(why, FAULT_WHY_MAX,
             "%s:%s: no cable or switch joins these two (the links of %s are:%s)", from, to, from,
             links[0] == '\0' ? " none" : links);
    return -ENOENT;
}
