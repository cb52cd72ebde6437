# Each target is one plain command; `make test` is what CI runs.
DENY = target/tools/bin/cargo-deny

.PHONY: bench demo test fmt lint deny advisories unit

demo:
	cargo run -- demo

test: fmt lint deny unit

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets -- -D warnings

deny: $(DENY)
	$(DENY) --locked check --hide-inclusion-graph bans licenses sources

advisories: $(DENY)
	$(DENY) --locked check advisories

unit:
	cargo test --workspace --no-fail-fast

# DOCS is a folder of HTML pages; ARGS are options of canter-bench, as --help lists them.
bench:
	$(if $(DOCS),,$(error name a folder of HTML pages: make bench DOCS=/usr/share/doc/python3.11/html))
	cargo build --release
	cargo run --release --quiet --package canter-bench -- $(DOCS) $(ARGS)

$(DENY):
	cargo install cargo-deny --locked --version 0.20.2 --root target/tools
