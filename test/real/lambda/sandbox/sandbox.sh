#!/bin/sh
# First process of an imitated execution environment of Lambda. Mounts a root that holds the runtime, the function and the layer and
# nothing else, starts the runtime in it as an ordinary user, and ends everything when its own input ends (whoever started it has died).
#   sandbox.sh MODE ROOT TASK LAYER BOOTSTRAP TMP_MB HOSTS NODE MOUNTED MOUNT ro|rw [SHARED_OBJECT …]
set -eu
mode=$1 root=$2 task=$3 layer=$4 bootstrap=$5 tmp_mb=$6 hosts=$7 node=$8 mounted=$9
shift 9
mount=$1 mount_as=$2
shift 2

# A file or folder of this machine at a place of the new root, read-only. In a user namespace, flags that the machine has set must stay.
bind() {
  if [ -d "$1" ]; then
    mkdir -p "$root$2"
  else
    [ -d "$root${2%/*}" ] || mkdir -p "$root${2%/*}"
    : >"$root$2"
  fi
  for kept in nosuid,nodev nosuid,nodev,relatime nosuid,nodev,noatime nosuid,nodev,noexec,relatime; do
    if mount -o "bind,ro,$kept" "$1" "$root$2" 2>/dev/null; then return; fi
    if mountpoint -q "$root$2"; then umount "$root$2"; fi
  done
  echo "$1 can't be bound read-only" >&2
  exit 125
}

device() {
  : >"$root/dev/$1"
  mount --bind "/dev/$1" "$root/dev/$1"
}

mount_root() {
  mount -t tmpfs -o size=1m,mode=755,nosuid,nodev tmpfs "$root"
  mkdir -p "$root/dev" "$root/proc" "$root/tmp" "$root/etc"
  bind "$node" /var/lang/bin/node
  for object in "$@"; do bind "$object" "$object"; done
  bind "$bootstrap" /var/runtime/bootstrap.mjs
  bind "$task" /var/task
  bind "$layer" /opt
  if [ -e "$hosts" ]; then bind "$hosts" /etc/hosts; fi
  if [ -e /etc/resolv.conf ]; then bind /etc/resolv.conf /etc/resolv.conf; fi
  echo 'sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin' >"$root/etc/passwd"
  case $mounted:$mount_as in
    ?*:ro) bind "$mounted" "$mount" ;;
    ?*:rw) mkdir -p "$root$mount" && mount --bind "$mounted" "$root$mount" ;;
  esac
  for name in null zero random urandom; do device "$name"; done
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
  mount -t tmpfs -o "size=${tmp_mb}m,mode=1777,nosuid,nodev" tmpfs "$root/tmp"
  mount -o remount,bind,ro,nosuid,nodev "$root"
}

exec 3<&0 </dev/null
case $mode in
  none)
    (read -r _ <&3 || kill -KILL 0) &
    cd "$task"
    "$node" "$bootstrap" 3<&- || exit
    exit
    ;;
  full) identity='--setuid=993 --setgid=990' ;;
  user-namespace) identity='--user --map-user=993 --map-group=990' ;;
esac
mount_root "$@"
ulimit -n 1024
(read -r _ <&3 || kill -KILL -1) &
# Only the user namespace has words to be split here.
# shellcheck disable=SC2086
unshare $identity --root="$root" --wd=/var/task /var/lang/bin/node /var/runtime/bootstrap.mjs 3<&- || exit
