# syntax=docker/dockerfile:1

FROM golang:1.26-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /sluice ./cmd/sluice

FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg wget \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 935 --home-dir /nonexistent --shell /usr/sbin/nologin sluice
COPY --from=build /sluice /usr/local/bin/sluice
USER 935

# In a container loopback is the container's own: publish 9095 to whom you
# trust only.
ENV SLUICE_ADMIN_ADDR=:9095
EXPOSE 1935 8080 8189/udp 8189/tcp 9095
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD wget -q -O /dev/null "http://127.0.0.1:${SLUICE_ADMIN_ADDR##*:}/healthz"
ENTRYPOINT ["sluice"]
