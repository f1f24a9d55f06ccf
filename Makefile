# Sluice: make help lists what can be done here.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)

PEBBLE_VERSION := v2.10.1
PEBBLE := bin/pebble-$(PEBBLE_VERSION)/pebble

ARGS     ?=
FUZZTIME ?= 30s
SOAK     ?= 5m
IMAGE    ?= sluice
VIEWERS  ?= 100,400

# The browsers of the end-to-end tests; scripts/browser finds them under the
# names they have on Debian and Ubuntu.
export CHROMIUM ?= $(shell scripts/browser chromium)
export FIREFOX  ?= $(shell scripts/browser firefox)

UNIT = go test -race -count=1 $$(go list ./... | grep -v /e2e)
E2E  = go test -tags e2e -count=1 -timeout 30m ./e2e/...

help: ## list the targets
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: deps-run build ## build and start Sluice (ARGS="--log-level debug" adds flags)
	@exec bin/sluice $(ARGS)

demo: deps-run build ## start Sluice and send it a moving test pattern with sound
	@exec scripts/demo

build: ## build bin/sluice
	@CGO_ENABLED=0 go build -o bin/sluice ./cmd/sluice

test: deps-test lint ## install what is missing, lint, unit tests with the race detector, end-to-end tests
	@{ $(UNIT) -v || true; $(E2E) -v || true; } 2>&1 | awk -f scripts/summary.awk

lint: $(GOLANGCI) ## run the linters
	@$(GOLANGCI) run

unit: ## unit tests and fuzz seeds, with the race detector
	@$(UNIT)

fuzz: ## run each fuzz target for FUZZTIME (30s)
	@grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | while IFS=: read -r file _ func; do \
		echo "$${func#func } in $${file%/*}"; \
		go test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) "$${file%/*}"; \
	done

bench: deps-run build ## what a viewer costs, beside a plain pion server and the bare sending (VIEWERS=50,1000)
	@go run ./e2e/bench -viewers $(VIEWERS)

benchmarks: deps-test ## benchmarks of the packages, then latency, joins and recovery through the built binary
	@go test -run '^$$' -bench . -benchmem $$(go list ./... | grep -v /e2e)
	@go test -tags e2e -run '^$$' -bench . -timeout 90m ./e2e

e2e: deps-test ## real publishers and real browsers against the built binary
	@$(E2E)

soak: deps-test ## 20 publishers with a viewer each for SOAK (5m): nothing dropped, memory flat
	@SOAK=$(SOAK) go test -tags e2e -count=1 -timeout 2h -v -run TestSoak ./e2e

attack: deps-test ## 1000 hostile connections at a time, kind after kind, beside 20 honest publishers
	@ATTACKERS=1000 go test -tags e2e -count=1 -timeout 30m -v -run TestAttacks ./e2e

e2e-obs: deps-obs ## a real OBS, without a screen, against the built binary
	@go test -tags e2e,obs -count=1 -timeout 30m -run OBS -v ./e2e

.PHONY: e2e-obs-testing
e2e-obs-testing: deps-obs ## a newer OBS, of Debian testing, over RTMPS
	@OBS_TESTING="$$(scripts/obs-testing)" go test -tags e2e,obs -count=1 -timeout 30m -run TestOBSTesting -v ./e2e

e2e-publishers: deps-test ## every row of docs/publishers.md that needs no other encoder than ffmpeg
	@PUBLISHERS=all go test -tags e2e -count=1 -timeout 30m -v -run TestPublishers ./e2e
.PHONY: e2e-publishers

e2e-codecs: deps-test ## H.265, AV1, VP9 and Opus over Enhanced RTMP from an FFmpeg that can
	@FFMPEG_ENHANCED="$$(scripts/ffmpeg-enhanced)" go test -tags e2e,codecs -count=1 -timeout 30m -run 'Codec|H265' -v ./e2e

.PHONY: e2e-whip
e2e-whip: deps-test ## WHIP from an FFmpeg and a GStreamer that can
	@FFMPEG_ENHANCED="$$(scripts/ffmpeg-enhanced)" WHIP_CLIENT="$$(scripts/whip-client)" go test -tags e2e,whip -count=1 -timeout 30m -run WHIP -v ./e2e

e2e-axe: deps-axe ## the pages against axe-core's rules of accessibility, on phones and desktops
	@AXE="$$(scripts/axe)" go test -tags e2e,axe -count=1 -run Axe -v ./e2e

flood: deps-test ## 10,000 bad requests and 2,000 sessions that never connect beside a viewer who misses nothing
	@FLOOD=10000 go test -tags e2e -count=1 -timeout 30m -v -run TestFlood ./e2e

e2e-clients: deps-axe ## WHEP clients by others, in Chromium and on aiortc: they play, restart ICE and leave
	@scripts/ffmpeg-enhanced >/dev/null || true; WHEP_CLIENTS="$$(scripts/whep-clients)" WHEP_PLAYERS="$$(scripts/whep-players)" go test -tags e2e,clients -count=1 -timeout 30m -run Clients -v ./e2e

e2e-nat: deps-test ## Chromium and the doctor behind a NAT and five firewalls: UDP, ICE-TCP, TURN over UDP, TCP, TLS; needs root
	@go test -tags e2e,nat -count=1 -timeout 20m -parallel 6 -run 'ChromiumReached|ChromiumPublishes|ChromiumAdapts|DoctorTells' -v ./e2e

e2e-acme: deps-test $(PEBBLE) ## certificates from Pebble, Let's Encrypt's ACME server for tests
	@PEBBLE="$(CURDIR)/$(PEBBLE)" go test -tags e2e,acme -count=1 -run ACME -v ./e2e

e2e-proxy: ## a browser through nginx, below a path
	@scripts/deps proxy
	@go test -tags e2e,proxy -count=1 -run Proxy -v ./e2e

image: ## build the container image
	docker build -t $(IMAGE) .

deps-run: ## install what Sluice needs to run: ffmpeg
	@scripts/deps run

deps-test: ## install what the tests need as well: a C compiler, browsers, GStreamer
	@scripts/deps test

deps-obs: deps-test
	@scripts/deps obs

deps-axe: deps-test
	@scripts/deps axe

clean: ## delete what make built
	rm -rf bin e2e/artifacts

$(GOLANGCI):
	@echo "Building golangci-lint $(GOLANGCI_VERSION) into bin/, once; this takes a few minutes."
	@mkdir -p bin
	@GOFLAGS= GOBIN="$(CURDIR)/bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv bin/golangci-lint $(GOLANGCI)

$(PEBBLE):
	@GOFLAGS= GOBIN="$(CURDIR)/$(@D)" go install \
		github.com/letsencrypt/pebble/v2/cmd/pebble@$(PEBBLE_VERSION) \
		github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv@$(PEBBLE_VERSION)

.PHONY: help run demo build test lint unit fuzz bench benchmarks e2e soak attack e2e-obs e2e-codecs e2e-nat e2e-axe e2e-clients e2e-acme e2e-proxy flood image deps-run deps-test deps-obs deps-axe clean
