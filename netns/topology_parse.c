/*
 * topology_parse.c - a text becomes a topology, a line at a time.
 *
 * Teaches:  a text that somebody wrote may hold anything: no newline at its end, the two-byte line
 *           ends of other systems, NULs, lines without end. Each is either harmless, and taken, or
 *           refused with its line, before a word of it is looked at. [#any-text]
 * Partner:  topology_facts.c (what a line means), topology_check.c (what the whole means)
 */
#include "topology_parser.h"

#include <errno.h>
#include <string.h>

static const char *const fact_names =
    "host, router, switch, link, address, route, nat, dns, name, log";

static int read_fact(struct topology_line *line)
{
    const char *word = line->word[0];
    if (strcmp(word, "host") == 0)
        return topology_fact_place(line, TOPOLOGY_HOST);
    if (strcmp(word, "router") == 0)
        return topology_fact_place(line, TOPOLOGY_ROUTER);
    if (strcmp(word, "switch") == 0)
        return topology_fact_place(line, TOPOLOGY_SWITCH);
    if (strcmp(word, "link") == 0)
        return topology_fact_link(line);
    if (strcmp(word, "address") == 0)
        return topology_fact_address(line);
    if (strcmp(word, "route") == 0)
        return topology_fact_route(line);
    if (strcmp(word, "nat") == 0)
        return topology_fact_nat(line);
    if (strcmp(word, "dns") == 0)
        return topology_fact_dns(line);
    if (strcmp(word, "name") == 0)
        return topology_fact_name(line);
    if (strcmp(word, "log") == 0)
        return topology_fact_log(line);
    return topology_fault(line->error, line->number, "\"%s\" is no fact (%s)", word, fact_names);
}

/*
 * Which bytes a line may have: printable ASCII and tabs; behind `#` any letters of any language, but
 * no control character, since people look at these files in terminals.
 */
static int check_bytes(struct topology_line *line, const char *text, size_t length)
{
    bool comment = false;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        comment = comment || byte == '#';
        if (byte == '\r' && i + 1 == length)
            return topology_fault(line->error, line->number,
                                  "the line ends with a carriage return, as on Windows "
                                  "(tr -d '\\r' <FILE takes them out)");
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return topology_fault(line->error, line->number,
                                  "byte %zu is the control character 0x%02x (this is to be a text; "
                                  "take it out)",
                                  i + 1, byte);
        if (byte > 0x7f && !comment)
            return topology_fault(line->error, line->number,
                                  "byte %zu, 0x%02x, is not ASCII (other letters only in comments, "
                                  "behind #)",
                                  i + 1, byte);
    }
    return 0;
}

static int read_line(struct topology_line *line, const char *text, size_t length)
{
    char copy[TOPOLOGY_LINE + 1], *rest = NULL;
    if (length > TOPOLOGY_LINE)
        return topology_fault(line->error, line->number,
                              "the line has %zu bytes, at most %d are taken (a comment goes on in "
                              "the next line, behind another #)",
                              length, TOPOLOGY_LINE);
    int result = check_bytes(line, text, length);
    if (result < 0)
        return result;
    memcpy(copy, text, length);
    copy[length] = '\0';
    copy[strcspn(copy, "#")] = '\0';
    memset(line->word, 0, sizeof line->word);
    line->count = 0;
    for (char *word = strtok_r(copy, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (line->count == TOPOLOGY_WORDS)
            return topology_fault(line->error, line->number,
                                  "\"%s\" is too much: no fact has more than %d words", word,
                                  TOPOLOGY_WORDS);
        line->word[line->count++] = word;
    }
    return line->count == 0 ? 0 : read_fact(line);
}

int topology_parse(struct topology *topology, const char *text, size_t length,
                   struct topology_error *error)
{
    struct topology_line line = {.topology = topology, .error = error};
    const char *end = text + length;
    memset(topology, 0, sizeof *topology);
    topology->dns = TOPOLOGY_NONE;
    if (length > TOPOLOGY_TEXT)
        return topology_fault(error, 0, "more than %d KiB: this is not a topology",
                              TOPOLOGY_TEXT / 1024);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline == NULL ? end : newline; /* the last line may lack its newline */
        line.number++;
        int result = read_line(&line, text, (size_t)(stop - text));
        if (result < 0)
            return result;
        text = stop + (newline != NULL);
    }
    topology_wire(topology);
    return topology_check(topology, error);
}
