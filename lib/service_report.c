/*
 * service_report.c - puts a server's lines together, and lets no reader of them stop the server.
 *
 * Teaches:  stdio would block here. A line is made in memory and handed to line_output.c, which gives up in the
 *           end; counters only grow, so the next line of statistics makes up for one that was left out.
 * Partner:  service_report.h; service.c says when.
 */
#include "service_report.h"

#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void tell_left_out(struct el_service_report *report)
{
    if (report->left_out > 0)
        el_log(report->trace, EL_WARN, "stdout: lines left out, because nobody read it: %lu",
               report->left_out);
    report->left_out = 0;
}

/* Writes what was collected in `text` (NULL: there was no memory for it). */
static int put(struct el_service_report *report, const char *text, size_t size,
               el_duration patience)
{
    int error =
        text == NULL ? -ENOMEM : el_line_output_write(&report->output, text, size, patience);
    if (error == -EAGAIN && report->left_out++ == 0)
        el_log(report->trace, EL_WARN, "stdout: nobody reads it: lines are left out");
    else if (error < 0 && error != -EAGAIN)
        el_log(report->trace, EL_ERROR, "stdout: write: %s", strerror(-error));
    else if (error == 0)
        tell_left_out(report);
    return error;
}

/*
 * All workers' counters added up, each read while its owner may be adding to it (see el_count). Each worker is asked once a line, as
 * asking may cost system calls (udp_echo_server's does).
 */
static void add_up(const struct el_service_report *report, uint64_t *sums)
{
    for (unsigned i = 0; i < report->count; i++) {
        const uint64_t *counters = report->plug->counters(report->workers[i].instance);
        for (size_t c = 0; c < report->plug->counter_count; c++)
            sums[c] += __atomic_load_n(&counters[c], __ATOMIC_RELAXED);
    }
}

static void write_stats(const struct el_service_report *report, const char *reason, FILE *to)
{
    uint64_t sums[EL_COUNTERS_MAX] = {0};
    struct el_json json = el_json_begin(to);
    add_up(report, sums);
    el_json_object(&json, NULL);
    el_json_uint(&json, "format_version", 1);
    el_json_text(&json, "stats", reason);
    el_json_text(&json, "proto", report->plug->proto);
    el_json_number(&json, "uptime_s", (double)(el_now() - report->start) / (double)EL_S, 3);
    el_json_uint(&json, "workers", report->count);
    for (size_t i = 0; i < report->plug->counter_count; i++)
        el_json_uint(&json, report->plug->counter_names[i], sums[i]);
    el_json_end(&json);
}

static void write_ready(const struct el_service_report *report, FILE *to)
{
    char listen[EL_LISTEN_MAX * EL_ADDRESS_TEXT];
    el_listeners_print(report->listeners, listen, sizeof listen);
    if (!report->json) {
        fprintf(to, "ready proto=%s listen=%s model=%s workers=%u pid=%ld\n", report->plug->proto,
                listen, report->plug->model, report->count, (long)getpid());
        return;
    }
    struct el_json json = el_json_begin(to);
    el_json_object(&json, NULL);
    el_json_uint(&json, "format_version", 1);
    el_json_bool(&json, "ready", true);
    el_json_text(&json, "proto", report->plug->proto);
    el_json_text(&json, "listen", listen);
    el_json_text(&json, "model", report->plug->model);
    el_json_uint(&json, "workers", report->count);
    el_json_int(&json, "pid", getpid());
    el_json_end(&json);
}

/* `reason` NULL: the ready line. */
static int report_line(struct el_service_report *report, const char *reason, el_duration patience)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory != NULL) {
        if (reason == NULL)
            write_ready(report, memory);
        else
            write_stats(report, reason, memory);
        fclose(memory); /* now text and size count */
    }
    int error = put(report, text, size, patience);
    free(text);
    return error;
}

int el_service_report_ready(struct el_service_report *report, el_duration patience)
{
    return report_line(report, NULL, patience);
}

int el_service_report_stats(struct el_service_report *report, const char *reason,
                            el_duration patience)
{
    return report_line(report, reason, patience);
}

void el_service_report_close(struct el_service_report *report)
{
    tell_left_out(report);
    el_line_output_close(&report->output);
}
