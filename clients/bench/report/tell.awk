# tell.awk - tables and sentences of report.md, computed from the lines of spread.awk: none says more than they do.
#
#   awk -v part=growth -f tell.awk growth.tsv
#
# Parts: ladder (with proto, load), latency (proto), sizes (also reads crossings.tsv), growth, middle, workers, sweep, full, and for the curves marks, openmarks. A figure of CPU
# is the best of the repetitions, because noise only ever adds; all others are medians. [#sentences-are-computed]
BEGIN { FS = "\t" }
FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
{
    row = ++rows
    for (name in column) cell[row, name] = $column[name]
}

function has(row, name) { return (row, name) in cell && cell[row, name] != "?" && cell[row, name] != "" }
# A number as a person reads it: three digits that count.
function short(value) {
    if (value >= 100) return sprintf("%.0f", value)
    return value >= 10 ? sprintf("%.1f", value) : sprintf("%.2f", value)
}
# A time in µs with the unit that suits it.
function duration(us) { return us < 1000 ? short(us) " µs" : us < 1e6 ? short(us / 1000) " ms" : short(us / 1e6) " s" }
function duration_spread(row, name) {
    return has(row, name) ? duration(cell[row, name]) " (" duration(cell[row, name "_low"]) "–" duration(cell[row, name "_high"]) ")" : "-"
}
function rate_spread(row) { return number(cell[row, "rate"]) " (" number(cell[row, "rate_low"]) "–" number(cell[row, "rate_high"]) ")" }
function best(row, name) { return has(row, name) ? short(cell[row, name "_low"]) " (to " short(cell[row, name "_high"]) ")" : "-" }
function percent(value) { return value > 0 && value < 0.001 ? "< 0.1 %" : sprintf("%.1f %%", value * 100) }
function number(n) {
    n = int(n + 0.5)
    if (n >= 1000000) return sprintf("%d,%03d,%03d", int(n / 1000000), int(n / 1000) % 1000, n % 1000)
    return n >= 1000 ? sprintf("%d,%03d", int(n / 1000), n % 1000) : n ""
}

# ---- the ladder ----

function tell_ladder(    r, cheap, dear, ours) {
    for (r = 1; r <= rows; r++) {
        if (cell[r, "path"] != "loopback" || cell[r, "proto"] != proto || cell[r, "workload"] != load) continue
        if (!has(r, "server_cpu_us_low")) continue
        if (!cheap || value(r) < value(cheap)) cheap = r
        if (!dear || value(r) > value(dear)) dear = r
        if (cell[r, "target"] == proto "_echo_server") ours = r
    }
    if (!cheap) { print "Of no server the CPU over loopback could be read, so there are no bars."; return }
    printf "Over loopback a message costs `%s` least, %s µs", cell[cheap, "target"], short(value(cheap))
    if (dear != cheap) printf ", and `%s` most, %s µs: %s times as much", cell[dear, "target"], short(value(dear)), short(value(dear) / value(cheap))
    printf "."
    if (ours && ours != cheap) printf " `%s_echo_server` takes %s times the least.", proto, short(value(ours) / value(cheap))
    print ""
}
function value(r) { return cell[r, "server_cpu_us_low"] + 0 }

# ---- how long a message takes ----

function tell_latency(    r) {
    print "| server | load | p50 | p99 | p99.9 |"
    print "|---|---|---|---|---|"
    for (r = 1; r <= rows; r++) if (cell[r, "path"] == "loopback" && cell[r, "proto"] == proto && has(r, "p50_us") && \
        index(" " loads " ", " " cell[r, "workload"] " ") && index(" " targets " ", " " cell[r, "target"] " "))
        printf "| %s | %s | %s | %s | %s |\n", cell[r, "target"], cell[r, "workload"], duration_spread(r, "p50_us"), duration_spread(r, "p99_us"), duration_spread(r, "p999_us")
    print ""
}

# panel, curve, share, us, low, high: the marks on the curves. picks: "panel|curve|target|workload" separated by ";".
function tell_marks(    n, i, p, list, pick, r, k, names, shares) {
    split("p50_us p90_us p99_us p999_us", names, " ")
    split("0.5 0.9 0.99 0.999", shares, " ")
    print "panel\tcurve\tshare\tus\tlow\thigh"
    n = split(picks, list, ";")
    for (i = 1; i <= n; i++) {
        split(list[i], pick, "|")
        for (r = 1; r <= rows; r++) if (cell[r, "path"] == "loopback" && cell[r, "target"] == pick[3] && cell[r, "workload"] == pick[4])
            for (k = 1; k <= 4; k++) if (has(r, names[k]))
                printf "%s\t%s\t%s\t%s\t%s\t%s\n", pick[1], pick[2], shares[k], cell[r, names[k]], cell[r, names[k] "_low"], cell[r, names[k] "_high"]
    }
}

# The same in open loop, where only p50 and p99 are there both ways. picks: "panel|curve|target|rate|key" separated by ";".
function tell_openmarks(    n, i, list, pick, r, k, names, shares, name) {
    split("p50_us p99_us", names, " ")
    split("0.5 0.99", shares, " ")
    print "panel\tcurve\tshare\tus\tlow\thigh"
    n = split(picks, list, ";")
    for (i = 1; i <= n; i++) {
        split(list[i], pick, "|")
        for (r = 1; r <= rows; r++) if (cell[r, "target"] == pick[3] && has(r, "offered_rate") && cell[r, "offered_rate"] + 0 == pick[4] + 0)
            for (k = 1; k <= 2; k++) {
                name = (pick[5] == "latency" ? "" : "corrected_") names[k]
                if (has(r, name)) printf "%s\t%s\t%s\t%s\t%s\t%s\n", pick[1], pick[2], shares[k], cell[r, name], cell[r, name "_low"], cell[r, name "_high"]
            }
    }
}

# ---- UDP against TCP ----

function tell_sizes(    r, name) {
    for (r = 1; r <= rows; r++) {
        name = cell[r, "figure"] == "rate" ? "rate" : "server CPU a message"
        printf "- %s, %s, %s, %s: ", cell[r, "path"], (cell[r, "workload"] == "single" ? "one under way" : cell[r, "workload"]), (cell[r, "loss_percent"] + 0 == 0 ? "no loss" : cell[r, "loss_percent"] + 0 " % of the packets lost"), name
        if (cell[r, "size"] != "?")
            printf "%s overtakes %s near %s bytes (%s is ahead at %s, %s at %s)", toupper(cell[r, "to"]), toupper(cell[r, "from"]), \
                number(cell[r, "size"]), toupper(cell[r, "from"]), number(cell[r, "below"]), toupper(cell[r, "to"]), number(cell[r, "above"])
        else
            printf "the curves do not cross; of %d sizes UDP is ahead at %d, TCP at %d, and at %d there is no verdict", \
                cell[r, "sizes"], cell[r, "udp"], cell[r, "tcp"], cell[r, "sizes"] - cell[r, "udp"] - cell[r, "tcp"]
        print "."
    }
}

# ---- growth ----

# Of the best figures of tcp_echo_server under this load, from so many connections on: low, high, middle (the median). False: none.
function extent(load, least,    r, v, n, k, list) {
    n = 0
    for (r = 1; r <= rows; r++) {
        if (cell[r, "target"] != "tcp_echo_server" || cell[r, "workload"] != load || cell[r, "connections"] + 0 < least || !has(r, "server_cpu_us_low")) continue
        v = value(r)
        if (n == 0 || v < low) { low = v; lowest = cell[r, "connections"] }
        if (n == 0 || v > high) { high = v; highest = cell[r, "connections"] }
        for (k = n++; k >= 1 && list[k] > v; k--) list[k + 1] = list[k]
        list[k + 1] = v
    }
    if (n) middle = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    return n > 0
}
function tell_middle() {
    printf "%.4g ", extent("busy", 0) ? middle : 0
    printf "%.4g\n", extent("idle", 0) ? middle : 0
}
function tell_growth(    r, t, n, c, targets, target, counts, count, seen, at) {
    for (r = 1; r <= rows; r++) {
        if (!(("t", cell[r, "target"]) in seen)) { seen["t", cell[r, "target"]] = 1; target[++targets] = cell[r, "target"] }
        if (!(("c", cell[r, "workload"], cell[r, "connections"]) in seen)) { seen["c", cell[r, "workload"], cell[r, "connections"]] = 1; count[++counts] = cell[r, "workload"] "\t" cell[r, "connections"] }
        at[cell[r, "workload"], cell[r, "connections"], cell[r, "target"]] = r
    }
    printf "| load | connections |"
    for (t = 1; t <= targets; t++) printf " %s, µs |", target[t]
    printf "\n|---|---|"
    for (t = 1; t <= targets; t++) printf "---|"
    print ""
    for (c = 1; c <= counts; c++) {
        split(count[c], n, "\t")
        printf "| %s | %s |", (n[1] == "busy" ? "all ask in turn" : "50 ask, the others are silent"), number(n[2])
        for (t = 1; t <= targets; t++) printf " %s |", ((n[1], n[2], target[t]) in at ? best(at[n[1], n[2], target[t]], "server_cpu_us") : "-")
        print ""
    }
    print ""
    flat("busy", "with all connections busy"); beside("busy", "with all connections busy")
    flat("idle", "with 50 busy among idle ones"); beside("idle", "with 50 busy among idle ones")
}
function flat(load, words) {
    if (!extent(load, 0)) return
    printf "- `tcp_echo_server` %s: from %s µs (%s) to %s µs (%s), that is %s to %s of their median, %s µs: ", words, short(low), connections(lowest), short(high), connections(highest), \
        off(low), off(high), short(middle)
    print is_flat() ? "within the goal of ±15 %." : "outside the goal of ±15 %."
    if (load == "busy" && lone() && extent(load, 2))
        printf "- Without the single connection, which has the server wake up for every message: %s (%s) to %s (%s) of the median, %s the goal.\n", \
            off(low), connections(lowest), off(high), connections(highest), (is_flat() ? "within" : "outside")
}
function off(v) { return sprintf("%+.0f %%", (v / middle - 1) * 100) }
function is_flat() { return low >= 0.85 * middle && high <= 1.15 * middle }
function lone(    r) { for (r = 1; r <= rows; r++) if (cell[r, "workload"] == "busy" && cell[r, "connections"] == 1) return 1; return 0 }
# How it stands to plain epoll at the same numbers of connections: what the machine does to both, a ratio leaves out.
function beside(load, words,    r, ratio, least, most, ours, limit) {
    for (r = 1; r <= rows; r++) if (cell[r, "workload"] == load && has(r, "server_cpu_us_low")) {
        if (cell[r, "target"] == "tcp_echo_server") ours[cell[r, "connections"]] = value(r)
        if (cell[r, "target"] == "tcp_epoll") limit[cell[r, "connections"]] = value(r)
    }
    for (r in ours) if (limit[r] > 0) {
        ratio = ours[r] / limit[r]
        if (!least || ratio < least) least = ratio
        if (ratio > most) most = ratio
    }
    if (least) printf "- Beside `tcp_epoll` %s, at the same number of connections: %s to %s times its CPU.\n", words, short(least), short(most)
}
function connections(n) { return number(n) " connection" (n == 1 ? "" : "s") }

# ---- workers ----

function tell_workers(    r, at, t, targets, target, seen, one, two) {
    print "| server | workers | messages a second | server CPU a message, µs | generator was the limit |"
    print "|---|---|---|---|---|"
    for (r = 1; r <= rows; r++) {
        printf "| %s | %s | %s | %s | in %d %% of the repetitions |\n", cell[r, "target"], cell[r, "workload"], rate_spread(r), best(r, "server_cpu_us"), cell[r, "bound"] * 100 + 0.5
        if (!(cell[r, "target"] in seen)) { seen[cell[r, "target"]] = 1; target[++targets] = cell[r, "target"] }
        at[cell[r, "target"], substr(cell[r, "workload"], 1, 1)] = r
    }
    print ""
    for (t = 1; t <= targets; t++) {
        one = at[target[t], 1]; two = at[target[t], 2]
        if (!one || !two) continue
        printf "- `%s`: with two workers %s times the rate of one, %s", target[t], short(cell[two, "rate"] / cell[one, "rate"]), verdict(two, one, "rate")
        if (has(one, "server_cpu_us") && has(two, "server_cpu_us")) printf "; %s times the CPU a message", short(value(two) / value(one))
        if (cell[two, "bound"] + 0 > 0.5) print "; with two the generator was the limit, so this says little of the server."
        else print "."
    }
}
# The rule of stats.h: a verdict only where the medians lie further apart than either's repetitions do, and of three rounds at least.
function verdict(a, b, name,    difference, noise, other) {
    difference = cell[a, name] - cell[b, name]
    noise = cell[a, name "_high"] - cell[a, name "_low"]; other = cell[b, name "_high"] - cell[b, name "_low"]
    if (other > noise) noise = other
    if (cell[a, "rounds"] < 3 || cell[b, "rounds"] < 3) return "no verdict (fewer than three rounds)"
    if ((difference < 0 ? -difference : difference) <= noise) return "no verdict (the spread exceeds the difference)"
    return difference > 0 ? "more" : "less"
}

# ---- open loop ----

function tell_sweep(    r, p, full) {
    print "| protocol | offered, messages/s | of closed loop | answered, messages/s | p99 since sent | p99 since due | lost | generator was the limit |"
    print "|---|---|---|---|---|---|---|---|"
    for (r = 1; r <= rows; r++) if (!has(r, "offered_rate")) full[cell[r, "proto"]] = cell[r, "rate"]
    for (r = 1; r <= rows; r++) if (has(r, "offered_rate"))
        printf "| %s | %s | %.0f %% | %s | %s | %s | %s | in %d %% of the repetitions |\n", cell[r, "proto"], number(cell[r, "offered_rate"]), cell[r, "offered_rate"] / full[cell[r, "proto"]] * 100, \
            rate_spread(r), duration_spread(r, "p99_us"), duration_spread(r, "corrected_p99_us"), percent(cell[r, "lost"]), cell[r, "bound"] * 100 + 0.5
    print ""
    for (p = 1; p <= 2; p++) knee_of(p == 1 ? "tcp" : "udp", full)
}
# What closed loop reached, TCP and UDP: messages/s.
function tell_full(    r, full) {
    full["tcp"] = full["udp"] = 0
    for (r = 1; r <= rows; r++) if (!has(r, "offered_rate")) full[cell[r, "proto"]] = cell[r, "rate"]
    printf "%.0f %.0f\n", full["tcp"], full["udp"]
}
function knee_of(proto, full,    r, first, last, calm, unequal) {
    for (r = 1; r <= rows; r++) {
        if (cell[r, "proto"] != proto || !has(r, "offered_rate") || !has(r, "corrected_p99_us")) continue
        if (!first) first = r
        if (!unequal && cell[r, "corrected_p99_us"] <= 10 * cell[first, "corrected_p99_us"]) calm = r; else unequal = 1
        last = r
    }
    if (!first || !full[proto]) return
    printf "- %s: up to %.0f %% of what closed loop reached, the corrected p99 stays within ten times that of the lowest rate", toupper(proto), cell[calm, "offered_rate"] / full[proto] * 100
    printf "; at %.0f %% it is %s since due and %s since sent", cell[last, "offered_rate"] / full[proto] * 100, duration(cell[last, "corrected_p99_us"]), duration(cell[last, "p99_us"])
    if (has(last, "p99_us") && cell[last, "p99_us"] > 0) printf ": the uncorrected one shows one part in %s of the waiting", short(cell[last, "corrected_p99_us"] / cell[last, "p99_us"])
    print "."
}

END {
    if (part == "ladder") tell_ladder()
    else if (part == "latency") tell_latency()
    else if (part == "marks") tell_marks()
    else if (part == "openmarks") tell_openmarks()
    else if (part == "full") tell_full()
    else if (part == "sizes") tell_sizes()
    else if (part == "growth") tell_growth()
    else if (part == "middle") tell_middle()
    else if (part == "workers") tell_workers()
    else if (part == "sweep") tell_sweep()
}
