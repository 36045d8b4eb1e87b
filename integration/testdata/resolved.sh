# Runs systemd-resolved in namespaces of its own, between two DNS servers: ours at
# 127.0.0.1:5353, as its global one, and that of a network link.
#
#   unshare --net --mount --pid --fork --kill-child sh resolved.sh RESOLVED OURS
#
# The working folder has Corefile, link.corefile, printed (by the command forwarders),
# negative and questions. It prints the answers.
set -eu
resolved=$1 ours=$2

mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/systemd
ip link set lo up
ip link add link0 type veth peer name link1
ip link set link1 up
ip address add 10.9.9.1/24 dev link0
ip link set link0 up

# What networkd would tell of the link.
mkdir -p /run/systemd/netif/links /run/systemd/resolve /run/dnssec-trust-anchors.d /etc/systemd/resolved.conf.d
index=$(ip -o link show link0 | cut -d: -f1)
cat > "/run/systemd/netif/links/$index" <<STATE
ADMIN_STATE=configured
OPER_STATE=routable
NETWORK_FILE=/link0.network
DNS=10.9.9.1:5301
STATE

cp printed /etc/systemd/resolved.conf.d/privatelink-dns.conf
cp negative /run/dnssec-trust-anchors.d/privatelink-dns.negative
printf '[Resolve]\nDNSSEC=yes\n' > /etc/systemd/resolved.conf

# The user that the package makes.
grep -v '^systemd-resolve:' /etc/passwd > /run/passwd
echo 'systemd-resolve:x:0:0::/:/usr/sbin/nologin' >> /run/passwd
mount --bind /run/passwd /etc/passwd

"$ours" -conf link.corefile > link.log 2>&1 &
"$ours" -conf Corefile > ours.log 2>&1 &
pid=$!
"$resolved" > resolved.log 2>&1 &

ask() { dig -r @127.0.0.53 +tries=1 +timeout=5 +short "$@"; }
wait_for() { until [ -n "$(dig -r "$@" +tries=1 +timeout=1 +short 2>/dev/null | grep -v '^;')" ]; do sleep 0.05; done; }
wait_for @10.9.9.1 -p 5301 new.corp.example
wait_for @127.0.0.1 -p 5353 privatelink.blob.core.windows.net SOA
wait_for @127.0.0.53 new.corp.example

while read -r question; do
    echo "$question:" $(ask $question)
done < questions
kill $pid
wait $pid || true
echo "while ours is down:" $(ask "$DOWN" || true)
