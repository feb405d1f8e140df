#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rootfs.sh DAEMON DIR: lays out the image's file system: the daemon, every library it loads, CA certificates, time zones,
# and the packages' records, so that vulnerability scanners know what is inside.
set -eu
daemon=$1 root=$2
mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/etc/spantoll" "$root/etc/ssl/certs" "$root/var/lib/dpkg/status.d" \
	"$root/var/lib/spantoll" "$root/tmp"
chmod 1777 "$root/tmp"
chown 65532:65532 "$root/var/lib/spantoll"
# Debian's merged /usr: the loader is found through these.
for link in lib lib64; do [ ! -L "/$link" ] || cp -P "/$link" "$root/$link"; done
mkdir -p "$root/usr/lib64"

install -m 755 -s "$daemon" "$root/usr/bin/spantoll"
ldd "$daemon" | grep -oE '/[^ ]+' | sort -u | while read -r lib; do
	real=$(readlink -f "$lib")
	mkdir -p "$root$(dirname "$real")" "$root/usr${lib%/*}"
	cp "$real" "$root$real"
	[ -e "$root$lib" ] || ln -s "$real" "$root$lib"
	dpkg -S "$real" 2> /dev/null || dpkg -S "$lib" 2> /dev/null || true
done | sed 's/:.*//' | sort -u | while read -r package; do
	dpkg -s "$package" > "$root/var/lib/dpkg/status.d/$package"
	mkdir -p "$root/usr/share/doc/$package"
	cp "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/" 2> /dev/null || true
done
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp /etc/os-release "$root/etc/os-release"
# Budgets by the calendar of a time zone.
mkdir -p "$root/usr/share/doc/tzdata"
cp -r /usr/share/zoneinfo "$root/usr/share/"
dpkg -s tzdata > "$root/var/lib/dpkg/status.d/tzdata"
cp /usr/share/doc/tzdata/copyright "$root/usr/share/doc/tzdata/" 2> /dev/null || true
cp deploy/image/config.yaml examples/prices.json "$root/etc/spantoll/"
printf 'spantoll:x:65532:65532:spantoll:/var/lib/spantoll:/sbin/nologin\n' > "$root/etc/passwd"
printf 'spantoll:x:65532:\n' > "$root/etc/group"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"
# The proof that nothing is missing.
chroot "$root" /usr/bin/spantoll version
