import { expect, test } from '@jest/globals';
import type { Catalog, LeftOut, LoadFailure } from '../../../core/ports.ts';
import type { Login } from '../../../core/engines/login.ts';
import { makeAccounts } from '../../../core/engines/mariadb/globals/applying.ts';
import { chosenAccounts } from '../../../core/engines/mariadb/globals/choosing.ts';
import { accountsInText, textOfAccounts } from '../../../core/engines/mariadb/globals/facts.ts';
import type { AccountFact } from '../../../core/engines/mariadb/globals/facts.ts';
import { settleAccounts } from '../../../core/engines/mariadb/globals/settle.ts';
import { readAccounts } from '../../../core/engines/mariadb/globals/reading.ts';
import type { MariadbSession } from '../../../core/engines/mariadb/session.ts';

/** A server that answers as a person has typed it here. */
async function reading(product: 'MariaDB' | 'MySQL', create: string, grants: string[]): Promise<AccountFact[]> {
  const rows = async (sql: string) => {
    if (sql.startsWith('SELECT')) return [{ user: 'app', host: '%', role: 'N' }];
    if (sql.startsWith('SHOW CREATE')) return [{ c: create }];
    return sql.startsWith('SHOW GRANTS') ? grants.map((line) => ({ g: line })) : [];
  };
  const server = { product, version: '11.8.1', number: 110_801 };
  return readAccounts({ server, rows } as unknown as MariadbSession, {} as Login);
}
const accountsOf = (product: 'MariaDB' | 'MySQL', ...users: string[]) => {
  const rows = async (sql: string) => {
    if (sql.startsWith('SELECT')) return users.map((user) => ({ user, host: '%', role: 'N' }));
    return sql.startsWith('SHOW CREATE') ? [{ c: sql.replace('SHOW ', '') }] : [];
  };
  const server = { product, version: '8.4.0', number: 80_400 };
  return readAccounts({ server, rows } as unknown as MariadbSession, {} as Login);
};
const said = (facts: AccountFact[]) => facts.map(({ kind, definition }) => [kind, definition]);

test('of names that begin with AWS_, those of Aurora alone are left out, and given where they are', async () => {
  const users = ['AWS_BEDROCK_ACCESS', 'AWS_LAMBDA_ACCESS', 'AWS_DMS', 'AWS_LAMBDA', 'aws_lambda_access'];
  const named = (facts: AccountFact[]) => facts.map(({ name }) => name);

  expect(named(await accountsOf('MySQL', ...users))).toEqual(['AWS_DMS@%', 'AWS_LAMBDA@%', 'aws_lambda_access@%']);
  expect(named(await accountsOf('MariaDB', ...users))).toHaveLength(5);
  const given = ['AWS_LAMBDA_ACCESS@% to app@%', 'AWS_DMS@% to app@%'].map((name) => {
    const statements = ['GRANT …'];
    return { kind: 'membership', name, of: 'app@%', definition: '', statements } satisfies AccountFact;
  });
  const refusing = { rows: () => Promise.reject(new Error('no such role', { cause: { errno: 3523 } })) };
  const leftOut: LeftOut[] = [];
  const failures: LoadFailure[] = [];
  await makeAccounts(given, refusing as unknown as MariadbSession, leftOut, (one) => void failures.push(one));
  expect(leftOut).toEqual([{ kind: 'membership', name: given[0]!.name, why: 'belongs to Amazon Aurora' }]);
  expect(failures.map(({ object }) => object)).toEqual(['membership AWS_DMS@% to app@%']);
});

test.each([
  [
    'GRANT SELECT (`b`, `a`), INSERT (`c`) ON `s`.`t` TO `r`',
    'GRANT SELECT (`a`, `b`), INSERT (`c`) ON `s`.`t` TO `r`',
    true,
  ],
  ['GRANT SELECT (`b, ``c`, `a`) ON `s`.`t` TO `r`', 'GRANT SELECT (`a`, `b, ``c`) ON `s`.`t` TO `r`', true],
  ['GRANT SELECT (`a`), INSERT (`b`) ON `s`.`t` TO `r`', 'GRANT SELECT (`b`), INSERT (`a`) ON `s`.`t` TO `r`', false],
  ['GRANT SELECT (`a`) ON `s`.`t` TO `r`', 'GRANT SELECT (`a`, `b`) ON `s`.`t` TO `r`', false],
])('%s and %s are the same right: %s', (one, other, same) => {
  const of = (definition: string): Catalog => ({ grant: { x: definition } });
  const [expected, found] = [of(one), of(other)];
  const unequal = [{ kind: 'grant', name: 'x', how: 'changed' as const }];

  expect(settleAccounts({ unequal, expected, found }).different).toEqual(same ? [] : unequal);
});

test('of MariaDB, the hash stands in the statement alone, and in no right', async () => {
  const facts = await reading(
    'MariaDB',
    "CREATE USER `app`@`%` IDENTIFIED VIA unix_socket OR ed25519 USING 'it''s OR \\' REQUIRE' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 9",
    [
      "GRANT SELECT ON *.* TO `app`@`%` IDENTIFIED VIA ed25519 USING 'WITH GRANT OPTION' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 9",
      'GRANT INSERT (`a`, `b TO c`) ON `shop`.`t` TO `app`@`%` WITH GRANT OPTION',
      'GRANT SELECT ON `of a role`.* TO `readers`',
      'SET DEFAULT ROLE `readers` FOR `app`@`%`',
    ],
  );

  expect(said(facts)).toEqual([
    ['account', 'CREATE USER `app`@`%` REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 9'],
    ['password', expect.stringMatching(/^[0-9a-f]{64}$/)],
    ['grant', 'GRANT SELECT ON *.* TO `app`@`%`'],
    ['grant', 'GRANT INSERT (`a`, `b TO c`) ON `shop`.`t` TO `app`@`%` WITH GRANT OPTION'],
    ['default role', 'SET DEFAULT ROLE `readers` FOR `app`@`%`'],
  ]);
  expect(facts[0]!.statements[0]).toContain("USING 'it''s OR \\' REQUIRE' REQUIRE SSL");
});

test('of MySQL, a default role comes behind the role, and an account without its hash is made locked', async () => {
  const create =
    "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '<secret>' DEFAULT ROLE `r`@`%` REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK";
  const facts = await reading('MySQL', create, [
    'GRANT USAGE ON *.* TO `app`@`%`',
    'GRANT `r`@`%` TO `app`@`%` WITH ADMIN OPTION',
  ]);

  expect(facts.map(({ kind, statements }) => [kind, ...statements])).toEqual([
    ['account', 'CREATE USER `app`@`%` REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT LOCK'],
    ['membership', 'GRANT `r`@`%` TO `app`@`%` WITH ADMIN OPTION'],
    ['default role', 'ALTER USER `app`@`%` DEFAULT ROLE `r`@`%`'],
  ]);
  expect(chosenAccounts(facts, []).leftOut).toMatchObject([
    { kind: 'account', why: expect.stringMatching(/^was made locked/) },
  ]);
});

test('what a comment, an attribute or a certificate says is neither a role nor a hash', async () => {
  const words = "'it''s DEFAULT ROLE `x`@`y` \\' IDENTIFIED BY PASSWORD ''*1'' ACCOUNT LOCK'";
  const [account, hash, ...more] = await reading(
    'MySQL',
    `CREATE USER \`it's\`@\`%\` IDENTIFIED WITH 'p' AS 0x12 REQUIRE SUBJECT ${words} ACCOUNT UNLOCK ATTRIBUTE ${words}`,
    [],
  );

  expect(account!.definition).toBe(
    `CREATE USER \`it's\`@\`%\` REQUIRE SUBJECT ${words} ACCOUNT UNLOCK ATTRIBUTE ${words}`,
  );
  expect(account!.statements[0]).toContain("IDENTIFIED WITH 'p' AS 0x12 REQUIRE");
  expect([hash!.kind, more]).toEqual(['password', []]);
});

const fact = (kind: AccountFact['kind'], of: string, definition: string): AccountFact => ({
  kind,
  name: kind === 'grant' ? `${of} on x` : of,
  of,
  definition,
  statements: [definition],
});

test('a text of accounts comes back whatever stands in it, and never cut', () => {
  const facts = [fact('account', 'ü', "CREATE USER 'ü' COMMENT 'a;\n-- {\"b\"'"), fact('grant', 'ü', 'GRANT x')];
  const text = Buffer.from(textOfAccounts(facts));

  expect(accountsInText(text, 'schema.sql')).toEqual(facts);
  for (const length of [0, 10, text.length - 40, text.length - 1])
    expect(() => accountsInText(text.subarray(0, length), 'schema.sql')).toThrow(/was cut/);
});

test('an account that is the same is completed; one that is another is left with all it has', () => {
  const backup = ['same', 'other', 'new'].flatMap((of) => [
    fact('account', of, 'A'),
    fact('password', of, 'P'),
    fact('grant', of, 'G'),
  ]);
  const here = [
    fact('account', 'same', 'A'),
    fact('password', 'same', 'P'),
    fact('account', 'other', 'A'),
    fact('password', 'other', 'Q'),
  ];

  const { make, leftOut } = chosenAccounts(backup, here);

  expect(make.map(({ kind, of }) => `${kind} ${of}`)).toEqual([
    'grant same',
    'account new',
    'password new',
    'grant new',
  ]);
  expect(leftOut.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['password other', 'grant other on x']);
});
