# cdf.gp - which share of the messages was back within which time, up to 99.99 %; style.gp says how it is called.
#
# data: lines of cdf.jq: panel, curve, us, share. ARG5: the title. ARG6, ARG7: the titles of the panels. ARG8, ARG9: their curves' names,
# each in quotes, so that a name may have spaces. MARKS in the environment: lines panel, curve, share, us, low, high; a mark is the median of the
# repetitions and its bar goes from the least to the greatest, while the curve is of all repetitions together.
# The upright axis is -log10(1 - share): each nine gets as much room as the one before. [#nines]
data = ARG1; picture = ARG2; kind = ARG3; conditions = ARG4
heading = ARG5
array panel[2] = [ARG6, ARG7]
array names[2] = [ARG8, ARG9]
width = 900; height = 600
load ARG0[1:strlen(ARG0) - strlen("cdf.gp")] . "style.gp"
marks = system("printenv MARKS")
nines(share) = share >= 0.99999 ? 5 : -log10(1 - share)
curve(p, k, value) = column("panel") == p && column("curve") == k ? value : NaN

set autoscale xfix
set ytics ("0 %%" 0, "50 %%" 0.30103, "90 %%" 1, "99 %%" 2, "99.9 %%" 3, "99.99 %%" 4)
set xlabel "latency, µs (log scale)"
set key at graph 1, graph -0.2 right top vertical maxrows 3
set multiplot layout 1, 2 title heading margins 0.115, 0.975, 0.31, 0.88 spacing 0.09
do for [p = 1:2] {
    unset logscale x # stats wants none
    set yrange [*:*]
    stats data using (column("panel") == p ? column("us") : NaN) nooutput
    set yrange [0:4.05]
    set logscale x
    set xtics autofreq
    if (STATS_max < 200 * STATS_min) { do for [t in between] { set xtics add (t t + 0) } }
    set title panel[p]
    set ylabel p == 1 ? "share of the messages that were back" : ""
    plot for [k = 1:words(names[p])] data using (curve(p, k, column("us"))):(nines(column("share"))) \
            with lines linetype k title word(names[p], k), \
         for [k = 1:words(names[p])] marks using (curve(p, k, column("us"))):(nines(column("share"))):"low":"high" \
            with xerrorbars linetype k dashtype solid notitle
    unset label 1
}
unset multiplot
