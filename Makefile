# Each target is one plain command; `make test` is what CI runs.
DENY = target/tools/bin/cargo-deny
ZIGBUILD = target/tools/bin/cargo-zigbuild
CYCLONEDX = target/tools/bin/cargo-cyclonedx
BOLERO = target/tools/bin/cargo-bolero

# Index servers beside Elasticsearch 7.10.2; `make test` tries the first of them, too.
ENGINES = opensearch-2.19.6 opensearch-3.9.0 elasticsearch-7.17.29

.PHONY: $(ENGINES) advisories bench check demo deny engines fmt fuzz lint release release-files release-test \
	sam-build stacktests test

demo:
	cargo run -- demo

# All of it, with real servers and a real browser; needs Java, Maven, Python and Node.js.
test:
	tests/run

# What needs none of these.
check: fmt lint
	cargo test --workspace

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets -- -D warnings

# Looks more closely than tests/tests/dependencies.rs, and has to be compiled first.
deny: $(DENY)
	$(DENY) --locked check --hide-inclusion-graph bans licenses sources

advisories: $(DENY)
	$(DENY) --locked check advisories

# Each fuzz target of tests/fuzz for TIME seconds.
TIME = 60
fuzz: $(BOLERO)
	tests/fuzz/run $(TIME)

# The functions as they are shipped, for both processors: the tests run those of cargo's own build.
sam-build:
	localstack/sam build --build-dir target/sam/arm64 --parameter-overrides Architecture=arm64
	localstack/sam build --build-dir target/sam/x86_64 --parameter-overrides Architecture=x86_64

# What a person downloads, in target/release-files, and whether it works. What cargo has built is not
# built again if a later step fails.
release: release-files
	$(MAKE) release-test

# Zig links the command line for the glibc of 2012, so that it runs on every Linux since.
release-files: sam-build $(ZIGBUILD) $(CYCLONEDX)
	localstack/tool $(ZIGBUILD) zigbuild --locked --release --package canter --target-dir target/zigbuild \
		--target x86_64-unknown-linux-gnu.2.17 --target aarch64-unknown-linux-gnu.2.17
	localstack/tool python -B -m release

# The same tests as in `test`, with the files for this machine that are there.
release-test:
	localstack/up --stack release --without-docker --localstack-port 0 --dynamodb-port 0 --elasticsearch-port 0
	CANTER_TEST_STACK=release CANTER_RELEASE_FILES=target/release-files localstack/pytest release/tests; \
		status=$$?; localstack/down --stack release; exit $$status

# Functions, triggers and deployments on LocalStack: what `test` takes for granted, so not a part of it.
stacktests:
	localstack/up --stack stacktests --without-docker --localstack-port 0 --dynamodb-port 0 --elasticsearch-port 0
	CANTER_TEST_STACK=stacktests localstack/pytest; status=$$?; localstack/down --stack stacktests; exit $$status

# The adapter's tests against each of these servers; OpenSearch 3 needs Java 21 or newer.
engines: $(ENGINES)

# Each has the same stack.
.NOTPARALLEL:

$(ENGINES):
	localstack/up --stack engine --engine $@ --localstack-port 0 --dynamodb-port 0 --elasticsearch-port 0
	CANTER_TEST_ENDPOINTS=$${CANTER_LOCALSTACK_DIR:-$(CURDIR)/target/localstack}/engine/endpoints \
		cargo test --workspace --test elastic -- --include-ignored; \
		status=$$?; localstack/down --stack engine; exit $$status

# DOCS is a folder of HTML pages; ARGS are options of canter-bench, as --help lists them.
bench:
	$(if $(DOCS),,$(error name a folder of HTML pages: make bench DOCS=/usr/share/doc/python3.11/html))
	cargo build --release --bin canter
	cargo run --release --quiet --package canter-bench -- $(DOCS) $(ARGS)

$(DENY):
	cargo install cargo-deny --locked --version 0.20.2 --root target/tools

$(BOLERO):
	cargo install cargo-bolero --locked --version 0.13.5 --no-default-features --features libfuzzer --root target/tools

$(ZIGBUILD):
	cargo install cargo-zigbuild --locked --version 0.24.1 --root target/tools

$(CYCLONEDX):
	cargo install cargo-cyclonedx --locked --version 0.5.9 --root target/tools
