# SPDX-License-Identifier: Apache-2.0
# The daemon and the libraries it loads, nothing else: no shell, no package manager, no root.
#   docker build -t spantoll .          without a container engine: make image
#   docker run --rm spantoll demo       the live table;  default: run --config /etc/spantoll/config.yaml

FROM debian:trixie-slim AS build
WORKDIR /src
COPY tools/setup.sh tools/packages.txt tools/
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev ca-certificates > /dev/null \
	&& tools/setup.sh build
COPY . .
RUN make -s all && deploy/image/rootfs.sh build/release/bin/spantoll /rootfs

FROM scratch
COPY --from=build /rootfs /
USER 65532:65532
# OTLP/gRPC, health, metrics
EXPOSE 4317 4318 13133 8888
ENTRYPOINT ["/usr/bin/spantoll"]
CMD ["run", "--config", "/etc/spantoll/config.yaml"]
