import * as z from 'zod';
import { always, countOf, expectedUnseen, group, text } from './fields.ts';

const asReference = '{ env: NAME }, { file: path } or { secret: name or ARN, field: name }';
const literal = `a secret never stands in this file: write where it is kept, as ${asReference}`;
const orIam = 'or iam, for a token of IAM database authentication';
const variable = 'the name of an environment variable (letters, digits and _, without $)';

const fields = {
  env: z
    .string({ error: expectedUnseen(variable) })
    .regex(/^[A-Za-z_]\w*$/, { error: expectedUnseen(variable) })
    .optional()
    .describe('Environment variable that holds the secret.'),
  file: text('the path of a file')
    .optional()
    .describe('File that holds the secret, relative to the configuration. One newline at its end is left out.'),
  secret: text('the name or ARN of a secret').optional().describe('Name or ARN of a secret in AWS Secrets Manager.'),
  field: text('the name of a field')
    .optional()
    .describe(
      'Field of a Secrets Manager secret that is a JSON object, as those that RDS manages are (`username`, ' +
        '`password`).',
    ),
};

/**
 * Where a secret is kept. The secret itself is refused and never shown, neither as a value nor as a key, which is what
 * YAML makes of `{ hunter2 }`.
 */
export const secretReference = group(`where the secret is kept, as ${asReference}`, fields, {
  otherwise: literal,
  hidesKeys: true,
})
  .superRefine(exactlyOne(['env', 'file', 'secret'], asReference), always)
  .transform(placeOf);

const asKey = `${asReference}, or { kms: ARN }`;
const keyArn = 'the ARN of a key of AWS KMS (arn:aws:kms:…:key/…): rights are given on it, and an alias has none';

/** Where a private key is kept, or which AWS KMS key signs: that one never leaves KMS. */
export const privateKeyReference = group(
  `where the private key is kept, as ${asKey}`,
  {
    ...fields,
    kms: z
      .string({ error: expectedUnseen(keyArn) })
      .regex(/^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, { error: expectedUnseen(keyArn) })
      .optional()
      .describe('ARN of a key of AWS KMS that signs.'),
  },
  { otherwise: literal.replace(asReference, asKey), hidesKeys: true },
)
  .superRefine(exactlyOne(['env', 'file', 'secret', 'kms'], asKey), always)
  .transform(({ kms, ...place }) => (kms === undefined ? placeOf(place) : { kms }));

/** Where a password is kept; or `iam`: there is none, and a token is made for each connection. */
export const passwordSource = z.union([z.enum(['iam']), secretReference], { error: `${literal}; ${orIam}` });

type Place = { env?: string | undefined; file?: string | undefined; secret?: string | undefined };

function exactlyOne(kinds: readonly string[], as: string) {
  return (value: Place & { field?: string | undefined }, context: { addIssue(message: string): void }): void => {
    if (countOf(value, kinds) !== 1) context.addIssue(`expected exactly one of ${kinds.join(', ')}: write it as ${as}`);
    if (value.field !== undefined && value.secret === undefined) context.addIssue('field goes with secret alone');
  };
}

function placeOf({ env, file, secret, field }: Place & { field?: string | undefined }) {
  return env !== undefined ? { env } : file !== undefined ? { file } : { secret: secret!, field };
}
