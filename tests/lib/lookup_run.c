/*
 * lookup_run.c - drives one lookup turn by turn, so that tests can count turns and stop at any of
 * them.
 */
#include "lookup_run.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void on_answer(void *arg, const struct el_answer *answer)
{
    struct lookup_run *run = arg;
    run->called_too_early = run->called_too_early || run->starting;
    ck_assert_msg(!run->done, "an answer after done");
    ck_assert_uint_lt(run->answers, 2);
    run->order[run->answers++] = answer->family;
    *(answer->family == AF_INET6 ? &run->v6 : &run->v4) = *answer;
    *(answer->family == AF_INET6 ? &run->v6_at : &run->v4_at) = el_now();
    if ((unsigned)run->cancel == run->answers) {
        el_lookup_cancel(run->lookup);
        run->lookup = NULL;
    }
}

static void on_done(void *arg, struct el_lookup *lookup)
{
    struct lookup_run *run = arg;
    const struct el_query *queries;
    run->called_too_early = run->called_too_early || run->starting;
    ck_assert_ptr_eq(lookup, run->lookup);
    run->done = true;
    run->done_at = el_now();
    run->query_count = el_lookup_queries(lookup, &queries);
    memcpy(run->queries, queries, run->query_count * sizeof *queries);
    if (run->cancel == CANCEL_IN_DONE)
        el_lookup_cancel(lookup);
    run->lookup = NULL;
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

void run_begin(struct lookup_run *run, const struct mock_rule *rules, size_t count)
{
    struct event_config *config = event_config_new();
    memset(run, 0, sizeof *run);
    run->descriptors = open_descriptors();
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    run->base = event_base_new_with_config(config);
    event_config_free(config);
    ck_assert_ptr_nonnull(run->base);
    run->mock = mock_dns_new(run->base, "127.0.0.1", rules, count);
    run->servers[0] = mock_dns_address(run->mock);
    run->resolver_args = (struct el_resolver_args){
        .base = run->base,
        .servers = run->servers,
        .server_count = 1,
        .timeout = 5 * EL_S, /* even a slow machine answers in time */
        .tries = 2,
        .hosts_path = "/dev/null",
        .resolv_conf_path = "/dev/null",
    };
    run->args = (struct el_lookup_args){
        .port = 7007,
        .family = AF_UNSPEC,
        .deadline = EL_NEVER,
        .answer = on_answer,
        .done = on_done,
        .arg = run,
    };
    run->v6.status = run->v4.status = EL_LOOKUP_CANCELLED;
}

void run_start(struct lookup_run *run, const char *host)
{
    run->resolver = el_resolver_new(&run->resolver_args);
    ck_assert_ptr_nonnull(run->resolver);
    run->args.host = host;
    run->started = el_now();
    run->starting = true;
    run->lookup = el_lookup_new(run->resolver, &run->args);
    run->starting = false;
    ck_assert_ptr_nonnull(run->lookup);
}

void run_turn(struct lookup_run *run, unsigned turns)
{
    const el_time give_up = el_time_after(el_now(), 25 * EL_S);
    for (unsigned i = 0; run->lookup != NULL && (turns == 0 || i < turns); i++) {
        event_base_loop(run->base, EVLOOP_ONCE);
        run->wakeups++;
        ck_assert_msg(el_now() < give_up, "the lookup does not end");
    }
}

void run_lookup(struct lookup_run *run, const char *host)
{
    run_start(run, host);
    run_turn(run, 0);
}

void run_end(struct lookup_run *run)
{
    el_resolver_free(run->resolver);
    mock_dns_free(run->mock);
    ck_assert_int_eq(event_base_get_num_events(run->base, EVENT_BASE_COUNT_ADDED), 0);
    event_base_free(run->base);
    run->base = NULL;
    ck_assert_uint_eq(open_descriptors(), run->descriptors);
}

const char *text_file(const char *content)
{
    static char paths[8][32];
    static unsigned next;
    int fd = memfd_create("text_file", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "/proc/self/fd/%d", fd);
    return path;
}

const char *addresses_of(const struct el_answer *answer)
{
    static char text[EL_ADDRESSES_MAX * EL_ADDRESS_TEXT];
    char one[EL_ADDRESS_TEXT];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < answer->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "",
                                 el_address_print_host(&answer->address[i].destination, one));
    return text;
}
