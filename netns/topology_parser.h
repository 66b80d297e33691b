/*
 * topology_parser.h - what the files share that read a topology: a line cut into words, and the way
 * to complain about it.
 */
#ifndef ECHOLAB_TOPOLOGY_PARSER_H
#define ECHOLAB_TOPOLOGY_PARSER_H

#include "topology.h"

/* The line that is being read. Words hold printable ASCII only: topology_parse saw to it. */
struct topology_line {
    struct topology *topology;
    struct topology_error *error;
    unsigned number;
    unsigned count;
    const char *word[TOPOLOGY_WORDS + 1]; /* NULL behind the last, so word[i] is safe to look at */
};

/* Fills *error and returns -EINVAL, so that a reader can say: return topology_fault(...). */
int topology_fault(struct topology_error *error, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * One word each. 0 and *result, or -EINVAL with the line's error set. `word` may be NULL: then what
 * is missing is said.
 */
int topology_word_name(struct topology_line *line, const char *word, const char *what,
                       char name[static TOPOLOGY_NAME]);
int topology_word_place(struct topology_line *line, const char *word, uint8_t *place);
/* PLACE:INTERFACE, both well-formed; the interface need not exist. */
int topology_word_plug(struct topology_line *line, const char *word, uint8_t *place,
                       char interface[static TOPOLOGY_NAME]);
int topology_word_number(struct topology_line *line, const char *word, const char *what,
                         unsigned min, unsigned max, unsigned *value);
int topology_word_rate(struct topology_line *line, const char *word, uint64_t *rate);
/* ADDR without a length (it is then that of a single host). */
int topology_word_ip(struct topology_line *line, const char *word, struct topology_ip *ip);
/* ADDR/LEN; a bare address is taken as a single host's when `bare` allows it. */
int topology_word_prefix(struct topology_line *line, const char *word, bool bare,
                         struct topology_ip *ip);
/* ADDR:PORT or [ADDR]:PORT */
int topology_word_endpoint(struct topology_line *line, const char *word, struct topology_ip *ip,
                           uint16_t *port);

/* The facts. Each reads line->word[1..] and adds to the topology, or returns -EINVAL. */
int topology_fact_place(struct topology_line *line, enum topology_kind kind);
int topology_fact_link(struct topology_line *line);
int topology_fact_address(struct topology_line *line);
int topology_fact_dns(struct topology_line *line);
int topology_fact_name(struct topology_line *line);
int topology_fact_route(struct topology_line *line);
int topology_fact_nat(struct topology_line *line);
int topology_fact_log(struct topology_line *line);

/* Complains about the word at `index` if there is one: the fact ended before it. */
int topology_no_more(struct topology_line *line, unsigned index);

#endif
