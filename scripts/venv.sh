# Makes virtual environments for the scripts beside it; sourced, not run.
#
#   make_venv DIR PYTHON PIP-ARGUMENTS...
#
# shows what it does, does nothing when nothing has changed, and says in one line what went wrong.

# Byte code is written whatever the caller's shell says: without it every start is slower.
unset PYTHONDONTWRITEBYTECODE

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# find_python MINOR: the path of a Python 3.MINOR, or nothing.
find_python() {
    local candidate
    for candidate in "python3.$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"3.$1".*/bin/python3 python3 /usr/bin/python3; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info[:2] != (3, $1))" 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

make_venv() {
    local dir=$1 python=$2 stamp log
    shift 2
    stamp="$(cat pyproject.toml requirements-*.txt | sha256sum | cut -c1-16) $*"
    if [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$stamp" ] && "$dir/bin/python" -c 'import nsinit' 2>/dev/null; then
        return 0
    fi
    echo "== making $dir with $("$python" --version)"
    "$python" -m venv --clear "$dir" >/dev/null 2>&1 ||
        fail "cannot make $dir: '$python -m venv' fails (on Debian: apt-get install python3-venv)"
    echo "== installing into $dir: $*"
    log=$(mktemp)
    if ! "$dir/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@" 2>&1 |
        tee "$log" | sed -un 's/^ *\(Collecting\|Successfully installed\) \(.*\)/   \1 \2/p'; then
        fail "cannot install $*: $(grep -i 'error: \|[a-z]Error' "$log" | tail -n1 | grep . || tail -n1 "$log")"
    fi
    rm -f "$log"
    echo "$stamp" >"$dir/.stamp"
}
