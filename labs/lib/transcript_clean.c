/*
 * transcript_clean.c - see transcript_clean.h.
 *
 * A text is written by one who sat at a terminal, and run by a program that does not. What is left out or
 * rewritten here is the difference between the two, and nothing else.
 */
#include "transcript_clean.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How a job ended, in bash's words. */
static bool is_end(const char *text)
{
    static const char *const words[] = {"Terminated", "Killed",      "Done",
                                        "Exit ",      "Hangup",      "Aborted",
                                        "Quit",       "Interrupt",   "Segmentation fault",
                                        "Bus error",  "Broken pipe", NULL};
    for (const char *const *word = words; *word != NULL; word++)
        if (strncmp(text, *word, strlen(*word)) == 0)
            return true;
    return false;
}

/* "[1]+  Terminated   sleep 9": when it comes depends on when bash looks. What `jobs` prints of those that live is no news. */
static bool is_job_news(const char *line)
{
    size_t digits = *line == '[' ? strspn(line + 1, "0123456789") : 0;
    if (digits == 0 || line[1 + digits] != ']')
        return false;
    line += digits + 2;
    return is_end(line + strspn(line, "+- "));
}

/* " 6242 Killed   sleep 9", after the script's name. */
static bool is_death(const char *message)
{
    size_t space = strspn(message, " "), pid = strspn(message + space, "0123456789");
    return pid > 0 && message[space + pid] == ' ' && is_end(message + space + pid + 1);
}

/* "tcp_echo_server: sandbox: now uid 65534, …": what a server gives away depends on who has started it. */
static bool is_sandbox_news(const char *line)
{
    return strncmp(line + strspn(line, "abcdefghijklmnopqrstuvwxyz_"), ": sandbox: ", 11) == 0;
}

/* An interactive bash says `bash: …`, this one `SCRIPT: line N: …`. Returns what follows that, or NULL. */
static char *after_script_name(const char *script, char *line)
{
    size_t length = strlen(script);
    if (strncmp(line, script, length) != 0 || strncmp(line + length, ": ", 2) != 0)
        return NULL;
    line += length + 2;
    if (strncmp(line, "eval: ", 6) == 0)
        line += 6;
    if (strncmp(line, "line ", 5) == 0) {
        char *rest = line + 5 + strspn(line + 5, "0123456789");
        if (rest[0] == ':' && rest[1] == ' ')
            line = rest + 2;
    }
    return line;
}

static char *put_before(char *text, const char *words)
{
    for (size_t length = strlen(words); length > 0; length--)
        *--text = words[length - 1];
    return text;
}

char **transcript_clean_lines(const char *text, size_t length, const char *script, size_t *count)
{
    size_t most = 1;
    for (const char *c = text; *c != '\0'; c++)
        most += *c == '\n';
    char **lines = malloc(most * sizeof *lines + length + 1);
    if (lines == NULL)
        return NULL;
    char *at = (char *)(lines + most);
    memcpy(at, text, length + 1);
    *count = 0;
    while (*at != '\0') {
        char *line = at, *end = strchrnul(at, '\n'), *message;
        at = *end == '\0' ? end : end + 1;
        *end = '\0';
        message = after_script_name(script, line);
        if (is_job_news(line) || is_sandbox_news(line) || (message != NULL && is_death(message)))
            continue;
        if (message != NULL)
            line = put_before(message, "bash: "); /* the script's path is longer */
        lines[(*count)++] = line;
    }
    return lines;
}
