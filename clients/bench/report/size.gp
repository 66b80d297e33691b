# size.gp - UDP against TCP over message sizes: rate and CPU, quiet and under loss; style.gp says how it is called.
#
# data: lines of spread.awk of `echo_bench compare`. ARG5: the workload. ARG6: its title. ARG7: the losses in percent, at most two.
# ARG8: lines of cross.awk, where one protocol overtakes the other. ARG9: the path.
data = ARG1; picture = ARG2; kind = ARG3; conditions = ARG4
workload = ARG5; heading = ARG6; losses = ARG7; crossings = ARG8; path = ARG9
width = 900; height = 760
load ARG0[1:strlen(ARG0) - strlen("size.gp")] . "style.gp"
array figure[2] = ["rate", "server_cpu_us"]
array label_of[2] = ["messages a second (log scale)", "server CPU per message, µs (log scale)"]
array sign[2] = ["UDP", "TCP"]
array protocol[2] = ["udp", "tcp"]

more_than_nothing(value) = value > 0 ? value : NaN # the axes are logarithmic
here(value) = only("path", path, only("workload", workload, value))

set logscale xy
set xtics ("1" 1, "4" 4, "16" 16, "64" 64, "256" 256, "1 k" 1024, "4 k" 4096, "16 k" 16384, "64 k" 65536)
set xrange [0.7:95000]
set multiplot layout 2, words(losses) title heading margins 0.095, 0.985, 0.13, 0.91 spacing 0.11, 0.07
do for [row = 1:2] {
    # Both panels of a row on one scale: they are there to be compared.
    set yrange [*:*]
    stats data using (here(column(figure[row] . "_high"))) nooutput
    highest = STATS_max
    stats data using (here(more_than_nothing(column(figure[row] . "_low")))) nooutput
    set yrange [STATS_min / 1.6:highest * 3]
    set ylabel label_of[row]
    if (row == 1) {
        set format y "%.0s %c"; set key bottom left Left reverse
    } else {
        set format y "%g"; set key top left Left reverse
    }
    do for [i = 1:words(losses)] {
        loss = word(losses, i)
        set title row == 2 ? "" : loss == 0 ? "no loss" : sprintf("%g %% of the packets lost", real(loss))
        set xlabel row == 1 ? "" : "bytes in a message (log scale)"
        value = row == 1 ? figure[1] : figure[2] . "_low"
        unset arrow
        unset object
        unset label 2
        found = system(sprintf("awk -F'\\t' -v l=%s -v w=%s -v f=%s -v p=%s '$1 == p && $2 == l && $3 == w && $4 == f && $5 + 0 > 0 { print $5, $6, $7 }' '%s'", loss, workload, figure[row], path, crossings))
        # A band from the last size of the one to the first of the other, and a line where the medians meet.
        do for [c = 1:words(found) / 3] {
            at = real(word(found, 3 * c - 2))
            set object 10 + c rectangle from real(word(found, 3 * c - 1)), graph 0 to real(word(found, 3 * c)), graph 1 behind fillcolor rgb "#EEEEEE" fillstyle solid noborder
            set arrow from at, graph 0 to at, graph 0.84 nohead dashtype (4,4) linecolor rgb "#404040"
        }
        if (words(found) > 0) {
            first_at = real(word(found, 1))
            if (first_at < 32) { set label 2 " crossing near ".word(found, 1)." bytes" at first_at, graph 0.8 left font ",8" }
            if (first_at >= 32 && first_at <= 2048) { set label 2 "crossing near ".word(found, 1)." bytes" at first_at, graph 0.87 center font ",8" }
            if (first_at > 2048) { set label 2 "crossing near ".word(found, 1)." bytes " at first_at, graph 0.8 right font ",8" }
        }
        plot for [k = 1:2] data \
                using "size":(here(column("loss_percent") == loss ? only("proto", protocol[k], column(value)) : NaN)):(column(figure[row] . "_low")):(column(figure[row] . "_high")) \
                with yerrorlines linetype k title sign[k]
        unset label 1
    }
}
unset multiplot
