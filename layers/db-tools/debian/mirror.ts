import { BackupError } from '../../../core/domain/errors.ts';

/** Where Debian is fetched from: its main archive, and the one for security updates where the machine knows one. */
export type Mirror = { main: string; security: string | undefined };

type MirrorEntry = { uri: string; suites: string[]; components: string[]; signedBy: string };

const debianSuite =
  /^(oldoldstable|oldstable|stable|testing|unstable|sid|buster|bullseye|bookworm|trixie|forky|duke)(-updates|-security)?$/;

/**
 * The mirror that `setting` names (one address, or two: main and security), else the one of a Debian machine's own apt
 * sources. Other vendors' entries are passed over: theirs are signed by another key than Debian's archive key.
 */
export function chooseMirror(setting: string | undefined, sources: { deb822: string; oneLine: string }): Mirror {
  const [main, security] = setting?.trim().split(/\s+/) ?? [];
  if (main) return { main, security: security ?? `${main.replace(/\/$/, '')}-security` };
  const entries = [...deb822Entries(sources.deb822), ...oneLineEntries(sources.oneLine)]
    .filter((entry) => entry.components.includes('main') && entry.suites.some((suite) => debianSuite.test(suite)))
    .filter((entry) => entry.signedBy === '' || entry.signedBy.includes('debian-archive'))
    .sort((a, b) => Number(b.signedBy !== '') - Number(a.signedBy !== ''));
  const own = entries.find((entry) => entry.suites.some((suite) => !suite.endsWith('-security')));
  if (own)
    return {
      main: own.uri,
      security: entries.find((entry) => entry.suites.some((suite) => suite.endsWith('-security')))?.uri,
    };
  throw new BackupError('tools-missing', 'the apt sources of this machine name no Debian mirror', {
    hint: 'set NIGHTJAR_DEBIAN_MIRROR to the address of one',
  });
}

function deb822Entries(text: string): MirrorEntry[] {
  const plain = text.replace(/^#.*\n?/gm, '');
  return plain.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const [, name, value] of stanza.matchAll(/^([\w-]+):((?:.*)(?:\n[ \t].*)*)/gm))
      fields.set(name!.toLowerCase(), value!.trim());
    const words = (name: string): string[] => fields.get(name)?.split(/\s+/).filter(Boolean) ?? [];
    if (!words('types').includes('deb') || /^(no|false|0)$/i.test(fields.get('enabled') ?? '')) return [];
    const signedBy = fields.get('signed-by') ?? '';
    return words('uris').map((uri) => ({ uri, suites: words('suites'), components: words('components'), signedBy }));
  });
}

function oneLineEntries(text: string): MirrorEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, options = '', uri, suite, components = ''] =
      /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line) ?? [];
    if (!uri || !suite) return [];
    const signedBy = /signed-by=(\S+)/.exec(options)?.[1] ?? '';
    return [{ uri, suites: [suite], components: components.split(/\s+/), signedBy }];
  });
}
