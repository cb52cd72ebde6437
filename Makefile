# Each target is one plain command; `make test` is what CI runs.
DENY = target/tools/bin/cargo-deny

.PHONY: bench demo test fmt lint deny advisories unit stacktests

demo:
	cargo run -- demo

test: fmt deny lint unit

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets -- -D warnings

deny: $(DENY)
	$(DENY) --locked check --hide-inclusion-graph bans licenses sources

advisories: $(DENY)
	$(DENY) --locked check advisories

# The servers that tests ask are real, and so is the browser: they come from registries, and the servers go away
# afterwards. The last tests build the functions, deploy the whole system to these servers, and crawl with it.
unit:
	localstack/up --stack test --without-docker --localstack-port 0 --dynamodb-port 0 --elasticsearch-port 0
	cargo test --workspace --no-fail-fast; status=$$?; \
	tests/browser/test || status=$$?; \
	localstack/pytest infra/tests localstack/tests/system || status=$$?; \
	localstack/down --stack test; exit $$status

# Functions, triggers and deployments on LocalStack: what `unit` takes for granted, so not a part of `test`.
stacktests:
	localstack/up --stack stacktests --without-docker --localstack-port 0 --dynamodb-port 0 --elasticsearch-port 0
	CANTER_TEST_STACK=stacktests localstack/pytest; status=$$?; localstack/down --stack stacktests; exit $$status

# DOCS is a folder of HTML pages; ARGS are options of canter-bench, as --help lists them.
bench:
	$(if $(DOCS),,$(error name a folder of HTML pages: make bench DOCS=/usr/share/doc/python3.11/html))
	cargo build --release --bin canter
	cargo run --release --quiet --package canter-bench -- $(DOCS) $(ARGS)

$(DENY):
	cargo install cargo-deny --locked --version 0.20.2 --root target/tools
