import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianRoot } from '../../../layers/db-tools/debian/debian.ts';
import { run } from '../../../layers/db-tools/debian/run.ts';

/** An image: what a registry would keep of it, unpacked. */
export type Image = { rootfs: string; user: string; env: string[]; entrypoint: string[]; workingDir: string };

/** Buildah with only its libraries: building from files needs nothing that runs containers or makes networks. */
const buildah = {
  name: 'buildah',
  suites: ['trixie'],
  packages: [
    ...['buildah', 'libc6', 'libsubid5', 'libgpgme11t64', 'libassuan9', 'libgpg-error0', 'libseccomp2', 'libsqlite3-0'],
    ...[
      'libaudit1',
      'libcap-ng0',
      'libselinux1',
      'libsemanage2',
      'libsepol2',
      'libbz2-1.0',
      'libpcre2-8-0',
      'libcrypt1',
    ],
    ...['libacl1', 'libattr1', 'libpam0g', 'libbsd0', 'libmd0'],
  ],
  withDependencies: false,
};

/** Buildah starts itself again by its own path, so it needs a root in which it is an ordinary program. */
const enter = `
set -e
root="$1/root"; debian="$2"; context="$3"; work="$1/work"; shift 3
mkdir -p "$root/usr" "$root/proc" "$root/dev" "$root/tmp" "$root/var/tmp" "$root/etc/containers" "$root/context" "$root/work"
for name in bin sbin lib lib64; do ln -sfn "usr/$name" "$root/$name"; done
mount --bind "$root" "$root"
mount --bind "$debian/usr" "$root/usr"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$context" "$root/context"
mount --bind "$work" "$root/work"
echo 'root:x:0:0::/work:/bin/sh' > "$root/etc/passwd"
cp "$work/containers.conf" "$root/etc/containers/containers.conf"
exec chroot "$root" /usr/bin/buildah --storage-driver vfs --root /work/store --runroot /work/run "$@"`;

/** Builds a Dockerfile with the files beside it, in `folder`, as root of the machine or of a user namespace. */
export async function buildImage(context: string, folder: string, signal: AbortSignal): Promise<Image> {
  const debian = await debianRoot(buildah, (line) => process.stderr.write(`${line}\n`), signal);
  const work = join(folder, 'work');
  await mkdir(join(work, 'helpers'), { recursive: true });
  await writeFile(join(work, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  // it checks for a network program, and never starts it
  await writeFile(join(work, 'helpers/netavark'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(work, 'containers.conf'), '[engine]\nhelper_binaries_dir = ["/work/helpers"]\n');
  const asRoot = process.getuid?.() === 0 ? [] : (['--user', '--map-root-user'] as const);
  const call = (...words: string[]) =>
    run(
      [
        'unshare',
        ...asRoot,
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        enter,
        'enter',
        folder,
        debian,
        context,
        ...words,
      ],
      { cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
      signal,
    );
  await call(
    'build',
    '--isolation',
    'chroot',
    '--signature-policy',
    '/work/policy.json',
    '--tag',
    'nightjar',
    '/context',
  );
  const told = JSON.parse(await call('inspect', '--type', 'image', 'nightjar')) as {
    OCIv1: {
      config: { User: string; Env: string[]; Entrypoint: string[]; WorkingDir: string };
      rootfs: { diff_ids: string[] };
    };
  };
  const { User: user, Env: env, Entrypoint: entrypoint, WorkingDir: workingDir } = told.OCIv1.config;
  const layers = join(work, 'store/vfs/dir');
  const [layer, ...others] = await readdir(layers);
  if (layer === undefined || others.length > 0) throw new Error(`expected one layer, found ${others.length + 1}`);
  return { rootfs: join(layers, layer), user, env, entrypoint, workingDir };
}
