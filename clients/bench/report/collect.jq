# collect.jq - the documents of single runs become one, with the names that the script gave their targets.
#
#   jq -s --rawfile names labels.tsv --arg pinning TEXT -f collect.jq run-1.json run-2.json …
#
# labels.tsv has a line for each document, in order: target, workload, repetition. Conditions are those of the first.
{format_version: 1, conditions: (.[0].conditions + {pinning: $pinning}),
 results: [., ($names | split("\n") | map(select(. != "") | split("\t")))] | transpose
          | map(. as [$document, $name]
                | $document.results[]? | . + {path: "loopback", target: $name[0], workload: $name[1], repetition: ($name[2] | tonumber)})}
