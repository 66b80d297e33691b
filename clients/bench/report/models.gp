# models.gp - every server side by side: CPU per message, and the latency of one message; style.gp says how it is called.
#
# data: lines of ladder.awk, the cheapest server first. ARG5: the title. ARG6: how many servers. ARG7, ARG8: the titles of the two panels.
# A bar of CPU is the best of the repetitions and its whisker goes to the worst; a mark of latency is the median.
data = ARG1; picture = ARG2; kind = ARG3; conditions = ARG4
heading = ARG5; servers = int(ARG6)
width = 900; height = 225 + 34 * servers
load ARG0[1:strlen(ARG0) - strlen("models.gp")] . "style.gp"
array path[2] = ["loopback", "veth"]
array pattern[2] = [3, 0]
array shade[2] = ["#0072B2", "#404040"]
top = 1 - 80.0 / height
foot = 105.0 / height

# Of the two paths the first is drawn above: bars of a third of the row.
lane(p) = column("row") + (p == 1 ? -0.18 : 0.18)
with_path(p, value) = stringcolumn("path") eq path[p] ? value : NaN

# Few bad repetitions must not squeeze all bars: whiskers are cut at the edge.
stats data using "cost" nooutput
edge = STATS_max * 1.45
set yrange [servers + 1.6:0.4] # a row below for the key
set multiplot title heading . "\nCPU: bar to the best repetition, whisker to the worst, cut at the edge. Latency: median, bars from least to greatest."
set lmargin at screen 0.19
set rmargin at screen 0.58
set tmargin at screen top
set bmargin at screen foot
set title ARG7 offset 0, -0.4
set xlabel "server CPU per message, µs"
set ytics scale 0
set style textbox opaque noborder fillcolor rgb "#FFFFFF" margins 0.2, 0.1
set xrange [0:edge]
set key at screen 0.575, top - 0.01 right top
plot data using (0):"row":ytic(stringcolumn("target")) with points pointtype -1 notitle, \
     for [p = 1:2] data using (with_path(p, column("cost") / 2)):(lane(p)):(0):"cost":(lane(p) - 0.15):(lane(p) + 0.15) \
        with boxxyerror fillstyle pattern pattern[p] border linecolor rgb shade[p] linewidth 1 dashtype solid linecolor rgb shade[p] title path[p], \
     for [p = 1:2] data using (with_path(p, column("cost"))):(lane(p)):"cost":"cost_high" \
        with xerrorbars pointtype 0 pointsize 0 linecolor rgb "#000000" linewidth 1.2 dashtype solid notitle, \
     for [p = 1:2] data using (with_path(p, column("cost_high") < edge * 0.88 ? column("cost_high") : edge * 0.88)):(lane(p)):(sprintf(" %.3g", column("cost"))) with labels left boxed font ",8" notitle
unset label 1
set lmargin at screen 0.61
set rmargin at screen 0.97
set title ARG8
set xlabel "latency, µs (log scale)"
set format y ""
unset ytics
set logscale x
do for [t in between] { set xtics add (t t + 0) }
set xrange [*:*]
set key at screen 0.97, foot + 0.01 right bottom horizontal maxrows 1 samplen 1.5 width -1
plot data using (with_path(1, column("p50"))):(column("row") - 0.1):"p50_low":"p50_high" with xerrorbars linetype 1 dashtype solid title "p50", \
     data using (with_path(1, column("p99"))):(column("row") - 0.1):"p99_low":"p99_high" with xerrorbars linetype 2 dashtype solid title "p99 (loopback)", \
     data using (with_path(2, column("p50"))):(column("row") + 0.25):"p50_low":"p50_high" with xerrorbars linetype 4 pointtype 6 dashtype solid title "p50 (veth)"
unset multiplot
