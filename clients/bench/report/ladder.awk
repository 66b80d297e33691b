# ladder.awk - the servers in order of their price, for models.gp and for the report.
#
#   awk -v proto=tcp -v load=crowd -f ladder.awk models.tsv
#
# Reads lines of spread.awk. CPU per message comes from the workload `load`, latency from the one called latency; order and row are by
# CPU over loopback, servers without a figure last. One line a server and path.
BEGIN { FS = OFS = "\t" }
FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
$column["proto"] != proto { next }
{
    target = $column["target"]; path = $column["path"]
    c = column["server_cpu_us"]; a = column["p50_us"]; b = column["p99_us"]
    if ($column["workload"] == load) {
        cost[target, path] = $(c + 1) OFS $(c + 2)
        if (!(target in price) || path == "loopback") price[target] = $(c + 1)
    } else if ($column["workload"] == "latency")
        wait[target, path] = $a OFS $(a + 1) OFS $(a + 2) OFS $b OFS $(b + 1) OFS $(b + 2)
    else next
    if (!(target in known)) { known[target] = 1; name[++targets] = target }
    if (!((target, path) in met)) { met[target, path] = 1; if (!(path in path_known)) { path_known[path] = 1; paths[++npaths] = path } }
}
# What costs nothing known goes to the end.
function key(target) { return target in price && price[target] != "?" ? price[target] + 0 : 1e30 }
END {
    for (i = 2; i <= targets; i++) {
        t = name[i]
        for (k = i - 1; k >= 1 && key(name[k]) > key(t); k--) name[k + 1] = name[k]
        name[k + 1] = t
    }
    print "row", "target", "path", "cost", "cost_high", "p50", "p50_low", "p50_high", "p99", "p99_low", "p99_high"
    for (i = 1; i <= targets; i++) for (p = 1; p <= npaths; p++) if ((name[i], paths[p]) in met)
        print i, name[i], paths[p], ((name[i], paths[p]) in cost ? cost[name[i], paths[p]] : "?" OFS "?"), \
            ((name[i], paths[p]) in wait ? wait[name[i], paths[p]] : "?" OFS "?" OFS "?" OFS "?" OFS "?" OFS "?")
}
