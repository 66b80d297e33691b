# cdf.jq - histograms of echo_bench's JSON become the points of a curve: which share of the messages was back after so many µs.
#
#   jq -r -f cdf.jq --argjson picks '[{"panel":1,"curve":1,"path":"loopback","target":"tcp_epoll","workload":"latency"}]' models.json
#
# A pick names a result; "rate" (the offered one) and "key" ("corrected_latency") when there are several. All repetitions are added up. The
# points end at 99.99 %, or earlier where fewer than 10,000 messages came: a share that no message stands for is not drawn.
def curve($pick):
    [.results[]
     | select(.target == $pick.target and .workload == $pick.workload and .path == $pick.path)
     | select($pick.rate == null or .load.offered_rate == $pick.rate)
     | .repetitions[][$pick.key // "latency"] | select(. != null) | .buckets[]]
    | group_by(.[0])
    | map([.[0][1] / 1000, (map(.[2]) | add)])
    | (map(.[1]) | add // 0) as $all
    | foreach .[] as [$us, $count] (0; . + $count; [$us, ., $count])
    | select((.[1] - .[2]) / $all < 0.9999 and .[1] < $all)
    | [$pick.panel, $pick.curve, .[0], .[1] / $all]
    | @tsv;
"panel\tcurve\tus\tshare", (. as $document | $picks[] | . as $pick | $document | curve($pick))
