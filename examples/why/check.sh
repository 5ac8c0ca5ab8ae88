#!/usr/bin/env bash
# Asks why about phones of the lab.
. "$(dirname "$0")/../check-lib.sh" why
exits 0 "$dir/why" -lab "$lab" ubuntu-touch/stable/meizu.en arale 0
says "phones with the numbers 31 to 100"
exits 0 "$dir/why" -lab "$lab" -draw 42 ubuntu-touch/stable/meizu.en arale 0
says "let in from 42 % on"
exits 1 "$dir/why" -lab "$lab" ubuntu-touch/stabel/meizu.en arale 0
says "ubuntu-touch/stable/meizu.en"
exits 2 "$dir/why" -lab "$lab" ubuntu-touch/stable/meizu.en
echo "why: as described"
