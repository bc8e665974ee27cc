# Two gateways that differ in one thing, or one that is changed in it (turn NAME, where it is defined), measured in short slices that alternate: sourced by limits, capture and growth. Needs wrk.
# BENCH_NO_BUILD=1 measures what was published last, CONNECTIONS="16 1" is how many connections, one after the other.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
programs=$root/artifacts/bench
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

if [ -z "${BENCH_NO_BUILD:-}" ]; then
  for project in Demarc:demarc Demarc.Simulator:simulator; do
    dotnet publish "$root/src/${project%:*}" -c Release -r "$(dotnet --info | sed -n 's/^ *RID: *//p')" --self-contained false \
      -p:PublishReadyToRun=true -p:NuGetLockFilePath=obj/bench.packages.lock.json -o "$programs/${project#*:}" -v q --nologo >&2
  done
fi

start() { # NAME COMMAND…: waits for the line "listening URL"
  local name=$1; shift
  "$@" >"$work/$name.out" 2>"$work/$name.err" &
  pids+=($!)
  for _ in $(seq 300); do
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/$name.out" | head -1) && [ -n "$url" ] && return
    sleep 0.1 # a child's first line has no other signal here
  done
  cat "$work/$name.err" >&2; exit 1
}

# NAME DATA YAML: a gateway before the simulator; wrk asks it as the quickstart's developer for claude-sonnet-4-6, with 1 KB of which
# the end is new each time, in 32 sessions.
serve() {
  mkdir -p "$2"
  printf 'x\n' >"$2/key"
  printf '%s\n' "$3" >"$2/demarc.yaml"
  start "$1" "$programs/demarc/demarc" serve --quickstart --config "$2/demarc.yaml" --data "$2" --listen "${listen:-127.0.0.1:0}"
  cat >"$work/$1.lua" <<LUA
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["anthropic-version"] = "2023-06-01"
wrk.headers["x-api-key"] = "$(sed -n 's/.*"developer_key": *"\([^"]*\)".*/\1/p' "$2/quickstart.json")"
local threads, count = 0, 0
function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end
local body = '{"model":"claude-sonnet-4-6","max_tokens":64,"messages":[{"role":"user","content":"' .. string.rep("x", 900)
function request()
  count = count + 1
  wrk.headers["x-claude-code-session-id"] = string.format("bench-%d-%02d", id, count % 16)
  return wrk.format(nil, nil, nil, string.format('%s%d-%08d"}]}', body, id, count))
end
function done(summary, latency)
  local e = summary.errors
  local wrong = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("SLICE $1 %.1f %d %d %d\n", summary.requests * 1e6 / summary.duration, latency:percentile(50), summary.requests, wrong))
end
LUA
}

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

slice() { # NAME CONNECTIONS: requests a second, the median and the gateway's processor time for a request, in microseconds
  local url=${!1} pid=$1_pid before
  ! declare -F turn >/dev/null || turn "$1"
  before=$(ticks "${!pid}")
  wrk -t$(($2 < 2 ? 1 : 2)) -c"$2" -d"${seconds}s" -s "$work/$1.lua" "$url/v1/messages" >"$work/wrk"
  awk -v ticks=$(($(ticks "${!pid}") - before)) -v hertz="$(getconf CLK_TCK)" '
    /^SLICE/ { if ($6 > 0) exit 1; print $2, $3, $4, 1e6 * ticks / hertz / $5; seen = 1 } END { exit !seen }' "$work/wrk" || { cat "$work/wrk" >&2; exit 1; }
}

compare() { # PAIRS: the gateway "on" beside the gateway "off"
  local pairs=$1 connections i
  for connections in ${CONNECTIONS:-16 1}; do
    for ((i = 0; i < ${warm:-3}; i++)); do slice off "$connections" >/dev/null; slice on "$connections" >/dev/null; done # until what runs often is compiled for it
    # Off, on, on, off: what one slice leaves to be done falls on both alike, and so does a machine that slows down.
    for ((i = 0; i < pairs; i++)); do
      if ((i % 2 == 0)); then slice off "$connections"; slice on "$connections"; else slice on "$connections"; slice off "$connections"; fi
    done >"$work/slices"
    awk -v connections="$connections" '
      function sort(v, n,   i, j, t) { for (i = 2; i <= n; i++) { t = v[i]; for (j = i - 1; j > 0 && v[j] > t; j--) v[j + 1] = v[j]; v[j + 1] = t } }
      function at(v, n, p,   x, k) { x = 1 + (n - 1) * p; k = int(x); return k >= n ? v[n] : v[k] + (x - k) * (v[k + 1] - v[k]) }
      { n[$1]++; r[$1, n[$1]] = $2; p[$1, n[$1]] = $3; u[$1, n[$1]] = $4 }
      END {
        m = n["on"]
        for (i = 1; i <= m; i++) {
          lost[i] = 100 * (1 - r["on", i] / r["off", i]); later[i] = p["on", i] - p["off", i]; more[i] = u["on", i] - u["off", i]; e[i] = u["off", i]
          a[i] = r["off", i]; b[i] = r["on", i]; c[i] = p["off", i]; d[i] = p["on", i]; ratio[i] = p["on", i] / p["off", i]
        }
        sort(lost, m); sort(later, m); sort(more, m); sort(e, m); sort(a, m); sort(b, m); sort(c, m); sort(d, m); sort(ratio, m)
        printf "%d connections, %d pairs: off %d/s p50 %d us, on %d/s p50 %d us\n", connections, m, at(a, m, .5), at(c, m, .5), at(b, m, .5), at(d, m, .5)
        printf "  throughput lost: median of pairs %.1f %% (middle half %.1f to %.1f)\n", at(lost, m, .5), at(lost, m, .25), at(lost, m, .75)
        printf "  p50 later by:    median of pairs %.0f us (middle half %.0f to %.0f), ratio %.3f\n", at(later, m, .5), at(later, m, .25), at(later, m, .75), at(ratio, m, .5)
        printf "  processor time:  %.0f us a request, with what is compared median of pairs %.1f us more (middle half %.1f to %.1f)\n", at(e, m, .5), at(more, m, .5), at(more, m, .25), at(more, m, .75)
      }' "$work/slices"
  done
}
