# boot.sh FOLDER BINARY: systemd as process 1 of new namespaces, with a root folder
# of its own in memory that has this machine's /usr. Of all units it knows the one
# from deploy/ and a few empty targets, so nothing else is started.
folder=$1 binary=$2 deploy=$PWD/../deploy/systemd
mount --make-rprivate /
root=/mnt
mount -t tmpfs tmpfs $root
mkdir $root/usr $root/proc $root/sys $root/dev $root/run $root/tmp $root/etc $root/var $root/home $root/root $root/bin.d $root/old
for link in bin sbin lib lib64; do ln -s usr/$link $root/$link; done
mount --bind /usr $root/usr
mount -t tmpfs tmpfs $root/usr/local/bin
cp "$binary" $root/usr/local/bin/privatelink-dns

mount -t proc proc $root/proc
mount --bind $root/proc/sys $root/proc/sys
mount -o remount,bind,ro $root/proc/sys
mount -t sysfs -o ro sysfs $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs tmpfs $root/run
for device in null zero full random urandom; do
	touch $root/dev/$device
	mount --bind /dev/$device $root/dev/$device
done
mkdir $root/dev/shm

units=$root/etc/systemd/system
mkdir -p $units/privatelink-dns.service.d
for target in default sysinit basic shutdown network-online nss-lookup multi-user; do
	printf '[Unit]\nDefaultDependencies=no\n' > $units/$target.target
done
cp "$deploy/privatelink-dns.service" $units
cp "$deploy/exports.conf" $units/privatelink-dns.service.d
# A system call that is not in the list ends the service, so nobody misses it.
printf '[Service]\nSystemCallErrorNumber=\nStandardOutput=append:/run/log\nStandardError=append:/run/log\n' \
	> $units/privatelink-dns.service.d/test.conf
echo 0123456789abcdef0123456789abcdef > $root/etc/machine-id
printf 'root:x:0:0::/root:/bin/sh\n' > $root/etc/passwd
printf 'root:x:0:\nazexport:x:4242:\n' > $root/etc/group
systemd-sysusers --root=$root "$deploy/sysusers.conf"

mkdir $root/etc/privatelink-dns
cp "$folder/Corefile" "$folder/endpoints.json" $root/etc/privatelink-dns
chmod 644 $root/etc/privatelink-dns/*
echo AZURE_CLIENT_ID=11111111-1111-1111-1111-111111111111 > $root/etc/privatelink-dns/environment
chmod 600 $root/etc/privatelink-dns/environment
mkdir -p $root/home/azexport
chmod 700 $root/home/azexport
cp -r "$folder/exports" $root/home/azexport/endpoints
chgrp -R 4242 $root/home/azexport/endpoints
chmod -R g=rX,o= $root/home/azexport/endpoints

cd $root
pivot_root . old
umount -l /old
exec env -i PATH=/usr/sbin:/usr/bin container=test SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/etc/none \
	/lib/systemd/systemd --system --log-target=console --show-status=no
