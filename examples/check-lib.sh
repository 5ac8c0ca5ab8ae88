# What the examples' check.sh scripts share; sourced by them with the name of the
# program. It builds the program and imageinfo into $dir.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for program in "$1" imageinfo; do
  go build -o "$dir/$program" "./examples/$program"
done
lab=$dir/lab
fail() { echo "check: $*" >&2; exit 1; }
# exits STATUS COMMAND...: the command, with nobody to answer it, exits like that
exits() {
  local want=$1 got=0; shift
  "$@" >"$dir/out" 2>&1 </dev/null || got=$?
  [ "$got" = "$want" ] || { cat "$dir/out"; fail "$*: exit $got, want $want"; }
}
# says TEXT: the last command printed it
says() { grep -qF -- "$1" "$dir/out" || { cat "$dir/out"; fail "it does not say: $1"; }; }
# newest CHANNEL DEVICE TEXT: its newest image is shown like that
newest() { exits 0 "$dir/imageinfo" -lab "$lab" "$1" "$2"; says "$3"; }
# tree: every file of the lab, to compare worlds
tree() { (cd "$lab" && find . -path ./.machine -prune -o -type f -print0 | sort -z | xargs -0 sha256sum); }
