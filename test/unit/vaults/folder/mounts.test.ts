import { expect, test } from '@jest/globals';
import { missingMount } from '../../../../core/domain/tools/mounts.ts';

const fstab = `
# a comment /mnt/none
UUID=1 / ext4 defaults 0 1
nas:/export  /mnt/nas\tnfs defaults 0 0
UUID=2 /mnt/usb\\040disk/ ext4 noauto 0 0
UUID=3 none swap sw 0 0
`;
const mounts = '/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\n';

test.each([
  ['/mnt/nas', '/mnt/nas'],
  ['/mnt/nas/backups', '/mnt/nas'],
  ['/mnt/usb disk/backups', '/mnt/usb disk'],
  ['/mnt/nas2/backups', undefined],
  ['/mnt/none/backups', undefined],
  ['/srv/backups', undefined],
])('a new vault in %s waits for the disk at %s', (folder, expected) => {
  expect(missingMount(folder, fstab, mounts)).toBe(expected);
});

test('a mounted disk is not waited for', () => {
  expect(missingMount('/mnt/nas/backups', fstab, `${mounts}nas:/export /mnt/nas nfs4 rw 0 0\n`)).toBeUndefined();
  expect(
    missingMount('/mnt/usb disk/backups', fstab, `${mounts}/dev/sdb1 /mnt/usb\\040disk ext4 rw 0 0\n`),
  ).toBeUndefined();
});
