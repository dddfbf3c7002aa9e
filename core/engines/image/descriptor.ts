import * as z from 'zod';
import { problem } from '../../contract/config/problem.ts';
import { secretProblem } from '../../contract/cloud/secret-problem.ts';
import { always, expected, expectedUnseen, group, text } from '../../contract/config/fields.ts';
import { secretReference } from '../../contract/config/secret.ts';
import { imageWords } from '../../domain/content-words.ts';
import { isLoopback, parseImageReference, registryHost } from '../../domain/tools/image-reference.ts';
import type { EngineDescriptor, SourceOf } from '../descriptor.ts';
import { passwordInSight } from '../on-servers.ts';

const asReference =
  'an image with its registry, as registry.example.com/shop/app:1.2 or docker.io/library/debian:12, by a tag or by ' +
  '@sha256: and its digest';
const asPlatform = 'a platform, as linux/amd64 or linux/arm/v7';

const schema = group('an image of a registry', {
  ref: z
    .string({ error: expectedUnseen(asReference) })
    .refine((ref) => parseImageReference(ref) !== undefined, { error: expectedUnseen(asReference) })
    .describe('The image: registry, repository, and a tag or a digest. Without both, the tag `latest`.'),
  platforms: z
    .array(
      z
        .string({ error: expected(asPlatform) })
        .regex(/^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9]+)?$/, { error: expected(asPlatform) }),
      { error: expected('a list of platforms, as [linux/amd64]') },
    )
    .min(1, { error: 'name one, or leave the key out: then all are kept' })
    .optional()
    .describe('The platforms to keep. Default: every one that the image has.'),
  username: z
    .union([text('a user'), secretReference], {
      error: expectedUnseen('a user, or where its name is kept as a secret'),
    })
    .optional()
    .describe('User to log in as, or where its name is kept as a secret. Default: no login.'),
  password: secretReference.optional().describe('Where its password, or the token in its place, is kept.'),
  tls: z
    .union(
      [
        z.enum(['verify', 'off']),
        group('tls', {
          ca: text('the path of a PEM file').describe(
            'PEM file of the authority that signed the registry’s certificate.',
          ),
        }),
      ],
      {
        error: expected('verify, off, or { ca: path }'),
      },
    )
    .optional()
    .describe(
      '`verify`: TLS, certificate and host name checked; `off`: plain text. Default: `off` for this machine, `verify` for every other.',
    ),
  scratch: text('the path of a folder')
    .optional()
    .describe('Folder for drills. Default: the system’s folder for temporary files.'),
}).superRefine(({ username, password }, context) => {
  if ((username === undefined) !== (password === undefined))
    context.addIssue({ code: 'custom', message: 'username and password go together' });
}, always);

type At = z.output<typeof schema>;

function tlsOf({ ref, tls }: At) {
  const { host, port } = registryHost(parseImageReference(ref)!);
  const isPlain = tls === 'off' || (tls === undefined && isLoopback(host));
  const choice = isPlain
    ? { mode: 'off' as const }
    : { mode: 'verify' as const, ca: typeof tls === 'object' ? tls.ca : 'public' };
  return { host, port: port ?? (isPlain ? 80 : 443), tls: choice };
}

export const image = {
  name: 'image',
  about: 'A container image of a registry.',
  note: 'docs/image.md says what is kept, and how it is pushed back or written as a folder.',
  schema,
  describe: ({ at }) => ({
    server: tlsOf(at),
    shares: true as const,
    isPath: (name) => /^\.{0,2}\//.test(name),
    secrets: [at.username, at.password].filter((one) => typeof one === 'object'),
  }),
  cloudProblems: (source) => cloudProblems(source),
  asking: {
    schemes: ['image'],
    read: placeOfImage,
    keys: [
      { key: 'ref', asked: 'image, with its registry' },
      { key: 'username', asked: 'user of the registry', usual: 'none', optional: true },
    ],
    password: ({ username }) => username,
  },
  words: imageWords,
  drillsElsewhere: false,
  async open({ at }, { key, database, drill }, from, signal) {
    const { openImage } = await import('./index.ts');
    const { tls } = tlsOf(at);
    const own = `${key}.image`;
    const { username, password, scratch, platforms = [] } = at;
    const login = username !== undefined &&
      password !== undefined && {
        username: await from.read(`${own}.username`, username, signal),
        password: await from.read(`${own}.password`, password, signal),
      };
    const ca = tls.mode === 'verify' && tls.ca !== 'public' ? await from.authority(`${own}.tls.ca`, tls.ca) : undefined;
    return openImage(
      {
        reference: parseImageReference(at.ref)!,
        platforms,
        access: { plain: tls.mode === 'off', ca, ...(login && { login }) },
        scratch: scratch === undefined ? undefined : from.path(scratch),
      },
      { database, drill },
    );
  },
  inspection: async () => (await import('./inspection.ts')).inspection,
} satisfies EngineDescriptor<typeof schema>;

/** `//user@registry.example.com/shop/app:1.2`, with or without `//` and the user. */
function placeOfImage(place: string): Record<string, string> {
  const [, user, ref = ''] = /^(?:\/\/)?(?:([^/@]*)@)?(.*)$/s.exec(place) ?? [];
  if (user?.includes(':') === true) throw passwordInSight();
  return { ref, ...(user !== undefined && user !== '' && { username: decodeURIComponent(user) }) };
}

const ofEcr = /\.dkr[.-]ecr[.-]/;

/** Why functions on AWS can't work with a source. */
function cloudProblems({ at, watch }: SourceOf<At>) {
  const { host } = registryHost(parseImageReference(at.ref)!);
  const isOfEcr = ofEcr.test(host);
  const secretOf = (value: At['username']) => (typeof value === 'object' ? secretProblem(value) : undefined);
  return [
    ...problem(
      ['image', 'ref'],
      isLoopback(host) ? 'is on the function itself: write a name that functions reach' : undefined,
    ),
    ...problem(
      ['image', 'ref'],
      isOfEcr
        ? 'is Amazon ECR, whose passwords are good for 12 hours, and functions do not fetch them: back it up from a machine'
        : undefined,
    ),
    ...problem(['image', 'username'], secretOf(at.username)),
    ...problem(['image', 'password'], at.password && secretProblem(at.password)),
    ...problem(
      ['image', 'tls', 'ca'],
      typeof at.tls === 'object' && /^([/~]|.*\.\.)/.test(at.tls.ca)
        ? 'must lie beside the configuration or below it: it goes into the functions with it'
        : undefined,
    ),
    ...problem(
      ['drill', 'every'],
      watch.drillEveryMs === undefined
        ? undefined
        : 'is not possible for an image: functions have no disk to put it on; drill it from a machine (nightjar drill)',
    ),
  ];
}
