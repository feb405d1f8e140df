#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Dockerfile with no container engine and no image registry: the base image is made from Debian's
# packages, then buildah runs the file unchanged.
#   image.sh CONTEXT_DIR TAG [trixie|bookworm]      needs root, and tools/setup.sh image
# The result is an OCI archive in ${IMAGE_WORK:-build/image}: podman load -i build/image/spantoll.oci.tar
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'make image needs root: it makes a Debian root file system' >&2; exit 1; }
context=$(realpath "$1") tag=$2 suite=${3:-trixie}
work=${IMAGE_WORK:-$(dirname "$0")/../../build/image}
mkdir -p "$work"
cd "$work"
work=$PWD
printf '[storage]\ndriver="vfs"\ngraphroot="%s/graph"\nrunroot="%s/runroot"\n' "$work" "$work" > storage.conf
: > registries.conf
: > containers.conf
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot CONTAINERS_STORAGE_CONF=$work/storage.conf \
	CONTAINERS_REGISTRIES_CONF=$work/registries.conf CONTAINERS_CONF=$work/containers.conf

if [ ! -f "base-$suite.tar" ]; then
	echo "  image  base: Debian $suite from its packages"
	mmdebstrap --quiet --variant=minbase --include=ca-certificates "$suite" "base-$suite.part.tar"
	mv "base-$suite.part.tar" "base-$suite.tar"
fi
[ -n "$(buildah images -q "debian:$suite-slim" 2> /dev/null)" ] ||
	podman import -q "base-$suite.tar" "docker.io/library/debian:$suite-slim" > /dev/null
echo "  image  $tag from $context/Dockerfile"
buildah bud --pull-never --isolation chroot --layers -t "$tag" "$context"
name=$(basename "${tag%%:*}")
rm -f "$name.oci.tar"
buildah push -q "$tag" "oci-archive:$work/$name.oci.tar:$tag"
echo "  image  $work/$name.oci.tar ($(du -h "$name.oci.tar" | cut -f1))"
