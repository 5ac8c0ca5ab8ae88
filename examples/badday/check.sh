#!/usr/bin/env bash
# The commands of the README for a bad day, as they stand there, on the lab: -site is
# left out, and what stands there for names is filled in.
. "$(dirname "$0")/../check-lib.sh" runs
mapfile -t commands < <(sed -n '/^## On a bad day/,/^## In your own/p' README.md | grep -o '`go run \./examples/[^`]*`' | tr -d '`')
[ ${#commands[@]} -ge 10 ] || fail "the README has ${#commands[@]} commands for a bad day"
mkdir "$dir/tried"; src=$PWD; cd "$dir/tried"
# what each program is to exit with and to say when nobody answers
declare -A status=([backout]=3 [hotfix]=3 [failedbuild]=1 [republish]=0 [failedimport]=0 [why]=0 [checktree]=0 [doctor]=0 [runs]=0 [answer]=0 [copyrc]=0)
declare -A answer=(
  [backout]='offered to nobody any more' [hotfix]='Is the problem assessed' [failedbuild]='do: ' [republish]='nothing; all is done' [failedimport]='nothing wrong'
  [why]='up to date' [checktree]='the other devices wait' [doctor]='0 failed' [runs]='waits for an answer' [answer]='assess' [copyrc]='nothing; all is done'
)
for command in "${commands[@]}"; do
  program=${command#go run ./examples/}; program=${program%% *}
  [ "$program" != board ] || continue # it serves until it is ended
  [ -x "bin/$program" ] || go build -C "$src" -o "$PWD/bin/$program" "./examples/$program"
  line=${command/go run .\/examples\//bin\/}
  line=${line/ -site site.conf/ -lab $program.lab}
  case $program in
    backout) line=${line/CHANNEL:DEVICE:VERSION .../ubuntu-touch\/stable\/meizu.en:arale:2} ;;
    hotfix) bin/hotfix -sample >hotfix.json; line=${line/ -manifest OTA-13.manifest/} ;;
    failedbuild) line=${line/ ADDRESS-OF-ITS-LOG/} ;;
    failedimport) line=${line/CHANNEL -device DEVICE/ubuntu-touch\/rc-proposed\/meizu.en -device arale} ;;
    why) line=${line/CHANNEL DEVICE BUILD/ubuntu-touch\/stable\/meizu.en arale 1} ;;
    copyrc) bin/copyrc -lab copyrc.lab -journal F -yes >/dev/null ;;
  esac
  # shellcheck disable=SC2086 # the words of the README
  exits "${status[$program]:?$command is not tried here}" $line
  says "${answer[$program]}"
done
echo "badday: as described"
