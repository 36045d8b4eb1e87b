# boot.sh DEBIAN PACKAGES: systemd as process 1 of new namespaces. Its root folder is the
# Debian with an overlay in memory; the packages are in /srv. Its network is its own, with
# the loopback address and 10.10.0.4.
debian=$1 packages=$2
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
root=/mnt/root
mount -t overlay overlay -o "lowerdir=$debian,upperdir=/mnt/upper,workdir=/mnt/work" $root
mkdir $root/old

mount -t proc proc $root/proc
mount -t sysfs -o ro sysfs $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs tmpfs $root/run
mount -t tmpfs tmpfs $root/tmp
mount -t tmpfs tmpfs $root/dev
for device in null zero full random urandom tty; do
	touch $root/dev/$device
	mount --bind /dev/$device $root/dev/$device
done
mkdir $root/dev/shm $root/dev/pts
mount -t devpts devpts $root/dev/pts
ln -s pts/ptmx $root/dev/ptmx
mount --bind "$packages" $root/srv

ip link set lo up
ip address add 10.10.0.4/32 dev lo

# Nothing starts by itself but the journal and the bus: each test starts what it needs.
for unit in systemd-resolved named unattended-upgrades systemd-timesyncd systemd-networkd getty.target apt-daily.timer apt-daily-upgrade.timer; do
	rm -f $root/etc/systemd/system/*.wants/$unit.service $root/etc/systemd/system/*.wants/$unit
done
echo 0123456789abcdef0123456789abcdef >$root/etc/machine-id

cd $root
pivot_root . old
umount -l /old
exec env -i PATH=/usr/sbin:/usr/bin container=test /lib/systemd/systemd --system --log-target=journal --show-status=no
