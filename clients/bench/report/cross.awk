# cross.awk - where UDP and TCP overtake each other as messages grow.
#
#   awk -f cross.awk compare.tsv >crossings.tsv
#
# Reads lines of spread.awk with the sizes in order. At a size one protocol is ahead when the medians lie further apart than the larger
# of the two spreads, of three repetitions at least (stats.h); otherwise neither is. A crossing is a change of who is ahead; where the medians meet, is interpolated between the last size
# of the one and the first of the other (all in logarithms), and below and above are those sizes. Where there is no crossing, a line says at how
# many sizes each was ahead. [#crossing]
BEGIN { FS = OFS = "\t"; print "path", "loss_percent", "workload", "figure", "size", "below", "above", "from", "to", "sizes", "udp", "tcp" }
FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
{
    place = $column["path"] OFS $column["loss_percent"] OFS $column["workload"]
    size = $column["size"]
    if (!(place in seen)) { seen[place] = 1; order[++places] = place }
    if (!((place, size) in met)) { met[place, size] = 1; sizes[place, ++number[place]] = size }
    note("rate")
    note("server_cpu_us")
}
function note(figure,    c) {
    c = column[figure]
    if ($c == "?") return
    if ($column[figure == "rate" ? "rounds" : "server_cpu_rounds"] < 3) return # of fewer repetitions there is no verdict
    middle[place, size, $column["proto"], figure] = $c
    width[place, size, $column["proto"], figure] = $(c + 2) - $(c + 1)
}
# "udp", "tcp", or "" when neither is ahead: of rates the greater one is, of costs the less.
function ahead(place, size, figure,    u, t, w, v) {
    if (!((place, size, "udp", figure) in middle) || !((place, size, "tcp", figure) in middle)) return ""
    u = middle[place, size, "udp", figure]; t = middle[place, size, "tcp", figure]
    w = width[place, size, "udp", figure]; v = width[place, size, "tcp", figure]
    if (v > w) w = v
    if ((u > t ? u - t : t - u) <= w) return ""
    return (u > t) == (figure == "rate") ? "udp" : "tcp"
}
# Between the sizes number i and k: where the medians change sides for the last time. Straight lines in logarithms; half-way when one of the
# medians is 0, which has none.
function between(place, i, k, figure,    a, b, share, from, to) {
    while (i < k - 1 && leads(place, sizes[place, k - 1], figure) == leads(place, sizes[place, k], figure)) k--
    a = sizes[place, k - 1]; b = sizes[place, k]
    share = 0.5
    if (least(place, a, figure) > 0 && least(place, b, figure) > 0) {
        from = gap(place, a, figure); to = gap(place, b, figure)
        if (from != to) share = from / (from - to)
    }
    return exp(log(a) + (log(b) - log(a)) * share)
}
function leads(place, size, figure) { return middle[place, size, "udp", figure] + 0 > middle[place, size, "tcp", figure] + 0 }
function least(place, size, figure,    u, t) { u = middle[place, size, "udp", figure] + 0; t = middle[place, size, "tcp", figure] + 0; return u < t ? u : t }
function gap(place, size, figure) { return log(middle[place, size, "udp", figure] / middle[place, size, "tcp", figure]) }
function crossing(place, figure,    i, size, who, last, last_size, last_i, found, ahead_at) {
    last = ""
    ahead_at["udp"] = ahead_at["tcp"] = found = 0
    for (i = 1; i <= number[place]; i++) {
        size = sizes[place, i]
        who = ahead(place, size, figure)
        if (who == "") continue
        ahead_at[who]++
        if (last != "" && who != last) {
            printf "%s\t%s\t%.0f\t%s\t%s\t%s\t%s\t?\t?\t?\n", place, figure, between(place, last_i, i, figure), last_size, size, last, who
            found = 1
        }
        last = who; last_size = size; last_i = i
    }
    if (!found) printf "%s\t%s\t?\t?\t?\t?\t?\t%d\t%d\t%d\n", place, figure, number[place], ahead_at["udp"], ahead_at["tcp"]
}
END { for (p = 1; p <= places; p++) { crossing(order[p], "rate"); crossing(order[p], "server_cpu_us") } }
