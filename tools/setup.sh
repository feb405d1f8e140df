#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing:   tools/setup.sh GROUP...      groups: build test full lint bench image
# Packages come from apt (as root, or through sudo); what only tests need goes into build/ and touches
# nothing else on the machine. When everything is there it says nothing and takes a tenth of a second.
set -euo pipefail
cd "$(dirname "$0")/.."
stamps=build/setup

say() { printf '  setup  %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Is the first number in "$1 --version" at least $2?
new_enough() {
	local have
	have=$("$1" --version 2>&1 | grep -oE '[0-9]+' | head -n 1)
	[ "${have:-0}" -ge "$2" ]
}

present() {
	local kind=${1%%:*} what=${1#*:} name
	case $kind in
	cmd)
		local least=0
		case $what in *'>='*) least=${what#*>=} what=${what%%>=*} ;; esac
		for name in ${what//|/ }; do
			command -v "$name" > /dev/null || continue
			[ "$least" = 0 ] || new_enough "$name" "$least" || continue
			return 0
		done
		return 1 ;;
	pc) command -v pkg-config > /dev/null && pkg-config --exists "$what" ;;
	file) [ -e "$what" ] ;;
	py) command -v python3 > /dev/null && python3 -c "import $what" 2> /dev/null ;;
	*) die "tools/packages.txt: unknown test $1" ;;
	esac
}

# Prints the packages of the wanted groups that are not there.
missing() {
	local group test package
	while read -r group test package; do
		case " $* " in *" $group "*) present "$test" || printf '%s\n' "$package" ;; esac
	done < <(grep -v '^\(#\|$\)' tools/packages.txt)
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs what fetches something, up to five times: networks and their servers have bad minutes.
tries() {
	local pause
	for pause in 5 15 45 90 end; do
		"$@" && return 0
		[ "$pause" != end ] || return 1
		say "that failed; again in $pause s"
		sleep "$pause"
	done
}

# Waits for another apt, which new machines often run by themselves.
apt_install() {
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o=Dpkg::Use-Pty=0 -o=Acquire::Retries=3
		-o=DPkg::Lock::Timeout=300)
	as_root "${apt[@]}" update > build/setup/apt.log 2>&1 &&
		as_root "${apt[@]}" install -y --no-install-recommends "$@" > build/setup/apt.log 2>&1 ||
		{ tail -20 build/setup/apt.log >&2; return 1; }
}

install_packages() {
	local wanted
	mapfile -t wanted < <(missing "$@")
	[ ${#wanted[@]} -gt 0 ] || return 0
	command -v apt-get > /dev/null ||
		die "this machine has no apt-get; please install what these Debian packages bring: ${wanted[*]}"
	[ "$(id -u)" = 0 ] || command -v sudo > /dev/null ||
		die "neither root nor sudo; please run: apt-get install ${wanted[*]}"
	say "installing with apt: ${wanted[*]}"
	tries apt_install "${wanted[@]}" || die "apt-get failed"
	mapfile -t wanted < <(missing "$@")
	[ ${#wanted[@]} = 0 ] || die "installed, and still missing: ${wanted[*]}"
}

# Runs $2... when the files in $1 are not those of the last time it succeeded.
once() {
	local name=$1 files=$2 now
	shift 2
	# shellcheck disable=SC2086
	now=$(cat $files | cksum)
	[ "$(cat "$stamps/$name" 2> /dev/null)" = "$now" ] && return 0
	"$@"
	printf '%s\n' "$now" > "$stamps/$name"
}

python_packages() {
	say "Python packages of the tests into build/venv"
	[ -x build/venv/bin/python ] || python3 -m venv build/venv
	tries build/venv/bin/python -m pip install -q --disable-pip-version-check -r tests/env/requirements.txt
}

# What records the spans of real instrumentations: two environments, because their packages exclude each other.
instrumentation_packages() {
	say "Python packages of $1 into build/instrumentation/$1"
	mkdir -p build/instrumentation
	python3 -m venv --clear "build/instrumentation/$1"
	tries "build/instrumentation/$1/bin/python" -m pip install -q --disable-pip-version-check --no-deps \
		-r "tests/env/instrumentation/$1.txt"
}

kafka_jars() {
	say "Apache Kafka's jars into build/kafka-libs (60 MB)"
	rm -rf build/kafka-libs
	PYTHONPATH=tests tries build/venv/bin/python -c 'from env.broker import fetch_jars; fetch_jars()'
}

node_packages() {
	say "Node packages of the tests into build/node"
	mkdir -p build/node
	cp tests/env/node/package.json tests/env/node/package-lock.json build/node/
	tries npm ci --prefix build/node --silent --no-audit --no-fund --ignore-scripts
}

java_agent() {
	say "OpenTelemetry's Java agent into build/java (26 MB)"
	tries mvn -q -B -Dstyle.color=never -f tests/env/sdk/java/pom.xml dependency:copy-dependencies \
		-DoutputDirectory="$PWD/build/java"
}

go_programs() {
	say "telemetrygen and grpcurl into build/go (built from Go modules: two minutes)"
	local go=$PWD/build/venv/bin/go
	GOFLAGS=-trimpath GOBIN=$PWD/build/go tries "$go" -C tests/env/tools install tool
	tries "$go" -C tests/env/sdk/go mod download
}

kube_apiserver() {
	say "kube-apiserver into build/go (built from Go modules: seven minutes, once)"
	GOFLAGS=-trimpath GOBIN=$PWD/build/go tries build/venv/bin/go -C tests/env/kube install -ldflags='-s -w' tool
}

browser_packages() {
	say "Playwright into build/venv, OpenTelemetry's SDK for browsers into build/browser"
	tries build/venv/bin/python -m pip install -q --disable-pip-version-check -r tests/env/requirements-full.txt
	mkdir -p build/browser
	cp tests/env/browser/package.json tests/env/browser/package-lock.json build/browser/
	tries npm ci --prefix build/browser --silent --no-audit --no-fund --ignore-scripts
}

[ $# -gt 0 ] || set -- build
mkdir -p "$stamps"
install_packages "$@"
case " $* " in
*' test '*)
	once python tests/env/requirements.txt python_packages
	once kafka tests/env/kafka/pom.xml kafka_jars
	once java tests/env/sdk/java/pom.xml java_agent
	once go "tests/env/tools/go.mod tests/env/tools/go.sum tests/env/sdk/go/go.sum" go_programs
	once node "tests/env/node/package.json tests/env/node/package-lock.json" node_packages ;;
esac
# What only make test-full needs, after test.
case " $* " in
*' full '*)
	once browser "tests/env/requirements-full.txt tests/env/browser/package.json tests/env/browser/package-lock.json" browser_packages
	once instrumentation-llm tests/env/instrumentation/llm.txt instrumentation_packages llm
	once instrumentation-otel tests/env/instrumentation/otel.txt instrumentation_packages otel
	once kube "tests/env/kube/go.mod tests/env/kube/go.sum" kube_apiserver ;;
esac
