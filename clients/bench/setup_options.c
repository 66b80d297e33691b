/*
 * setup_options.c - the options of `models` and `compare`.
 *
 * Partner: load_options.c, the other commands'; echo_bench.c, which command takes which table. Next: models.c.
 */
#include "setup.h"

#define AT(field) offsetof(struct bench_options, field)
#define LONGEST   (EL_S * 3600)

const struct el_option bench_models_options[] = {
    {.type = EL_OPT_HEADING, .help = "What to measure"},
    {0, "only", EL_OPT_TEXT, "LIST",
     "these servers, in this order (tcp_epoll,socat); one named twice is started twice", AT(only),
     NULL, 0, 0, NULL},
    {0, "goals", EL_OPT_FLAG, NULL, "hold the figures against the goals too", AT(goals), NULL, 0, 0,
     NULL},
    {0}};

const struct el_option bench_compare_options[] = {
    {.type = EL_OPT_HEADING, .help = "What to measure"},
    {0, "sizes", EL_OPT_TEXT, "LIST", "bytes of payload, going up", AT(sizes),
     "1,64,512,1400,8192,65507", 0, 0, NULL},
    {0, "losses", EL_OPT_TEXT, "LIST",
     "percent of the packets to lose in each direction, going up; over veth", AT(losses), "0,1", 0,
     0, NULL},
    {'W', "read-timeout", EL_OPT_DURATION, "D", "under loss: when a datagram is given up",
     AT(read_timeout), "50ms", EL_MS, LONGEST, NULL},
    {0}};

static const char *const formats[] = {"text", "markdown", NULL};

const struct el_option bench_setup_options[] = {
    {0, "paths", EL_OPT_TEXT, "LIST",
     "loopback, veth or both; for veth a lab network is made, and ended", AT(paths),
     "loopback,veth", 0, 0, NULL},
    {'6', NULL, EL_OPT_FLAG, NULL, "over IPv6", AT(only_v6), NULL, 0, 0, NULL},
    {.type = EL_OPT_HEADING, .help = "How long"},
    {0, "quick", EL_OPT_FLAG, NULL,
     "three short rounds; models: only our own servers, unless named", AT(quick), NULL, 0, 0, NULL},
    {0, "repeat", EL_OPT_NUMBER, "N", "rounds (5; --quick: 3)", AT(repeat), NULL, 1,
     BENCH_ROUNDS_MAX, NULL},
    {'w', "deadline", EL_OPT_DURATION, "D",
     "fewer rounds if they would not be over by then (one in any case)", AT(deadline), NULL, EL_S,
     LONGEST, NULL},
    {0, "duration", EL_OPT_DURATION, "D", "of each measurement; under loss three times as long",
     AT(duration), NULL, 10 * EL_MS, LONGEST, NULL},
    {.type = EL_OPT_HEADING, .help = "What to show"},
    {0, "json", EL_OPT_TEXT, "F", "write one JSON document to F; - is stdout", AT(json), NULL, 0, 0,
     NULL},
    {0, "csv", EL_OPT_TEXT, "F", "write a row for each repetition to F; - is stdout", AT(csv), NULL,
     0, 0, NULL},
    {0, "format", EL_OPT_CHOICE, "FORM", "of the tables", AT(format), "text", 0, 0, formats},
    {'q', "quiet", EL_OPT_FLAG, NULL, "no progress on stderr", AT(quiet), NULL, 0, 0, NULL},
    {0}};
