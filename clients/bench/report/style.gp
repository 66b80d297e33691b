# style.gp - what all pictures of `make bench` share: paper, ink, marks, and the line of conditions at the foot.
#
# A picture is drawn by   gnuplot -c PICTURE.gp DATA.tsv OUT svg|pngcairo|png "CONDITIONS" [more]
# and sets data, picture, kind, conditions, width and height before it loads this (a load empties the ARGs).
# The colours are those of Okabe and Ito, which colour-blind readers can tell apart;
# each also has a dash and a mark of its own, so that a print without colour can be read. [#marks-not-colours]
# The data are lines of spread.awk: columns are called by their names, what is unknown is "?".
if (kind eq "svg") {
    set terminal svg size width, height font "DejaVu Sans,12" noenhanced background "white" name "echolab"
} else {
    if (kind eq "pngcairo") {
        set terminal pngcairo size width, height font "DejaVu Sans,10" noenhanced background "white"
    } else {
        set terminal png size width, height noenhanced background "white"
    }
}
set output picture
set encoding utf8
set datafile separator tab
set datafile missing NaN
set datafile columnheaders

set linetype 1 linecolor rgb "#0072B2" linewidth 2.2 dashtype solid       pointtype 7  pointsize 0.8
set linetype 2 linecolor rgb "#D55E00" linewidth 1.6 dashtype (12,5)      pointtype 4  pointsize 0.9
set linetype 3 linecolor rgb "#009E73" linewidth 1.6 dashtype (3,3)       pointtype 9  pointsize 0.9
set linetype 4 linecolor rgb "#000000" linewidth 1.4 dashtype (12,4,3,4)  pointtype 12 pointsize 1.0
set linetype 5 linecolor rgb "#CC79A7" linewidth 1.8 dashtype (22,6)      pointtype 11 pointsize 0.9
set linetype 6 linecolor rgb "#E69F00" linewidth 1.8 dashtype (6,3,2,3,2,3) pointtype 6 pointsize 0.9

set border 3 linecolor rgb "#404040"
set tics nomirror out
set grid back linecolor rgb "#D8D8D8" linewidth 0.6 dashtype solid
set pointintervalbox 0
set key opaque samplen 3.2 spacing 1.15
set label 1 conditions at screen 0.012, screen (30.0 / height) font ",8" textcolor rgb "#404040"

# A value only where the line is of that curve: elsewhere NaN, which draws nothing and breaks no line.
only(name, wanted, value) = stringcolumn(name) eq wanted ? value : NaN

# [#log-tics] A log axis over a decade or two has a label or two of its own, too few to read a value by: then 2 and 5 get one each.
between = '20 50 200 500 2000 5000 20000 50000'
