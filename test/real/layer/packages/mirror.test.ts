import { describe, expect, test } from '@jest/globals';
import { chooseMirror } from '../../../../layers/db-tools/debian/mirror.ts';

const none = { deb822: '', oneLine: '' };
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

describe('the mirror is taken from', () => {
  test('sources in the deb822 format, with comments, several suites and the security archive apart', () => {
    const deb822 = `Types: deb deb-src
# http://old.example/debian
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: ${keyring}

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: ${keyring}
`;

    expect(chooseMirror(undefined, { ...none, deb822 })).toEqual({
      main: 'http://mirror.example/debian',
      security: 'http://security.example/debian-security',
    });
  });

  test('sources in the one-line format, with and without options', () => {
    const oneLine = `# deb http://old.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=${keyring}] http://mirror.example/debian bookworm main contrib # ours
deb http://mirror.example/debian-security bookworm-security main
`;

    expect(chooseMirror(undefined, { ...none, oneLine })).toEqual({
      main: 'http://mirror.example/debian',
      security: 'http://mirror.example/debian-security',
    });
  });

  test("Debian's own entry, not another vendor's for the same suite", () => {
    const oneLine = `deb [signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.example/debian bookworm main
deb https://docker.example/linux/debian bookworm stable
deb https://pgdg.example/apt bookworm-pgdg main
deb [signed-by="/usr/share/keyrings/vendor.gpg"] https://vendor.example/two bookworm main
deb http://mirror.example/debian bookworm main
`;

    expect(chooseMirror(undefined, { ...none, oneLine })).toEqual({
      main: 'http://mirror.example/debian',
      security: undefined,
    });
  });

  test('an entry that is not switched off', () => {
    const deb822 = `Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb
URIs: mirror+file:/etc/apt/mirrors/debian.list
Suites: trixie
 trixie-updates
Components: main
`;

    expect(chooseMirror(undefined, { ...none, deb822 }).main).toBe('mirror+file:/etc/apt/mirrors/debian.list');
  });

  test('the setting, which goes before all sources', () => {
    const oneLine = 'deb http://mirror.example/debian bookworm main\n';

    expect(chooseMirror('http://set.example/debian/', { ...none, oneLine })).toEqual({
      main: 'http://set.example/debian/',
      security: 'http://set.example/debian-security',
    });
    expect(chooseMirror('http://a.example/d http://b.example/s', none)).toEqual({
      main: 'http://a.example/d',
      security: 'http://b.example/s',
    });
  });
});

test('a machine whose sources name no Debian mirror is told which setting names one', () => {
  const ubuntu = {
    ...none,
    deb822: 'Types: deb\nURIs: http://ubuntu.example/ubuntu\nSuites: noble\nComponents: main\n',
  };

  expect(() => chooseMirror(undefined, ubuntu)).toThrow(
    expect.objectContaining({ code: 'tools-missing', hint: expect.stringContaining('NIGHTJAR_DEBIAN_MIRROR') }),
  );
});
