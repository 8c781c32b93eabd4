#!/usr/bin/env bash
# Brings what the tests need besides Python packages: PostgreSQL's server programs, Java for Spark, a
# browser, fonts.
#
# Root on a Debian-like machine gets them installed. Anybody else is told the package's name and how
# to leave that part out: TEST_WITHOUT=postgres,browser,spark. Nothing is ever skipped without a word.
set -euo pipefail
without=",${TEST_WITHOUT:-},"
packages=() parts=()

need() { # part (empty: of everything), package, command that succeeds when it is there
  [ -n "$1" ] && case "$without" in *",$1,"*) return ;; esac
  eval "$3" >/dev/null 2>&1 && return
  packages+=("$2") parts+=("$1")
}

has_font_for() { fc-list ":lang=$1" | grep -q .; }

need '' python3-venv 'python3 -c "import ensurepip"'
need postgres postgresql 'command -v initdb || ls /usr/lib/postgresql/*/bin/initdb'
need spark openjdk-17-jre-headless 'command -v java'
need browser chromium 'command -v chromium'
need browser fontconfig 'command -v fc-list'
need browser fonts-noto-core 'has_font_for ar'
need browser fonts-droid-fallback 'has_font_for ja'
[ ${#packages[@]} -eq 0 ] && exit 0

leave_out=$(printf '%s\n' "${parts[@]}" | sort -u | sed '/^$/d' | paste -sd,)
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "Installing for the tests: ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq && apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null; then
    exit 0
  fi
fi
echo "The tests need these packages: ${packages[*]}" >&2
[ -z "$leave_out" ] || echo "Install them, or leave tests out: TEST_WITHOUT=$leave_out make test" >&2
exit 1
