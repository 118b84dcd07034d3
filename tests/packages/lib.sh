# What the tests of the packages share. Each runs one package as its users do, up to the first recorded event.
# A test has ports of its own, so that they can run side by side: $port is the first of three. They lie below those that the
# kernel gives to connections of other programs (net.ipv4.ip_local_port_range begins at 32768).

# The directory with what `cargo xtask dist` made.
dist="${CARGO_TARGET_DIR:-$PWD/target}/dist"
scratch=$(mktemp -d)
started=()
undo=()

# Ends what was started and undoes what was done, the last first.
clean_up() {
  local index
  for ((index = ${#started[@]} - 1; index >= 0; index--)); do
    kill "${started[index]}" 2>/dev/null || true
    wait "${started[index]}" 2>/dev/null || true
  done
  for ((index = ${#undo[@]} - 1; index >= 0; index--)); do
    eval "${undo[index]}" || true
  done
  rm -rf --one-file-system "$scratch"
}
trap clean_up EXIT

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# The one package of this kind.
package() {
  local found=("$dist"/$1)
  [[ ${#found[@]} -eq 1 && -f "${found[0]}" ]] || fail "not one $1 in $dist: run \`cargo xtask dist\` first"
  printf '%s' "${found[0]}"
}

# Repeats a command until it succeeds, for a minute at most.
eventually() {
  local deadline=$((SECONDS + 60))
  until "$@"; do
    ((SECONDS < deadline)) || fail "not within a minute: $*"
    sleep 0.2
  done
}

# Brings a bot of the simulated platform to its first recorded event. $1 is the directory of the configuration, as this
# script sees it. The rest is how longwire is run there.
reach_first_event() {
  local directory=$1 sim=$((port + 2))
  shift
  echo any-text >"$directory/sim-bot.secret"
  chmod 0600 "$directory/sim-bot.secret"
  chown "${owner:-root}" "$directory/sim-bot.secret"
  cat >>"$directory/longwire.toml" <<END
[[installation]]
name = "sim-bot"
app_id = "cli_0123456789abcdef"
app_secret = { file = "sim-bot.secret" }
base_url = "http://127.0.0.1:$sim"
END
  "$@" sim --listen "127.0.0.1:$sim" >"$scratch/sim.log" 2>&1 &
  started+=($!)
  "$@" serve >"$scratch/serve.log" 2>&1 &
  started+=($!)
  eventually responds "$@"
  "$@" status --wait 60s || fail "the bot is not live: $(tail -n 5 "$scratch/sim.log" "$scratch/serve.log")"
  curl -sSf "http://127.0.0.1:$sim/sim/v1/push" -d '{"app":"cli_0123456789abcdef"}' >/dev/null
  eventually has_event "$@"
}

responds() { "$@" probe 2>/dev/null; }

has_event() { "$@" events tail --output ndjson 2>/dev/null | grep -q im.message.receive_v1; }

# Where longwire listens in a test, as arguments of `env`.
listens=("LONGWIRE_SERVER__LISTEN=127.0.0.1:$port" "LONGWIRE_SERVER__ADMIN_LISTEN=127.0.0.1:$((port + 1))")
