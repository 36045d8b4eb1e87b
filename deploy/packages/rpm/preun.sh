# $1 is 0 if no version is left.
if [ "$1" -eq 0 ]; then
	systemctl --no-reload disable --now privatelink-dns.service >/dev/null 2>&1 || :
fi
