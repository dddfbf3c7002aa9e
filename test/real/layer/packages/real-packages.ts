import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packages as wanted, debianNames, type LayerArchitecture } from '../../../../layers/db-tools/contents.ts';
import { readLock, shippedLock, type PackagePin } from '../../../../layers/db-tools/lock.ts';
import { pinnedRoot } from '../../../../layers/db-tools/debian/pins.ts';
import { debFile, tarOfFolder } from './deb-file.ts';
import type { MirrorPackage } from './debian-mirror.ts';

const limit = (): AbortSignal => AbortSignal.timeout(20 * 60_000);
/** Nothing of it comes into a layer: most of what packages hold, by bytes. */
const left = new RegExp(
  '^usr/(share/(?!doc/[^/]+(/copyright)?$|doc$|common-licenses|ca-certificates)|s?bin/(?!mariadb$|mariadb-dump$|zstd$|tar$)|' +
    'lib/[^/]+/(gconv|perl|engines-3|krb5)/|lib/postgresql/[0-9]+/(lib/|bin/(?!pg_dump$|pg_dumpall$|pg_restore$|psql$)))',
);

/** What a mirror has before and after something newer came out. */
export type Release = { before: MirrorPackage[]; after: MirrorPackage[] };

/**
 * The packages that are pinned, as Debian made their files, for a mirror of our own. `newer` names those that then get
 * a higher version, and the suite that has it. What they ask of others is reduced to what is here.
 */
export async function realPackages(
  architecture: LayerArchitecture,
  newer: Readonly<Record<string, string | undefined>>,
): Promise<Release> {
  const debian = debianNames[architecture];
  const { root, pins } = await pinnedRoot(
    debian,
    (await readLock(shippedLock)).packages[debian],
    'newer',
    () => undefined,
    limit(),
  );
  const names = pins.map(({ name }) => name);
  const made = async ({ name, version, suite }: PackagePin): Promise<MirrorPackage> => {
    const control = await readFile(join(root, '.nightjar', `${name}.control`), 'utf8');
    const depends = [...new Set([...field(control, 'Depends'), ...field(control, 'Pre-Depends')])]
      .filter((one) => names.includes(one))
      .join(', ');
    const source = `Source: ${/^Source: (.*)$/m.exec(control)?.[1] ?? name}`;
    const deb = await rebuilt(root, name, controlOf({ name, version, architecture: debian, depends, source }));
    return { name, version, suite, architecture: debian, depends, deb };
  };
  const before: MirrorPackage[] = [];
  for (const pin of pins) before.push(await made(pin));
  const after = [...before];
  for (const pin of pins.filter(({ name }) => name in newer))
    after[pins.indexOf(pin)] = await made({
      ...pin,
      version: `${pin.version}+nightjar1`,
      suite: newer[pin.name] ?? pin.suite,
    });
  const metas = wanted.map((name) => name.split('/')[0]!).filter((name) => !names.includes(name));
  const all = metas.map(
    (name): MirrorPackage => ({
      name,
      version: '1:1',
      suite: 'trixie',
      architecture: debian,
      depends: names.filter((one) => one.includes('mariadb')).join(', '),
    }),
  );
  return { before: [...before, ...all], after: [...after, ...all] };
}

async function rebuilt(root: string, name: string, control: string): Promise<Buffer> {
  const files = (await readFile(join(root, '.nightjar', `${name}.files`), 'utf8'))
    .split('\n')
    .flatMap((line) => line.split('  ')[1] ?? [])
    .filter((path) => !left.test(path));
  return debFile(control, await tarOfFolder(root, files));
}

function controlOf({
  name,
  version,
  architecture,
  depends,
  source,
}: {
  name: string;
  version: string;
  architecture: string;
  depends: string;
  source: string;
}): string {
  return `Package: ${name}\n${source}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: Nobody <nobody@example.invalid>\n${depends === '' ? '' : `Depends: ${depends}\n`}Description: test\n`;
}

/** The names in a field of relations, without versions and alternatives. */
function field(control: string, name: string): string[] {
  const text = new RegExp(`^${name}: (.*(?:\\n .*)*)$`, 'm').exec(control)?.[1] ?? '';
  return text
    .split(',')
    .map((one) => one.split('|')[0]!.trim().split(/[ :(]/)[0]!)
    .filter((one) => one !== '');
}
