# $1 is the number of installed versions: 1 for a new installation, 2 for an upgrade.
systemd-sysusers privatelink-dns.conf >/dev/null 2>&1 || :
systemd-tmpfiles --create privatelink-dns.conf >/dev/null 2>&1 || :
systemctl daemon-reload >/dev/null 2>&1 || :
if [ "$1" -eq 1 ]; then
	systemctl preset privatelink-dns.service >/dev/null 2>&1 || :
fi
