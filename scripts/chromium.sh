#!/bin/sh
# Make sure that a Chromium stands here for the tests of the pages: the system's, else by apt as root.
for name in chromium chromium-browser google-chrome google-chrome-stable; do
	command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "Installing Chromium …"
	DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null && exit 0
fi
echo "The tests of the pages need Chromium, as chromium, chromium-browser or google-chrome on PATH;" >&2
echo "on Debian: sudo apt-get install chromium" >&2
exit 1
