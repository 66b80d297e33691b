# sweep.gp - the hockey stick: latency against the rate that was asked for; style.gp says how it is called.
#
# data: lines of spread.awk with offered_rate, one server of TCP and one of UDP. ARG5, ARG6: what each did in closed loop, messages/s.
# The corrected latency counts from the instant when a message was due; the uncorrected one from when it was sent, and so
# forgets the waiting that a slow server causes (coordinated omission).
data = ARG1; picture = ARG2; kind = ARG3; conditions = ARG4
array full[2] = [real(ARG5), real(ARG6)]
width = 900; height = 480
load ARG0[1:strlen(ARG0) - strlen("sweep.gp")] . "style.gp"
array protocol[2] = ["tcp", "udp"]
array panel[2] = ["TCP, tcp_echo_server, 50 connections", "UDP, udp_echo_server, 1 socket"]

stats data using "corrected_p99_us_high" nooutput
highest = STATS_max
stats data using "p99_us_low" nooutput
lowest = STATS_min
set logscale y
set format y "%.0f"
set ytics ("1 µs" 1, "10 µs" 10, "100 µs" 100, "1 ms" 1000, "10 ms" 1e4, "100 ms" 1e5, "1 s" 1e6, "10 s" 1e7)
set ylabel "99th percentile of latency (log scale)"
set xlabel "offered rate, thousand messages a second"
set key top left Left reverse
set multiplot layout 1, 2 title "Latency against offered rate: median of the repetitions, bars from least to greatest" margins 0.1, 0.985, 0.24, 0.84 spacing 0.1
do for [p = 1:2] {
    set title panel[p]
    set xrange [*:*]
    set yrange [*:*]
    stats data using (only("proto", protocol[p], column("offered_rate") / 1000)) nooutput
    set xrange [0:(STATS_max > full[p] / 1000 ? STATS_max : full[p] / 1000) * 1.06]
    set yrange [0.99 * 10 ** floor(log10(lowest)):10 ** ceil(log10(highest) + 0.4)]
    set arrow 1 from first full[p] / 1000, graph 0 to first full[p] / 1000, graph 1 nohead dashtype (4,4) linecolor rgb "#404040"
    set label 2 "what closed loop reached " at first full[p] / 1000, graph 0.06 right font ",8"
    plot data using (only("proto", protocol[p], column("offered_rate") / 1000)):"corrected_p99_us":"corrected_p99_us_low":"corrected_p99_us_high" \
            with yerrorlines linetype 1 title "corrected (from when it was due)", \
         data using (only("proto", protocol[p], column("offered_rate") / 1000)):"p99_us":"p99_us_low":"p99_us_high" \
            with yerrorlines linetype 2 title "uncorrected (from when it was sent)"
    unset label 1
}
unset multiplot
