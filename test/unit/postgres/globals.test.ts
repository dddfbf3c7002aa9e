import { expect, test } from '@jest/globals';
import { chosen } from '../../../core/engines/postgres/globals/choosing.ts';
import { settleGlobals } from '../../../core/engines/postgres/globals/settle.ts';
import { globalsIn, withoutPassword } from '../../../core/engines/postgres/globals/statements.ts';

const standing = { here: [], isSuperuser: true, owned: [], tablespaces: true, drill: false };
const made = (text: string, more: Partial<Parameters<typeof chosen>[1]> = {}) => {
  const { make, tablespaces, leftOut } = chosen(globalsIn(text), { ...standing, ...more });
  return { made: [...make, ...tablespaces].flatMap(({ statements }) => statements), leftOut };
};

test('constants, names and comments of several lines are taken apart where a statement ends', () => {
  const text = `--
-- Roles; all of them
--
\\restrict abc;def
SET client_encoding = 'UTF8';
CREATE ROLE "a;""b'";
COMMENT ON ROLE "a;""b'" IS 'one; -- it''s
\\two';
`;

  const found = globalsIn(text).map(({ kind, name, statements }) => [kind, name, statements]);

  expect(found).toEqual([
    ['role', `a;"b'`, [`CREATE ROLE "a;""b'"`]],
    ['role comment', `a;"b'`, [`COMMENT ON ROLE "a;""b'" IS 'one; -- it''s\n\\two'`]],
  ]);
});

test('a password is apart from its role, whose definition does not say it', () => {
  const alter = `ALTER ROLE a WITH NOSUPERUSER INHERIT NOCREATEROLE LOGIN NOREPLICATION NOBYPASSRLS PASSWORD 'SCRAM$x''y' VALID UNTIL '2031-01-01'`;
  const [role, hash] = globalsIn(`CREATE ROLE a;\n${alter};\n`);

  expect(role).toMatchObject({ kind: 'role', definition: expect.not.stringContaining('SCRAM') });
  // only a superuser may say what nobody has to say of a new role
  expect(role!.statements[1]).toBe(`ALTER ROLE a WITH INHERIT NOCREATEROLE LOGIN VALID UNTIL '2031-01-01'`);
  expect(hash).toMatchObject({ kind: 'password', statements: [`ALTER ROLE a PASSWORD 'SCRAM$x''y'`] });
  expect(hash!.definition).toMatch(/^[0-9a-f]{64}$/);
  expect(withoutPassword(alter)).not.toContain('SCRAM');
});

test('a name that holds words of a statement is a name', () => {
  const name = `"app NOSUPERUSER PASSWORD 'p'"`;
  const alter = `ALTER ROLE ${name} WITH NOSUPERUSER LOGIN PASSWORD 'SCRAM$x'`;

  const [role, hash, ...more] = globalsIn(`CREATE ROLE ${name};\n${alter};\n`);

  expect(role!.statements).toEqual([`CREATE ROLE ${name}`, `ALTER ROLE ${name} WITH LOGIN`]);
  expect([hash!.statements, more]).toEqual([[`ALTER ROLE ${name} PASSWORD 'SCRAM$x'`], []]);
  expect(withoutPassword(alter)).not.toContain('SCRAM');
});

test('what is everybody’s is made, and by no drill', () => {
  const text = 'ALTER ROLE ALL SET "work_mem" TO \'1MB\';\nGRANT SET ON PARAMETER work_mem TO PUBLIC;\n';

  expect(made(text).made).toHaveLength(2);
  expect(made(text, { drill: true })).toMatchObject({ made: [], leftOut: [{ name: 'ALL work_mem' }, {}] });
});

test('what several have granted is granted at once by who may not grant in their names', () => {
  const grants = [
    'GRANT "a TO b" TO c WITH INHERIT FALSE, SET FALSE GRANTED BY postgres',
    'GRANT "a TO b" TO c WITH ADMIN OPTION, INHERIT TRUE GRANTED BY d',
  ];

  expect(made(`${grants.join(';\n')};\n`, { isSuperuser: false }).made).toEqual([
    'GRANT "a TO b" TO c WITH ADMIN TRUE, INHERIT TRUE, SET TRUE',
  ]);
});

test('a right that a role has given in its own name is given in its name again', () => {
  const text = `SET SESSION AUTHORIZATION boss;\nGRANT SET ON PARAMETER work_mem TO app;\nRESET SESSION AUTHORIZATION;\n`;

  expect(made(text).made).toEqual([
    'SET SESSION AUTHORIZATION boss',
    'GRANT SET ON PARAMETER work_mem TO app',
    'RESET SESSION AUTHORIZATION',
  ]);
});

test('nothing of a role that is there is changed, and what joins it to a new one is made', () => {
  const here = globalsIn('CREATE ROLE old;\nCREATE ROLE older;\n');
  const text = `CREATE ROLE old;\nCREATE ROLE older;\nCREATE ROLE new;
ALTER ROLE old SET work_mem TO '1MB';\nGRANT new TO old GRANTED BY postgres;\nGRANT older TO old GRANTED BY postgres;\n`;

  expect(made(text, { here })).toEqual({
    made: ['CREATE ROLE new', 'GRANT new TO old GRANTED BY postgres'],
    leftOut: [
      expect.objectContaining({
        kind: 'role setting',
        name: 'old work_mem',
        why: expect.stringContaining('old was there'),
      }),
      expect.objectContaining({ kind: 'membership', name: 'older to old' }),
    ],
  });
  expect(made(text, { here, isSuperuser: false }).made).toContain('GRANT new TO old');
});

test('what belongs to Amazon, and what nobody knows, is left out and told', () => {
  const text = `CREATE ROLE rdsadmin;\nCREATE ROLE shop;\nGRANT rdsadmin TO shop;\nFROBNICATE ROLE shop;\nCREATE TABLESPACE t OWNER shop LOCATION '/t';\n`;

  const { made: done, leftOut } = made(text, { tablespaces: false });

  expect(done).toEqual(['CREATE ROLE shop']);
  expect(leftOut.map(({ kind, why }) => `${kind}: ${why}`)).toEqual([
    'role: belongs to Amazon RDS',
    'membership: belongs to Amazon RDS',
    'statement: is of a kind that this Nightjar does not know: load it by hand',
    'tablespace: was left out by --no-tablespaces',
  ]);
});

test.each([
  ['GRANT a TO b WITH ADMIN OPTION GRANTED BY x', 'GRANT a TO b WITH ADMIN OPTION, INHERIT TRUE GRANTED BY y', true],
  ['GRANT a TO b GRANTED BY x', 'GRANT a TO b WITH ADMIN OPTION GRANTED BY x', false],
  ['GRANT a TO b WITH INHERIT FALSE', 'GRANT a TO b WITH INHERIT TRUE', false],
  ['GRANT a TO b WITH INHERIT TRUE, SET FALSE', 'GRANT a TO b WITH INHERIT TRUE', false],
  [
    'GRANT a TO b WITH INHERIT FALSE; GRANT a TO b WITH INHERIT TRUE, SET FALSE',
    'GRANT a TO b WITH INHERIT TRUE',
    true,
  ],
  ['GRANT a TO b WITH INHERIT TRUE, SET FALSE', 'GRANT a TO b WITH ADMIN OPTION, INHERIT TRUE, SET FALSE', false],
  ['GRANT "ADMIN OPTION" TO b', 'GRANT "ADMIN OPTION" TO b GRANTED BY c', true],
])('%s and %s are the same membership: %s', (before, after, isSame) => {
  const catalogs = { expected: { membership: { 'a to b': before } }, found: { membership: { 'a to b': after } } };
  const unequal = [{ kind: 'membership', name: 'a to b', how: 'changed' as const }];

  const { different, exceptions } = settleGlobals({ ...catalogs, unequal });

  expect([different.length, exceptions.length]).toEqual(isSame ? [0, 1] : [1, 0]);
});

test('what was done to a database that every server has is made by its owner or a superuser, and by no drill', () => {
  const text = `ALTER DATABASE postgres OWNER TO app;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO app WITH GRANT OPTION;
ALTER DATABASE template1 SET "work_mem" TO '5MB';
COMMENT ON DATABASE postgres IS 'ours; -- all';
`;
  const kinds = (more: Parameters<typeof made>[1]) =>
    made(text, more).leftOut.map(({ kind, name }) => `${kind} ${name}`);

  expect(made(text).made).toHaveLength(5);
  expect(kinds({ drill: true })).toHaveLength(4);
  expect(kinds({ isSuperuser: false, owned: ['postgres'] })).toEqual([
    'database owner postgres',
    'database setting template1 work_mem',
  ]);
  const byApp = `SET SESSION AUTHORIZATION app;\nGRANT CONNECT ON DATABASE postgres TO b;\nRESET SESSION AUTHORIZATION;\n`;
  expect(made(byApp, { isSuperuser: false, owned: ['postgres'] }).made).toEqual([]);
  expect(made('GRANT CONNECT ON DATABASE postgres TO rdsadmin;\n').leftOut).toMatchObject([
    { why: 'belongs to Amazon RDS' },
  ]);
});
