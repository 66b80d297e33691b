# spread.awk - the CSV of echo_bench, one row a repetition, becomes one line a cell: each figure as median, least and greatest.
#
#   awk -f spread.awk models.csv >models.tsv
#
# Tab-separated, with a header, for gnuplot and for the sentences of the report. What is unknown is "?". A cell is one target under
# one load; its lines stand in the order in which the CSV first names them. bound is the share of repetitions in which the load generator
# was the bottleneck, lost that of the messages sent; both 0..1. Plain POSIX awk: mawk is what Debian has.

# Splits a line of CSV (RFC 4180, no newline within a field) into field[1..]; returns how many.
function split_csv(line, field,    n, at, text) {
    if (line !~ /"/) return split(line, field, ",")
    n = 0
    for (line = line ","; line != ""; line = substr(line, at + 1)) {
        if (line ~ /^"/) {
            match(line, /^"([^"]|"")*"/)
            text = substr(line, 2, RLENGTH - 2)
            gsub(/""/, "\"", text)
            at = RLENGTH + 1
        } else {
            at = index(line, ",")
            text = substr(line, 1, at - 1)
        }
        field[++n] = text
    }
    return n
}

# Appends a value to the list of this cell and figure. An empty field is a repetition without that figure; so is a message that cost the
# server no CPU at all: then it was not seen.
function add(cell, figure, value) {
    if (value == "" || (figure == "server_cpu_us" && value + 0 == 0)) return
    values[cell, figure, ++number[cell, figure]] = value + 0
}

# "median<TAB>low<TAB>high", or question marks. Few values: insertion sort.
function spread(cell, figure,    n, i, k, v, middle) {
    n = number[cell, figure]
    if (n == 0) return "?\t?\t?"
    for (i = 1; i <= n; i++) {
        v = values[cell, figure, i]
        for (k = i - 1; k >= 1 && sorted[k] > v; k--) sorted[k + 1] = sorted[k]
        sorted[k + 1] = v
    }
    middle = n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
    return sprintf("%.9g\t%.9g\t%.9g", middle, sorted[1], sorted[n])
}

function known(text) { return text == "" ? "?" : text }

BEGIN {
    figures = split("rate mbytes p50_us p90_us p99_us p999_us corrected_p50_us corrected_p99_us server_cpu_us load_cpu", figure_name, " ")
    keys = split("command path loss_percent proto target workload connections window size offered_rate", key_name, " ")
}
FNR == 1 {
    columns = split_csv($0, title)
    for (i = 1; i <= columns; i++) column[title[i]] = i
    next
}
{
    split_csv($0, f)
    cell = ""
    for (i = 1; i <= keys; i++) cell = cell (i > 1 ? "\t" : "") known(f[column[key_name[i]]])
    if (!(cell in rounds)) order[++cells] = cell
    rounds[cell]++
    for (i = 1; i <= figures; i++) if (figure_name[i] in column) add(cell, figure_name[i], f[column[figure_name[i]]])
    if (f[column["elapsed_s"]] > 0) add(cell, "mbytes", f[column["bytes"]] / f[column["elapsed_s"]] / 1e6)
    sent[cell] += f[column["sent"]]
    lost[cell] += f[column["lost"]]
    bound[cell] += f[column["bottleneck"]]
    wrong[cell] += f[column["corrupt"]] + f[column["wrong_source"]] + f[column["errors"]]
    calls[cell] = known(f[column["server_calls"]])
    idle[cell] = known(f[column["idle_bytes"]])
}
END {
    for (i = 1; i <= keys; i++) printf "%s\t", key_name[i]
    printf "rounds"
    for (i = 1; i <= figures; i++) printf "\t%s\t%s_low\t%s_high", figure_name[i], figure_name[i], figure_name[i]
    print "\tserver_calls\tidle_bytes\tlost\tbound\twrong\tserver_cpu_rounds"
    for (c = 1; c <= cells; c++) {
        cell = order[c]
        printf "%s\t%d", cell, rounds[cell]
        for (i = 1; i <= figures; i++) printf "\t%s", spread(cell, figure_name[i])
        printf "\t%s\t%s\t%.6g\t%.3g\t%d\t%d\n", calls[cell], idle[cell], (sent[cell] > 0 ? lost[cell] / sent[cell] : 0), bound[cell] / rounds[cell], wrong[cell], number[cell, "server_cpu_us"]
    }
}
