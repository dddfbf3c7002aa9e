import { expect, test } from '@jest/globals';
import { parseConfig, toldByText } from '../../../core/config-file.ts';
import { isBackupError, messageOf } from '../../../core/domain/errors.ts';

const secret = 'hunter2hunter2';
const start = 'vault: v\nsources: { shop: { postgres: { host: h, database: d, user: u } } }\n';
const problemsOf = (text: string): string => {
  try {
    parseConfig(text, 'nightjar.yaml');
    return '';
  } catch (error) {
    if (!isBackupError(error, 'config-invalid')) throw error;
    return messageOf(error);
  }
};

test('every notifier and hook can be written', () => {
  const { notify, hooks } = parseConfig(
    `${start}notify:
  - sns: arn:aws:sns:eu-west-1:123456789012:alerts
  - slack: { secret: nightjar/slack, field: webhook }
  - telegram: { token: { env: TOKEN }, chat: "-1001" }
  - webhook: { url: { env: URL }, key: { file: key.txt }, name: pager }
  - command: [./page-me, --loud]
hooks:
  - eventBus: default
    on: [failed]
  - command: [after]
  - heartbeat: { env: PING }
`,
    'nightjar.yaml',
  );

  expect(notify.map((one) => Object.keys(one)[0])).toEqual(['sns', 'slack', 'telegram', 'webhook', 'command']);
  expect(notify[2]).toMatchObject({ telegram: { api: 'https://api.telegram.org' } });
  expect(hooks).toEqual([
    { eventBus: 'default', on: ['failed'] },
    { command: ['after'] },
    { heartbeat: { env: 'PING' } },
  ]);
});

test.each([
  [
    'a notifier of two kinds',
    'notify: [{ sns: "arn:aws:sns:eu-west-1:123456789012:a", command: [x] }]',
    'notify.0: expected exactly one of sns, slack, telegram, webhook, command',
  ],
  ['an empty one', 'notify: [{}]', 'notify.0: expected exactly one of'],
  ['no list', 'notify: { command: [x] }', 'notify: expected a list of notifiers'],
  ['a misspelt one', 'notify: [{ slakc: { env: X } }]', 'notify.0.slakc: unknown key, did you mean "slack"?'],
  ['a topic that is none', 'notify: [{ sns: alerts }]', 'notify.0.sns: expected the ARN of an SNS topic'],
  [
    'a command with a shell in mind',
    'notify: [{ command: "mail -s x me" }]',
    'notify.0.command: expected a program and its arguments',
  ],
  ['a command that is empty', 'notify: [{ command: [""] }]', 'notify.0.command: expected a program and its arguments'],
  [
    'a chat as a number',
    'notify: [{ telegram: { token: { env: X }, chat: -1001 } }]',
    'notify.0.telegram.chat: expected the id of a chat',
  ],
  ['a webhook without a key', 'notify: [{ webhook: { url: { env: X } } }]', 'notify.0.webhook.key: '],
  [
    'an API without TLS',
    'notify: [{ telegram: { token: { env: X }, chat: "1", api: "http://api.example.com" } }]',
    'notify.0.telegram.api: expected an https URL',
  ],
  [
    'an end that is none',
    'hooks: [{ command: [x], on: [success] }]',
    'hooks.0.on.0: expected succeeded, failed, skipped',
  ],
  ['a hook of no kind', 'hooks: [{ on: [failed] }]', 'hooks.0: expected exactly one of eventBus, command, heartbeat'],
  [
    'ends of a heartbeat',
    'hooks: [{ heartbeat: { env: X }, on: [failed] }]',
    'hooks.0.on: a heartbeat hears of every check',
  ],
])('%s is refused', (_, lines, problem) => {
  expect(problemsOf(`${start}${lines}\n`)).toContain(problem);
});

test.each([
  `notify: [{ slack: "https://hooks.slack.com/services/T0/B0/${secret}" }]`,
  `notify: [{ telegram: { token: "123:${secret}", chat: "1" } }]`,
  `notify: [{ webhook: { url: "https://x.example/${secret}", key: ${secret} } }]`,
  `notify: [{ telegram: { token: { env: X }, chat: "1", api: "https://u:${secret}@x.example" } }]`,
  `notify: [{ sns: "https://x:${secret}@sns" }]`,
  `notify: [{ command: "curl https://x.example/${secret}" }]`,
  `hooks: [{ eventBus: "https://x/?${secret}" }]`,
])('a secret in the place of where it is kept is refused, and not repeated: %#', (lines) => {
  const problems = problemsOf(`${start}${lines}\n`);

  expect(problems).toContain('problem');
  expect(problems).not.toContain(secret);
});

test('of a configuration with a mistake, whoever is named rightly is known', () => {
  const { notify, hooks, vault } = toldByText(
    'vault: ./v\nsources: {}\nnotify: [{ command: [a] }, { slakc: { env: X } }]\nhooks: no list\n',
  );

  expect({ notify, hooks, vault }).toEqual({
    notify: [{ command: ['a'] }],
    hooks: [],
    vault: { kind: 'folder', folder: './v' },
  });
  expect(toldByText('a: [}')).toMatchObject({ notify: [], hooks: [] });
  expect(toldByText('just text')).toMatchObject({ notify: [], hooks: [] });
});

test('a number where a text belongs is told what it needs', () => {
  const webhook = 'notify: [{ webhook: { url: { env: U }, key: { env: K }, name: 503 } }]';
  expect(problemsOf(`${start}${webhook}`)).toContain('notify.0.webhook.name: expected a name: put it in quotes');
  expect(problemsOf(start.replace('database: d', 'database: 2024'))).toMatch(/database: expected .*: put it in quotes/);
});
