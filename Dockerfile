# syntax=docker/dockerfile:1
# The same content as `make image`, which needs no engine: see tools/image.

# The builder runs on its own architecture and cross-compiles for the target's.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
ARG TARGETOS=linux TARGETARCH VERSION COMMIT DATE
RUN apt-get update && apt-get install -y --no-install-recommends libcap2-bin && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT -X main.date=$DATE" -o /privatelink-dns ./cmd/privatelink-dns \
    # Port 53 without root: the file carries the one capability that it takes.
    && setcap cap_net_bind_service=+ep /privatelink-dns
# Certificates, the user's name and the folders.
RUN go run -C tools ./image -root /root-files

FROM scratch
COPY --from=build /root-files /
# A volume that is mounted here is the user's from its beginning.
COPY --from=build --chown=65532:65532 /root-files/var/lib/privatelink-dns /var/lib/privatelink-dns
COPY --from=build /privatelink-dns /privatelink-dns
# Numeric, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 53/udp 53/tcp 8080 8181 9153
ENTRYPOINT ["/privatelink-dns"]
