# The old version's script runs last in an upgrade. It keeps the old process if the new
# program does not start with the Corefile.
systemctl daemon-reload >/dev/null 2>&1 || :
if [ "$1" -ge 1 ]; then
	status=0
	privatelink-dns validate -conf /etc/privatelink-dns/Corefile >/dev/null 2>&1 || status=$?
	if [ "$status" -lt 2 ]; then
		systemctl try-restart privatelink-dns.service >/dev/null 2>&1 || :
	else
		echo "privatelink-dns: not restarted, because the new version rejects /etc/privatelink-dns/Corefile: run privatelink-dns validate"
	fi
fi
