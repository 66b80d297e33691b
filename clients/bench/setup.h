/*
 * setup.h - what `models` and `compare` do alike: the paths, the cores, paragraphs of text.
 */
#ifndef ECHOLAB_BENCH_SETUP_H
#define ECHOLAB_BENCH_SETUP_H

#include "commands.h"
#include "place.h"

/* Of one command each, and what both share: chain it as `more`. The offsets are those of struct bench_options. */
extern const struct el_option bench_models_options[], bench_compare_options[];
extern const struct el_option bench_setup_options[];

/* Opens the paths that --paths asks for. 0, or the exit code after a message. */
int bench_setup_place(struct bench_session *session, struct bench_place *place);

/* The cores of the servers and of the generator, and into the conditions; `also` follows there. -1: not pinned, a single core. */
void bench_setup_cores(struct bench_session *session, int *server, int *load, const char *also);

/* May another round begin, as long as the one that began at `round`, if `share` (0..1) of the time of --deadline is for it and what came
 * before? No at an interruption. */
bool bench_setup_has_time(const struct bench_session *session, el_time round, double share);

/*
 * One run, into the result. False when it was cut short, and counts for nothing; else `trouble` says what was not good about it, or "".
 * A run that failed is kept as well, without figures: the rounds of all must stay side by side.
 */
bool bench_setup_run(const struct bench_load *load, struct bench_result *result, char *trouble,
                     size_t size);

/* Text with its lines broken at blanks for 100 columns; the later lines stand four further in than the first. In
 * Markdown a line may be as long as it likes. */
void bench_print_paragraph(const char *text, bool markdown, FILE *to);

#endif
