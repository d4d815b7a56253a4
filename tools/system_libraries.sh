#!/bin/sh
# Install what Qt (or `python -m venv`) needs from the system where apt can; otherwise name it.
#   system_libraries.sh venv PYTHON | system_libraries.sh qt PYTHON
set -eu

what=$1
python=$2

install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "Please install from your system's packages what provides: $*" >&2
        return 0
    fi
    if [ "$(id -u)" = 0 ]; then as=""
    elif sudo -n true 2>/dev/null || [ -t 0 ]; then as="sudo"
    else
        echo "Please run: sudo apt-get install $*" >&2
        return 0
    fi
    echo "Installing from the system's packages: $*"
    $as apt-get update -qq && $as env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        echo "Please install by hand: $*" >&2
}

case $what in
venv)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    install "python$version-venv"
    ;;
qt)
    command -v ldd >/dev/null 2>&1 || exit 0 # macOS: the wheels bring everything
    folder=$("$python" -c 'import importlib.util as u; print(u.find_spec("PySide6").submodule_search_locations[0])')
    missing=$(ldd "$folder"/Qt/plugins/platforms/libqxcb.so "$folder"/QtGui*.so "$folder"/QtWidgets*.so 2>/dev/null |
        awk '/not found/ { print $1 }' | sort -u | tr '\n' ' ')
    [ -n "$missing" ] || exit 0
    echo "Qt misses $missing"
    install libegl1 libgl1 libdbus-1-3 libfontconfig1 libxkbcommon0 libxkbcommon-x11-0 \
        libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 \
        libxcb-shape0 libxcb-xinerama0
    ;;
esac
