/*
 * sample.c - what can be said of one run: its rate, the server's cost, and whether it tells of the server at all.
 *
 * Partner:  run.c fills in the sample. Pure, but for the memory that it frees.
 */
#include "bench.h"

#include <stddef.h>

void bench_sample_free(struct bench_sample *sample)
{
    el_histogram_free(sample->latency);
    el_histogram_free(sample->corrected);
    el_histogram_free(sample->pace);
    sample->latency = sample->corrected = sample->pace = NULL;
}

double bench_progress_rate(const struct bench_progress *progress)
{
    if (progress->length <= 0)
        return 0;
    return (double)progress->second.received * (double)EL_S / (double)progress->length;
}

double bench_rate_of(const struct bench_sample *sample)
{
    if (sample->elapsed <= 0)
        return 0;
    return (double)sample->counts.received * (double)EL_S / (double)sample->elapsed;
}

double bench_server_cost(const struct bench_sample *sample)
{
    if (sample->server_cpu < 0 || sample->counts.received == 0)
        return -1;
    return (double)sample->server_cpu / (double)sample->counts.received;
}

/*
 * [#whose-fault] A generator that did not keep its rate is to blame only if it had room to send: a server that is slower than the rate fills
 * every window, and then it is the server that was measured. What found room is in `pace`, all else that was sent had waited for an echo.
 */
static bool waited_for_server(const struct bench_sample *sample)
{
    return sample->pace != NULL && el_histogram_count(sample->pace) < sample->counts.sent / 2;
}

const char *bench_bottleneck(const struct bench_load *load, const struct bench_sample *sample)
{
    if (sample->busiest > 0.9)
        return "a thread of the load generator used more than 90 % of its core: the server may be "
               "faster than this";
    if (load->rate > 0 && !sample->kept_rate && !sample->interrupted && sample->error == 0 &&
        !waited_for_server(sample))
        return "the load generator sent less than 99 % of what was due, though there was room: it "
               "was too slow";
    return NULL;
}
