#!/bin/sh
# apt.sh [FOLDER]: turns dist/packages, or the folder, into an apt repository of one
# folder, for unattended upgrades. It is signed with the OpenPGP key in APT_SIGNING_KEY,
# if there is one.
#
#   deb [signed-by=/etc/apt/keyrings/privatelink-dns.asc] https://HOST/FOLDER /
set -eu
cd "${1:-$(dirname "$0")/../../dist/packages}"
rm -f Packages Packages.gz Release InRelease privatelink-dns.asc
# A path without ./ works on every server, also on one that does not normalize it.
apt-ftparchive packages . | sed "s,^Filename: \\./,Filename: ," >Packages
gzip -9nk Packages
apt-ftparchive -o APT::FTPArchive::Release::Origin=privatelink-dns \
	-o APT::FTPArchive::Release::Label=privatelink-dns \
	-o APT::FTPArchive::Release::Suite=stable \
	-o APT::FTPArchive::Release::Architectures="amd64 arm64" release . >.Release
mv .Release Release
if [ -n "${APT_SIGNING_KEY:-}" ]; then
	GNUPGHOME=$(mktemp -d)
	export GNUPGHOME
	trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
	echo "$APT_SIGNING_KEY" | gpg --batch --quiet --import
	gpg --batch --armor --export >privatelink-dns.asc
	gpg --batch --clearsign --output InRelease Release
fi
