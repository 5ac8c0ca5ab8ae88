# Remove the folder of a job that ended. Renamed first, so that it is never
# seen in part.
cd "$base/$name" 2>/dev/null || quit none
ours || quit other
settle
[ "$verdict" = running ] && quit running
cd ..
mv "$name" ".old.$id" && rm -rf .old.* || quit "failed cannot remove $base/$name"
quit reaped
