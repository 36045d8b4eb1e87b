# Runs a program of a Debian release that is unpacked in ROOT, in its folder DIR:
# unpacked.sh ROOT DIR PROGRAM ARGUMENTS... The mounts are those of a namespace of its own.
set -eu
root=$1 dir=$2
shift 2
mkdir -p "$root/proc" "$root/dev" "$root$dir"
mount --bind "$dir" "$root$dir"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
exec chroot "$root" /usr/bin/env --chdir="$dir" "$@"
