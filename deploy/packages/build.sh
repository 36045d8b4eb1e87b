#!/bin/sh
# build.sh: makes the packages of the binaries in dist/OS/ARCH/, in dist/packages.
# `make packages` builds these first and sets VERSION and SOURCE_DATE_EPOCH. Equal
# sources make equal octets: nothing here depends on the time, the machine or a umask.
set -eu
: "${SOURCE_DATE_EPOCH:?it is the time of the commit, make sets it}"
umask 022
export LC_ALL=C TZ=UTC0 SOURCE_DATE_EPOCH
cd "$(dirname "$0")/../.."
name=privatelink-dns
stage=dist/stage
out=dist/packages
tools=$PWD/dist/tools
maintainer="privatelink-dns maintainers <privatelink-dns@users.noreply.github.com>"

# when FORMAT: the time of the commit, with the options of GNU or of BSD.
when() { date -u -d "@$SOURCE_DATE_EPOCH" "$1" 2>/dev/null || date -u -r "$SOURCE_DATE_EPOCH" "$1"; }

version=$(VERSION="${VERSION:-}" deploy/packages/version.sh)
numbers=${version%%-*}
deb=$(echo "$version" | sed 's/-/~/')
export PACKAGE_VERSION=$version

rm -rf "$stage" "$out"
mkdir -p "$stage" "$out"

go build -C tools -trimpath -o "$tools/" ./man ./archive ./msisummary \
	github.com/goreleaser/nfpm/v2/cmd/nfpm github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
go build -trimpath -buildvcs=false -o "$stage/host" ./cmd/$name

# put MODE SOURCE TARGET: installs a file with its folders.
put() { mkdir -p "$(dirname "$3")" && cp "$2" "$3" && chmod "$1" "$3"; }

"$stage/host" -h >"$stage/help" 2>&1
"$tools/man" -out "$stage/man" -version "$version" -date "$(when +%Y-%m-%d)" -help "$stage/help"
for shell in bash zsh fish; do
	"$stage/host" completion $shell >"$stage/completion.$shell"
done
gzip -9n >"$stage/changelog.Debian.gz" <<END
$name (${deb}-1) stable; urgency=medium

  * Release $version. See changelog.gz for its changes.

 -- $maintainer  $(when "+%a, %d %b %Y %H:%M:%S +0000")
END

# Linux: the files that .deb, .rpm and .apk share.
root=$stage/root
docs=$stage/docs/usr/share
mkdir -p $docs
cp -R "$stage/man" $docs/man
gzip -9n $docs/man/man*/*
put 644 "$stage/completion.bash" $root/usr/share/bash-completion/completions/$name
put 644 "$stage/completion.fish" $root/usr/share/fish/vendor_completions.d/$name.fish
put 644 deploy/systemd/$name.service $root/usr/lib/systemd/system/$name.service
put 644 deploy/systemd/sysusers.conf $root/usr/lib/sysusers.d/$name.conf
put 644 deploy/systemd/tmpfiles.conf $root/usr/lib/tmpfiles.d/$name.conf
doc=$docs/doc/$name
put 644 README.md $doc/README.md
put 644 CHANGELOG.md $doc/changelog
gzip -9n $doc/changelog
put 644 deploy/README.md $doc/deploy.md
put 644 docs/reference.corefile $doc/reference.corefile
put 644 deploy/systemd/exports.conf $doc/exports.conf
for corefile in azure-hub on-premises conditional-forwarder-target; do
	put 644 corefile/$corefile.corefile $doc/$corefile.corefile
done
cp -R deploy/packages/apk $stage/apk
cp deploy/packages/nfpm.yaml $stage/nfpm-deb.yaml
cp deploy/packages/nfpm.yaml $stage/nfpm-apk.yaml
{
	cat deploy/packages/nfpm.yaml
	(cd $stage/docs && find . -type f | sort |
		sed "s|^\.\(/.*\)|  - { src: $stage/docs\1, dst: \1, type: doc, packager: rpm, file_info: { mode: 0644 } }|")
	echo "changelog: $stage/changelog.yaml"
} >$stage/nfpm-rpm.yaml
cat >$stage/changelog.yaml <<END
- semver: $deb-1
  date: $(when +%Y-%m-%dT%H:%M:%SZ)
  packager: $maintainer
  changes:
    - note: See changelog.gz for the changes.
END
same_time() { find "$@" -exec touch -t "$(when +%Y%m%d%H%M.%S)" {} +; }
same_time $stage # of scripts and folders, which have no time of their own in nfpm
for ARCH in amd64 arm64; do
	export ARCH BINARY=dist/linux/$ARCH/$name
	chmod 755 "$BINARY"
	for format in deb rpm apk; do
		"$tools/nfpm" package -f $stage/nfpm-$format.yaml -p $format -t "$out/" >"$stage/nfpm.log" 2>&1 || { cat "$stage/nfpm.log" >&2; exit 1; }
	done
done

# macOS and Windows: one folder, packed.
mac=$stage/$name-$version
put 755 dist/darwin/arm64/$name "$mac/$name"
cp -R "$stage/man" "$mac/man"
mkdir "$mac/completion"
cp "$stage"/completion.* "$mac/completion/"
put 644 LICENSE "$mac/LICENSE"
put 644 README.md "$mac/README.md"
put 644 corefile/default.corefile "$mac/Corefile"
"$tools/archive" "$out/$name-$version-darwin-arm64.tar.gz" "$mac"
windows=$stage/windows/$name-$version
put 644 dist/windows/amd64/$name.exe "$windows/$name.exe"
for file in Corefile install-service.ps1 uninstall-service.ps1; do
	put 644 deploy/windows/$file "$windows/$file"
done
put 644 LICENSE "$windows/LICENSE.txt"
put 644 README.md "$windows/README.md"
"$tools/archive" "$out/$name-$version-windows-amd64.zip" "$windows"

# uuid WORD...: an identifier that depends on its words alone.
uuid() { echo "$@" | sha256sum | sed 's/^\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)\(.\{12\}\).*/\1-\2-\3-\4-\5/' | tr a-f A-F; }

if command -v wixl >/dev/null && command -v msibuild >/dev/null; then
	msi=$out/$name-$version-windows-amd64.msi
	same_time "$windows"
	wixl -a x64 -D Version="$numbers" -D ProductCode="$(uuid product "$version")" \
		-D Folder="$windows" -o "$msi" deploy/packages/windows/$name.wxs
	sed "/^--/d; s/@VERSION@/$numbers/" deploy/packages/windows/actions.sql | while IFS= read -r statement; do
		msibuild "$msi" -q "$statement"
	done
	"$tools/msisummary" "$msi" "$(uuid package "$version")"
else
	echo "no .msi: wixl or msibuild is missing, install the Debian packages wixl and msitools" >&2
fi

# The SBOM of the binary as it is linked, without a serial number and a time.
"$tools/cyclonedx-gomod" bin -json -noserial -notimestamp -version "v$version" -output "$out/$name-$version.cdx.json" \
	dist/linux/amd64/$name 2>"$stage/sbom.log" || { cat "$stage/sbom.log" >&2; exit 1; }

(cd $out && sha256sum -- * >SHA256SUMS)
ls -l "$out"
