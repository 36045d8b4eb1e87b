#!/bin/sh
# version.sh: prints the version of the packages for VERSION, the output of git describe,
# in a form that all package managers order: 1.2.3 for the tag v1.2.3, and for a commit
# after it 1.2.4-git20261126132849, with the time of the commit, SOURCE_DATE_EPOCH. A
# build without a tag comes before the CHANGELOG's first version.
set -eu
at=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S 2>/dev/null || date -u -r "$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)
case ${VERSION:-} in
v[0-9]*-g* | v[0-9]*-dirty)
	tag=${VERSION#v}
	tag=${tag%%-*}
	patch=${tag##*.}
	echo "${tag%.*}.$((patch + 1))-git$at"
	;;
v[0-9]*) echo "${VERSION#v}" ;;
*) echo "$(sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' "$(dirname "$0")/../../CHANGELOG.md" | head -1)-git$at" ;;
esac
