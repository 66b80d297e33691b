# open_picks.jq - which curves the picture of the open loop has: of each server the middle rate and the highest, since due and since sent.
def thousands: tostring | if length > 3 then .[:-3] + "," + .[-3:] else . end;
[[.results[] | select(.workload == "open")] | group_by(.load.proto)[]
 | .[0] as {load: {proto: $proto}, target: $target}
 | [.[].load.offered_rate] | unique | [.[(length - 1) / 2 | floor], .[-1]] | unique | to_entries[] as {key: $k, value: $rate}
 | ({curve: ($k * 2 + 1), key: "corrected_latency", words: "since due"}, {curve: ($k * 2 + 2), key: "latency", words: "since sent"})
   + {panel: (if $proto == "tcp" then 1 else 2 end), path: "loopback", target: $target, workload: "open", rate: $rate}
   | .name = "\(.words), \($rate | round | thousands)/s"]
