#!/usr/bin/env bash
# What the package comment says about answer, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" answer
go build -o "$dir/backout" ./examples/backout
exits 3 "$dir/backout" -lab "$lab" -runs "$dir/runs" -notify "echo \"\$SUBJECT\" >>'$dir/told'"
grep -q 'asked: The faulty images' "$dir/told" || fail "nobody was told of the question"
exits 2 "$dir/answer" "$dir/rums"
says "is no folder"
exits 0 "$dir/answer" "$dir/runs"
says 'assess, since'
question=$(awk 'NR == 1 { print $1 }' "$dir/out")
says "(Needs -reason.)"
exits 2 "$dir/answer" "$dir/runs" "$question" perhaps
exits 3 "$dir/answer" "$dir/runs" "$question" yes # nobody could understand it later
says "this question needs one"
exits 2 "$dir/answer" "$dir/runs" "$question" # nobody is at a terminal to be asked
exits 0 "$dir/answer" -operator anna -reason "support has seen it" "$dir/runs" "$question" yes
exits 1 "$dir/answer" "$dir/runs" "$question" no # somebody was faster
exits 0 "$dir/answer" "$dir/runs"
says 'no question is open'
exits 3 "$dir/backout" -lab "$lab" -runs "$dir/runs"
says 'approved   The faulty images are offered to nobody any more.'
says 'anna'
says 'Can devices that have the faulty image still take an update over the air?'
echo "answer: as described"
