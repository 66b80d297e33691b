/*
 * load_words.c - a load, its pinning and the options behind it, in words and in JSON.
 *
 * Partner: load_options.c, which reads them. Next: measure.c.
 */
#include "load_options.h"
#include "words.h"

#include <stdlib.h>

const char *bench_load_words(const struct bench_load *load, uint64_t repeat, char *text,
                             size_t size)
{
    static const char *const kinds[] = {"tcp", "udp", "connect"};
    struct el_words words = {.text = text, .size = size};
    char length[24], warmup[24];
    const char *what = load->kind == BENCH_UDP ? "socket" : "connection";

    text[0] = '\0';
    el_say(&words, "%s", kinds[load->kind]);
    if (load->rate > 0)
        el_say(&words, ", open loop of %.10g/s", load->rate);
    else
        el_say(&words, ", closed loop");
    el_say(&words, ", %u %s%s", load->connections, what, load->connections == 1 ? "" : "s");
    if (load->idle > 0)
        el_say(&words, ", %u more idle", load->idle);
    if (load->kind != BENCH_CONNECT)
        el_say(&words, ", window %u", load->window);
    el_say(&words, ", %zu byte%s", load->size, load->size == 1 ? "" : "s");
    if (load->batch > 1)
        el_say(&words, ", batch %u%s", load->batch, load->gso ? " with GSO" : "");
    if (load->threads > 1)
        el_say(&words, ", %u threads", load->threads);
    el_say(&words, ", %ju x %s", (uintmax_t)repeat,
           el_print_duration(load->duration, length, sizeof length));
    if (load->warmup > 0)
        el_say(&words, " after %s", el_print_duration(load->warmup, warmup, sizeof warmup));
    return text;
}

static void say_cores(struct el_words *words, const struct bench_load *load)
{
    unsigned cores = 1; /* until the first one's turn comes again */
    while (cores < load->threads && bench_core_of(load, cores) != load->cpu)
        cores++;
    el_say(words, "generator on core%s", cores > 1 ? "s" : "");
    for (unsigned i = 0; i < cores; i++)
        el_say(words, "%s %d", i == 0 ? "" : ",", bench_core_of(load, i));
}

const char *bench_pinning_words(const struct bench_load *load, char *text, size_t size)
{
    struct el_words words = {.text = text, .size = size};
    text[0] = '\0';
    if (load->cpu < 0)
        el_say(&words, "generator not pinned");
    else
        say_cores(&words, load);
    if (load->nice > 0)
        el_say(&words, ", at nice %d", load->nice);
    return text;
}

static void put_seconds(struct el_json *json, const char *key, el_duration length)
{
    el_json_number(json, key, (double)length / (double)EL_S, 6);
}

void bench_options_json(const struct bench_options *options, struct el_json *json)
{
    char source[EL_ADDRESS_TEXT];
    el_json_object(json, "configuration");
    el_json_uint(json, "connections", options->connections);
    el_json_uint(json, "idle_connections", options->idle);
    el_json_uint(json, "window", options->window);
    el_json_uint(json, "size", options->size);
    el_json_number(json, "rate", options->rate == NULL ? 0 : strtod(options->rate, NULL), 3);
    el_json_uint(json, "threads", options->threads);
    el_json_uint(json, "batch", options->batch);
    el_json_bool(json, "gso", options->gso);
    el_json_uint(json, "repeat", options->repeat);
    put_seconds(json, "duration_s", options->duration);
    put_seconds(json, "warmup_s", options->warmup);
    put_seconds(json, "deadline_s", options->deadline);
    put_seconds(json, "read_timeout_s", options->read_timeout);
    put_seconds(json, "connect_timeout_s", options->connect_timeout);
    el_json_text(json, "cpu", options->cpu);
    el_json_uint(json, "nice", options->nice);
    if (options->server_pid == 0)
        el_json_null(json, "server_pid");
    else
        el_json_uint(json, "server_pid", options->server_pid);
    el_json_text(json, "source",
                 options->source.length == 0 ? NULL
                                             : el_address_print_host(&options->source, source));
    el_json_text(json, "only", options->only);
    el_json_text(json, "paths", options->paths);
    el_json_text(json, "sizes", options->sizes);
    el_json_text(json, "losses", options->losses);
    el_json_bool(json, "quick", options->quick);
    el_json_close_object(json);
}
