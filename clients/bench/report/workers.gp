# workers.gp - one worker and two: rate and CPU per message; style.gp says how it is called.
#
# data: lines of spread.awk, workload "1 worker" or "2 workers". ARG5: the targets, quoted.
data = ARG1; picture = ARG2; kind = ARG3; conditions = ARG4
targets = ARG5
width = 900; height = 480
load ARG0[1:strlen(ARG0) - strlen("workers.gp")] . "style.gp"
array load_name[2] = ["1 worker", "2 workers"]
array pattern[2] = [3, 0]
array figure[2] = ["rate", "server_cpu_us"]
array scale[2] = [1000.0, 1.0]
array axis[2] = ["thousand messages a second", "server CPU per message, µs"]
array panel[2] = ["rate (bar: median, whisker: least to greatest)", "CPU (bar: best, whisker: to the worst)"]

place(target) = stringcolumn("target") eq word(targets, 1) ? 1 : stringcolumn("target") eq word(targets, 2) ? 2 : NaN
set style fill solid 1.0 border
set xrange [0.4:2.6]
set xtics (word(targets, 1) 1, word(targets, 2) 2) scale 0
set key top right
set multiplot layout 1, 2 title "One worker and two: what a second thread brings" margins 0.08, 0.985, 0.2, 0.84 spacing 0.1
do for [p = 1:2] {
    set yrange [*:*]
    stats data using (column(figure[p] . "_high") / scale[p]) nooutput
    set yrange [0:STATS_max * 1.3]
    set ylabel axis[p]
    set title panel[p]
    value = p == 1 ? figure[1] : figure[2] . "_low"
    plot for [w = 1:2] data using (only("workload", load_name[w], place(0) + 0.2 * (2 * w - 3))):(column(value) / scale[p]):(0.34) \
            with boxes fillstyle pattern pattern[w] border linetype w dashtype solid title load_name[w], \
         for [w = 1:2] data using (only("workload", load_name[w], place(0) + 0.2 * (2 * w - 3))):(column(value) / scale[p]):(column(figure[p] . "_low") / scale[p]):(column(figure[p] . "_high") / scale[p]) \
            with yerrorbars pointtype 0 pointsize 0 linecolor rgb "#000000" linewidth 1.2 dashtype solid notitle, \
         for [w = 1:2] data using (only("workload", load_name[w], place(0) + 0.2 * (2 * w - 3))):(column(figure[p] . "_high") / scale[p]):(sprintf("%.3g", column(value) / scale[p])) \
            with labels offset 0, 0.7 font ",9" notitle
    unset label 1
}
unset multiplot
