/*
 * compare_table.c - the tables of `compare`: UDP beside TCP, size by size, and where the curves cross.
 *
 * Teaches:  under loss the two keep different promises, so their figures answer different questions: what is lost does not come late,
 *           and what comes late was not lost. The rows have both, and the sentence below says what the time was spent with.
 * Partner:  compare.c, compare_cross.c
 */
#include "compare.h"

#include "figures.h"
#include "setup.h"
#include "table.h"
#include "words.h"

#include <math.h>
#include <string.h>

enum {
    CELL = 48,
    TEXT = 640,
    WIRE = 1480 /* bytes of an IPv4 packet behind its header (MTU 1500) */
};

/* ---- cells ----------------------------------------------------------------------------------------------- */

/* "16.1", "2824", and from 10,000 us on "211ms". */
static void say_value(struct el_words *words, double value, bool is_time)
{
    if (!isfinite(value))
        el_say(words, "-");
    else if (is_time && value >= 9999.5)
        el_say(words, "%.0fms", value / 1000);
    else
        el_say(words, "%.*f", value < 0.995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
}

/* "UDP / TCP", each divided by `unit`. CPU is the best of the rounds, all else the median. */
static void put_both(struct bench_table *table, size_t column, const struct bench_pair *pair,
                     enum bench_metric metric, double unit)
{
    char text[CELL] = "";
    struct el_words words = {.text = text, .size = sizeof text};
    bool is_time = metric == BENCH_P50 || metric == BENCH_P99;
    for (int side = 0; side < BENCH_SIDES; side++) {
        double value = metric == BENCH_SERVER_COST
                           ? bench_result_best(&pair->result[side], metric)
                           : bench_result_spread(&pair->result[side], metric).median;
        el_say(&words, "%s", side == 0 ? "" : " / ");
        say_value(&words, value / unit, is_time);
    }
    bench_table_put(table, column, "%s", text);
}

/* UDP by TCP, round by round. */
static struct bench_comparison compare(const struct bench_pair *pair, enum bench_metric metric)
{
    static double values[BENCH_SIDES][BENCH_ROUNDS_MAX];
    size_t count = BENCH_ROUNDS_MAX;
    for (int side = 0; side < BENCH_SIDES; side++) {
        size_t rounds = bench_result_values(&pair->result[side], metric, values[side]);
        count = rounds < count ? rounds : count;
    }
    return bench_compare(values[BENCH_UDP_SIDE], values[BENCH_TCP_SIDE], count);
}

static void put_ratio(struct bench_table *table, size_t column, const struct bench_pair *pair,
                      enum bench_metric metric)
{
    struct bench_comparison comparison = compare(pair, metric);
    static const char *const mark[] = {
        [BENCH_NO_VERDICT] = "?", [BENCH_LESS] = "less", [BENCH_MORE] = "more"};
    if (isfinite(comparison.ratio))
        bench_table_put(table, column, "%.2f %s", comparison.ratio, mark[comparison.verdict]);
    else
        bench_table_put(table, column, "-");
}

static void put_row(struct bench_table *table, const struct bench_pair *pair)
{
    char size[BENCH_FIGURE];
    double loss = bench_result_spread(&pair->result[BENCH_UDP_SIDE], BENCH_LOSS).median;
    bench_table_row(table);
    bench_table_put(table, 0, "%s", bench_count_print((double)pair->size, size));
    put_both(table, 1, pair, BENCH_RATE, 1000);
    put_ratio(table, 2, pair, BENCH_RATE);
    put_both(table, 3, pair, BENCH_THROUGHPUT, 1e6);
    put_both(table, 4, pair, BENCH_P50, EL_US);
    put_both(table, 5, pair, BENCH_P99, EL_US);
    put_both(table, 6, pair, BENCH_SERVER_COST, EL_US);
    put_ratio(table, 7, pair, BENCH_SERVER_COST);
    bench_table_put(table, 8, isfinite(loss) ? "%.2g" : "-", 100 * loss);
}

/* ---- sentences ------------------------------------------------------------------------------------------- */

/* The pairs of one table: those of the same path, loss and window. They stand together, sizes going up. */
struct section {
    const struct bench_pair *pair;
    size_t pairs;
};

static void print_crossing(const struct section *section, enum bench_metric metric, bool markdown,
                           FILE *to)
{
    enum bench_ahead ahead[BENCH_SIZES];
    size_t size[BENCH_SIZES];
    bool more_is_better = metric == BENCH_RATE;
    char sentence[TEXT], line[TEXT + 32];
    for (size_t i = 0; i < section->pairs; i++) {
        enum bench_verdict verdict = compare(&section->pair[i], metric).verdict;
        bool udp = verdict == (more_is_better ? BENCH_MORE : BENCH_LESS);
        size[i] = section->pair[i].size;
        ahead[i] = verdict == BENCH_NO_VERDICT ? BENCH_NOBODY
                   : udp                       ? BENCH_UDP_AHEAD
                                               : BENCH_TCP_AHEAD;
    }
    bench_crossing(size, ahead, section->pairs, more_is_better ? "is faster" : "costs less",
                   sentence, sizeof sentence);
    snprintf(line, sizeof line, "%s%s: %s.", markdown ? "- " : "  ",
             more_is_better ? "Rate" : "CPU of the server", sentence);
    bench_print_paragraph(line, markdown, to);
}

/* What the time was spent with, when packets are lost. */
static void print_loss(const struct bench_protocols *protocols, const struct section *section,
                       bool markdown, FILE *to)
{
    const struct bench_pair *largest = &section->pair[section->pairs - 1];
    char line[2 * TEXT], timeout[32];
    struct el_words words = {.text = line, .size = sizeof line};
    double kept = 1 - largest->loss / 100;
    size_t packets = (largest->size + 8 + WIRE - 1) / WIRE;
    line[0] = '\0';
    el_say(&words,
           "%sUDP: a lost datagram is given up after %s (--read-timeout), and then the next one is "
           "sent; that is ",
           markdown ? "- " : "  ",
           el_print_duration(protocols->read_timeout, timeout, sizeof timeout));
    el_say(&words, "in its rate, and in no latency. ");
    if (packets > 1)
        el_say(&words,
               "A datagram of %zu bytes crosses the cable as %zu packets, and is lost with any of "
               "them: "
               "there and back %.0f %%. ",
               largest->size, packets, 100 * (1 - pow(kept, 2.0 * (double)packets)));
    el_say(&words, "TCP: nothing is lost, it is late: ");
    if (largest->windowed)
        el_say(
            &words,
            "what follows a gap tells of it by duplicate acknowledgements, and the gap is filled a "
            "round trip later; but what is behind it has to wait, and at the end of a window "
            "nothing follows.");
    else
        el_say(
            &words,
            "a message of one packet has nothing behind it that would tell of its loss, so only "
            "the "
            "retransmission timer does, and that is 200 ms at least; of a large one other packets "
            "follow, and tell sooner.");
    bench_print_paragraph(line, markdown, to);
}

static void print_legend(bool markdown, FILE *to)
{
    char line[TEXT];
    snprintf(line, sizeof line,
             "%sEach cell is UDP / TCP. k/s: thousand messages a second; MB/s: of payload, one "
             "way; p50, p99: us; CPU "
             "us: of the server a message, best round; the others are medians. Ratios "
             "are UDP by TCP, more or "
             "less; ?: no verdict, the rounds differ by as much. lost: %% of the datagrams. %d "
             "under way "
             "means at most %d KiB: fewer of large ones, at least 2.",
             markdown ? "\n" : "\n  ", BENCH_WINDOW, BENCH_WINDOW_BYTES / 1024);
    fputc('\n', to);
    bench_print_paragraph(line + 1, markdown, to);
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static void print_section(const struct bench_protocols *protocols, const struct section *section,
                          bool markdown, FILE *to)
{
    static struct bench_table table;
    static const char *const headline[] = {"bytes", "k/s",    "ratio", "MB/s", "p50",
                                           "p99",   "CPU us", "ratio", "lost"};
    const struct bench_pair *first = section->pair;
    el_duration duration = first->loss > 0 ? protocols->lossy_duration : protocols->duration;
    table = (struct bench_table){.rows = 0};
    bench_table_row(&table);
    for (size_t i = 0; i < sizeof headline / sizeof headline[0]; i++)
        bench_table_put(&table, i, "%s", headline[i]);
    table.left[2] = table.left[7] = true;
    for (size_t i = 0; i < section->pairs; i++)
        put_row(&table, &section->pair[i]);
    fprintf(to, "\n%sUDP / TCP over %s, ", markdown ? "### " : "", bench_path_name(first->path));
    fprintf(to, first->loss > 0 ? "%g %% of the packets lost each way, " : "quiet, ", first->loss);
    if (first->windowed)
        fprintf(to, "%d under way", BENCH_WINDOW);
    else
        fprintf(to, "one under way");
    size_t rounds = first->result[BENCH_TCP_SIDE].count;
    fprintf(to, ", %zu round%s of %.0f ms%s\n", rounds, rounds == 1 ? "" : "s",
            (double)duration / EL_MS, *protocols->session->stop ? " (interrupted)" : "");
    bench_table_print(&table, markdown, to);
    print_crossing(section, BENCH_RATE, markdown, to);
    print_crossing(section, BENCH_SERVER_COST, markdown, to);
    if (first->loss > 0)
        print_loss(protocols, section, markdown, to);
}

void bench_protocols_print(const struct bench_protocols *protocols, FILE *to)
{
    bool markdown = protocols->session->options->format == BENCH_MARKDOWN;
    bench_conditions_print(&protocols->session->conditions, to);
    fputc('\n', to);
    if (protocols->place.why_not != NULL)
        fprintf(to, "veth is left out: %s\n", protocols->place.why_not);
    if (protocols->place.note != NULL)
        fprintf(to, "note: %s\n", protocols->place.note);
    for (size_t i = 0; i < protocols->pairs; i += protocols->sizes)
        print_section(protocols, &(struct section){&protocols->pair[i], protocols->sizes}, markdown,
                      to);
    print_legend(markdown, to);
}
