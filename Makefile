# `make demo` shows the main job, `make test` passes the tests: each does all the set-up that it needs on a fresh machine
# with Go and git. The real Kubernetes programs are built once into the user's cache folder (test/controlplane).

GO            ?= go
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GORELEASER    := github.com/goreleaser/goreleaser/v2@v2.16.0
TOOLS         := $(CURDIR)/bin/tools
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS       := -s -w -X github.com/tbotctl/tbotctl/cmd.version=$(VERSION)
# The linked binary's bound in bytes, linux/amd64, stripped.
MAX_BINARY    := 60000000
# How long make fuzz tries each fuzz test, or how often with an x behind it, and in which folders it looks for them.
FUZZTIME      ?= 10s
FUZZ_IN       ?= .
export CGO_ENABLED ?= 0

.PHONY: demo test race faults doctor-matrix bench screens build lint fmt golden docs verify size controlplane release-check fuzz

demo: build controlplane ## run the main job on both kinds of cluster
	$(GO) build -o bin/teleportd ./test/teleportd
	$(GO) build -o bin/demo ./test/demo
	KUBEBUILDER_ASSETS="$$($(GO) -C test/controlplane run .)" bin/demo

test: controlplane ## run every test
	KUBEBUILDER_ASSETS="$$($(GO) -C test/controlplane run .)" $(GO) test -timeout 20m ./...
	$(GO) -C test/controlplane test ./...
	$(GO) -C test/formats test ./...

race: controlplane ## run every test with the race detector (needs a C compiler)
	CGO_ENABLED=1 KUBEBUILDER_ASSETS="$$($(GO) -C test/controlplane run .)" $(GO) test -race ./...

faults: build controlplane ## let each request of init and delete go wrong in turn, and see that it is survived
	$(GO) build -o bin/faults ./test/faults
	KUBEBUILDER_ASSETS="$$($(GO) -C test/controlplane run .)" bin/faults

doctor-matrix: controlplane ## make each known failure in turn, let doctor find it, run its fix, and print the table
	@mkdir -p bin
	@KUBEBUILDER_ASSETS="$$($(GO) -C test/controlplane run .)" $(GO) test ./cmd -run '^TestDoctorMatrix' -count=1 -v >bin/doctor-matrix.log 2>&1; status=$$?; \
		sed -nE 's/^ +doctor_matrix_(whole_|kubernetes_|argocd_)?test\.go:[0-9]+: (P[0-9]{2}  |[0-9]+ made)/\2/p' bin/doctor-matrix.log; \
		test $$status -eq 0 || { grep -E '^ +--- FAIL|^FAIL|^panic' bin/doctor-matrix.log; echo "the whole log: bin/doctor-matrix.log"; exit $$status; }

bench: build controlplane ## measure tbotctl against kubectl and the guide by hand, as ratios, and the longest chain of init's requests
	$(GO) build -o bin/minitctl ./test/minitctl
	$(GO) build -o bin/launch ./test/bench/launch
	$(GO) build -o bin/bench ./test/bench
	KUBEBUILDER_ASSETS="$$($(GO) -C test/controlplane run .)" bin/bench

screens: build controlplane ## go through the wizard and write its screens into docs/wizard.md and the README
	$(GO) build -o bin/screens ./test/screens
	KUBEBUILDER_ASSETS="$$($(GO) -C test/controlplane run .)" bin/screens

build: ## build bin/tbotctl
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/tbotctl ./cmd/tbotctl

controlplane: ## build the real Kubernetes programs, where the cache does not hold them
	@$(GO) -C test/controlplane run . >/dev/null

lint: $(TOOLS)/golangci-lint ## hold the house rules
	$(TOOLS)/golangci-lint run ./...
	cd test/controlplane && $(TOOLS)/golangci-lint run --config ../../.golangci.yml ./...
	cd test/formats && $(TOOLS)/golangci-lint run --config ../../.golangci.yml ./...

fmt: $(TOOLS)/golangci-lint ## format the code
	$(TOOLS)/golangci-lint fmt ./...

golden: controlplane ## rewrite the golden files and show what changed
	KUBEBUILDER_ASSETS="$$($(GO) -C test/controlplane run .)" $(GO) test ./manifests ./internal/report ./internal/spec ./internal/tbotconfig ./cmd -update
	git --no-pager diff --stat -- '*testdata*'

docs: ## rewrite the pages that are made from the code
	$(GO) test ./internal/docgen -run TestPages -update
	git --no-pager diff --stat -- docs

fuzz: ## run each fuzz test for a short time
	@grep -rlE '^func Fuzz' --include='*_test.go' $(FUZZ_IN) | while read -r file; do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9]*).*/\1/p' $$file); do \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s ./$$(dirname $$file) || exit 1; \
		done; \
	done

verify: size ## formatting, module files and the binary's size are as they should be
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted; run make fmt"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) -C test/controlplane mod tidy -diff
	$(GO) -C test/formats mod tidy -diff

size: ## the linked binary stays within its bound
	GOOS=linux GOARCH=amd64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/tbotctl-linux-amd64 ./cmd/tbotctl
	@bytes=$$(wc -c < bin/tbotctl-linux-amd64); echo "bin/tbotctl-linux-amd64: $$bytes bytes, bound $(MAX_BINARY)"; test $$bytes -le $(MAX_BINARY)

release-check: $(TOOLS)/goreleaser ## judge goreleaser.yaml
	$(TOOLS)/goreleaser check goreleaser.yaml

$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) $(GO) install $(GOLANGCI_LINT)

$(TOOLS)/goreleaser:
	GOBIN=$(TOOLS) $(GO) install $(GORELEASER)
