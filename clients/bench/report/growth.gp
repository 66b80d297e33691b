# growth.gp - what a message costs the server with 1 to 10,000 connections; style.gp says how it is called.
#
# data: lines of spread.awk, workload "busy" (all connections ask in turn) or "idle" (50 ask, the others are silent).
# ARG5: the targets; ARG6, ARG7: the median of tcp_echo_server's figures, busy and idle, around which the band of 15 % is drawn.
# A point is the best of the repetitions and its bar goes to the worst: noise only ever adds.
data = ARG1; picture = ARG2; kind = ARG3; conditions = ARG4
targets = ARG5
array middle[2] = [real(ARG6), real(ARG7)]
width = 900; height = 480
load ARG0[1:strlen(ARG0) - strlen("growth.gp")] . "style.gp"
array load_name[2] = ["busy", "idle"]
array panel[2] = ["all connections ask in turn", "50 ask, all others are silent"]

stats data using "connections" nooutput
most = STATS_max
stats data using "server_cpu_us_low" nooutput
set yrange [0:STATS_max * 1.5]
set logscale x
set xrange [0.6:most * 1.8]
set xtics ("1" 1, "10" 10, "100" 100, "1,000" 1000, "10,000" 10000)
set ylabel "server CPU per message, µs"
set key top center Left reverse
set multiplot layout 1, 2 title "What a message costs the server as connections grow\npoint: best repetition; bar: to the worst, cut at the top edge; band: ±15 % around tcp_echo_server's median" margins 0.085, 0.985, 0.24, 0.81 spacing 0.1
do for [p = 1:2] {
    set title panel[p]
    set xlabel p == 1 ? "connections (log scale)" : "connections in all (log scale)"
    if (middle[p] > 0) {
        set object 1 rectangle from graph 0, first middle[p] * 0.85 to graph 1, first middle[p] * 1.15 behind fillcolor rgb "#E1ECF5" fillstyle solid noborder
    } else {
        unset object 1
    }
    plot for [i = 1:words(targets)] data \
        using (column("connections") * (1 + 0.12 * (i - 2))):(only("target", word(targets, i), only("workload", load_name[p], column("server_cpu_us_low")))):"server_cpu_us_low":"server_cpu_us_high" \
        with yerrorlines linetype i title word(targets, i)
    unset label 1
}
unset multiplot
