#!/usr/bin/env bash
# Streams a clip with a real OBS Studio, without a screen:
#
#   run.sh RTMP_URL STREAM_KEY CLIP.mkv [X264_OPTIONS]
#
# Without options OBS has its defaults. OBS names another program than obs;
# OBS_ENCODER an encoder of its advanced output, such as ffmpeg_svt_av1.
#
# OBS gets a home of its own, a written profile (profile/) and software GL on
# its own X server; no sound server, no window manager, no session bus. It runs
# until SIGTERM: then it stops streaming as by its button, and exits.
#
# Needs: obs-studio obs-plugins xvfb libgl1-mesa-dri libegl1 fonts-dejavu-core.
# OBS 29 (Debian 12) and newer read this profile.
set -euo pipefail
url=$1 key=$2 clip=$3 x264=${4-}
profile=$(cd "$(dirname "$0")" && pwd)/profile
work=$(mktemp -d)
trap clean_up EXIT

clean_up() {
	kill $(jobs -p) 2>/dev/null || true
	wait || true
	rm -rf "$work"
}

# Neither program may outlive this script, however it ends.
mortal() { exec setpriv --pdeathsig KILL "$@"; }

make_home() {
	export HOME=$work/home XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache XDG_RUNTIME_DIR=$work/run
	local obs=$XDG_CONFIG_HOME/obs-studio
	mkdir -p "$HOME" "$XDG_CACHE_HOME" "$obs/basic/profiles/e2e" "$obs/basic/scenes"
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	fill global.ini "$obs"
	fill basic.ini "$obs/basic/profiles/e2e"
	fill service.json "$obs/basic/profiles/e2e"
	[ -z "${OBS_ENCODER-}" ] || cp "$profile/streamEncoder.json" "$obs/basic/profiles/e2e"
	fill e2e.json "$obs/basic/scenes"
	cp "$profile/control.lua" "$work"
}

# fill FILE FOLDER: copies a template and fills in what differs from run to run.
fill() {
	local advanced=false mode=Simple
	[ -z "$x264" ] || advanced=true
	[ -z "${OBS_ENCODER-}" ] || mode=Advanced
	sed -e "s|@URL@|$url|" -e "s|@KEY@|$key|" -e "s|@WORK@|$work|" -e "s|@CLIP@|$clip|" \
		-e "s|@X264@|$x264|" -e "s|@ADVANCED@|$advanced|" -e "s|@MODE@|$mode|" -e "s|@ENCODER@|${OBS_ENCODER-}|" "$profile/$1" >"$2/$1"
}

start_display() {
	mkfifo "$work/display"
	(mortal Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$work/display" 2>"$work/xvfb.log") &
	local number
	read -r -t 10 number <"$work/display" || { cat "$work/xvfb.log"; exit 1; }
	export DISPLAY=:$number
}

start_obs() {
	unset WAYLAND_DISPLAY
	# One GL thread: on two cores more of them only fight with the encoder.
	export QT_QPA_PLATFORM=xcb LIBGL_ALWAYS_SOFTWARE=1 LP_NUM_THREADS=1
	export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent PULSE_SERVER=unix:/nonexistent
	(mortal "${OBS:-obs}" --startstreaming --profile e2e --collection e2e --minimize-to-tray --multi \
		--disable-updater --disable-missing-files-check --unfiltered_log) &
	obs=$!
}

# SIGINT while live would make OBS ask a question that nobody can answer: stop
# streaming first.
stop_obs() {
	touch "$work/stop"
	for _ in $(seq 100); do
		[ ! -e "$work/stopped" ] || break
		sleep 0.1
	done
	kill -INT "$obs"
}

make_home
start_display
start_obs
trap stop_obs TERM
until wait "$obs"; do # a signal interrupts the first wait
	code=$?
	[ -e "$work/stop" ] && kill -0 "$obs" 2>/dev/null || exit "$code"
done
