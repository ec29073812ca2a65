# The front door. Meson does the work; its trees are build/meson and build/asan.
# Programs appear in build/bin, libraries in build/lib.
SHELL = /bin/sh
B = build
PREFIX = /usr/local
DESTDIR =
PYTHON = /usr/bin/python3
KEEP = 0

all: compile

# CC=clang gets a tree of its own, so that both compilers can be tried side by side.
TREE = $(B)/meson$$(case "$(CC)" in *clang*) echo -clang ;; esac)

compile:
	@tools/packages build
	@mkdir -p $(B)
	@tree=$(TREE); [ -f "$$tree/build.ninja" ] || CC="$(CC)" meson setup "$$tree" . --prefix $(PREFIX) >$(B)/setup.log 2>&1 || { cat $(B)/setup.log; exit 1; }
	@ninja -C $(TREE) --quiet
	@DESTDIR=$(CURDIR)/$(TREE)/stage meson install -C $(TREE) --no-rebuild --only-changed --quiet
	@stage=$$(basename $(TREE))/stage; ln -sfn $$stage$(PREFIX)/bin $(B)/bin && ln -sfn $$stage$(PREFIX)/lib $(B)/lib

demo: core-archive
	@tools/packages demo
	@KEEP=$(KEEP) tests/walkthrough/demo

demo-stop:
	@tests/walkthrough/demo stop

core-archive: all
	@tools/core-archive $(B) >/dev/null

check: core-archive
	@tools/packages demo check
	@tools/peers
	@getent hosts localhost >/dev/null || tools/packages names # a chroot may have no /etc/hosts
	@tools/check

check-long: core-archive
	@tools/packages demo check long
	@tools/peers
	@getent hosts localhost >/dev/null || tools/packages names
	@SEDGE_LONG=1 tools/check

check-fresh:
	@tools/packages fresh
	@tools/check-fresh

$(B)/asan/build.ninja:
	@tools/packages build
	@mkdir -p $(B)
	@meson setup $(B)/asan . -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 >$(B)/setup-asan.log 2>&1 || { cat $(B)/setup-asan.log; exit 1; }

asan unit: $(B)/asan/build.ninja
	@ninja -C $(B)/asan --quiet
	@meson test -C $(B)/asan --no-rebuild --print-errorlogs $(if $(filter unit,$@),--suite unit,)

tsan:
	@tools/packages build demo check
	@tools/tsan

tidy:
	@tools/packages build lint
	@$(MAKE) CC=clang compile
	@tools/tidy

fmt:
	@tools/packages lint
	@git ls-files '*.c' '*.h' | xargs clang-format -i

fuzz:
	@tools/packages lint
	@tools/fuzz

bench: core-archive
	@tools/packages demo check
	@tests/bench/bench
	@tests/bench/chip
	@tests/bench/keyd
	@tests/bench/pkcs11
	@$(TREE)/tests/bench/bench_policy

bench-registry:
	@tools/packages build check
	@$(MAKE) -s compile
	@tests/bench/registry

# The gateway beside mosquitto and nats-server: six minutes; ROW=handshake and the like for one row.
bench-gateway: all
	@tools/packages demo check
	@tools/peers
	@tests/bench/gateway $(ROW)

# What the edge runtime costs: memory, invocations, messages, disk; a minute and a half.
bench-edge: all
	@tools/packages demo check
	@tests/bench/edge

# The table of docs/chip.md: which tests prove which command of the virtual chip.
chip-table:
	@tools/chip-table

install: all
	@DESTDIR=$(DESTDIR) meson install -C $(TREE) --no-rebuild --quiet

clean:
	rm -rf $(B)

.PHONY: all compile demo demo-stop core-archive check check-long check-fresh asan unit tsan tidy fmt fuzz bench bench-edge bench-gateway bench-registry chip-table install clean
