import type { Context } from './conditions.ts';
import type { Call } from './policy.ts';

/** A request as it goes over the wire. `path` is decoded. */
export type Wire = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Readonly<Record<string, string>>;
  body: string;
};

/**
 * What a request to S3 asks of IAM: all of `needed`; and each of `given` decides about headers of the answer, without
 * which it comes all the same.
 */
export type Asked = {
  needed: Call[];
  given: {
    call: Call;
    headers: RegExp;
  }[] /** Asked when the object is not there: without it, S3 says 403 instead of 404. */;
  ifMissing?: Call;
};

/**
 * Of a bucket: the key that encrypts what has no key of its own, and whether it stands for all objects (S3 Bucket Key).
 */
export type Encryption = { keyArn: string; bucketKey: boolean };

const bucketActions: [method: string, query: string, action: string][] = [
  ['GET', 'uploads', 'ListBucketMultipartUploads'],
  ['GET', 'versions', 'ListBucketVersions'],
  ['GET', 'policy', 'GetBucketPolicy'],
  ['PUT', 'policy', 'PutBucketPolicy'],
  ['DELETE', 'policy', 'DeleteBucketPolicy'],
  ['PUT', 'lifecycle', 'PutLifecycleConfiguration'],
  ['DELETE', 'lifecycle', 'PutLifecycleConfiguration'],
  ['PUT', 'versioning', 'PutBucketVersioning'],
  ['PUT', 'encryption', 'PutEncryptionConfiguration'],
  ['GET', 'object-lock', 'GetBucketObjectLockConfiguration'],
  ['PUT', 'object-lock', 'PutBucketObjectLockConfiguration'],
  ['PUT', 'publicAccessBlock', 'PutBucketPublicAccessBlock'],
  ['GET', '', 'ListBucket'],
  ['HEAD', '', 'ListBucket'],
  ['PUT', '', 'CreateBucket'],
  ['DELETE', '', 'DeleteBucket'],
];

const objectActions: [method: string, query: string, action: string][] = [
  ['GET', 'tagging', 'GetObjectTagging'],
  ['PUT', 'tagging', 'PutObjectTagging'],
  ['DELETE', 'tagging', 'DeleteObjectTagging'],
  ['PUT', 'retention', 'PutObjectRetention'],
  ['PUT', 'legal-hold', 'PutObjectLegalHold'],
  ['PUT', 'acl', 'PutObjectAcl'],
  ['DELETE', 'uploadId', 'AbortMultipartUpload'],
  ['GET', 'uploadId', 'ListMultipartUploadParts'],
  ['DELETE', 'versionId', 'DeleteObjectVersion'],
  ['GET', 'versionId', 'GetObjectVersion'],
  ['DELETE', '', 'DeleteObject'],
  ['GET', '', 'GetObject'],
  ['HEAD', '', 'GetObject'],
  ['PUT', '', 'PutObject'],
  ['POST', 'uploads', 'PutObject'],
  ['POST', 'uploadId', 'PutObject'],
];

/**
 * Translates a request to S3, by path, as the S3 API reference and the User Guide ("Required permissions for Amazon S3
 * API operations") say.
 */
export function s3Asked(
  wire: Wire,
  {
    region,
    account,
    encryption,
  }: { region: string; account: string; encryption(bucket: string): Encryption | undefined },
): Asked {
  const [bucket = '', ...rest] = wire.path.slice(1).split('/');
  const key = rest.join('/');
  const bucketArn = `arn:aws:s3:::${bucket}`;
  const objectArn = `${bucketArn}/${key}`;
  const on = (action: string, resource: string, context: Context = {}): Call => ({
    action: `s3:${action}`,
    resource,
    context: { ...everywhere, ...context },
  });
  const action = found(key === '' ? bucketActions : objectActions, wire);
  if (key === '')
    return {
      needed: [
        on(
          action,
          bucketArn,
          action.startsWith('ListBucket') && action !== 'ListBucketMultipartUploads' ? listing(wire) : {},
        ),
      ],
      given: [],
    };

  const header = (name: string): string | undefined => wire.headers[name];
  const needed = [
    on(
      action,
      objectArn,
      action === 'PutObject' ? writing(wire) : action === 'PutObjectTagging' ? tagsOf(taggedBy(wire.body)) : {},
    ),
  ];
  if (header('x-amz-tagging') !== undefined)
    needed.push(on('PutObjectTagging', objectArn, tagsOf([...new URLSearchParams(header('x-amz-tagging'))])));
  if (header('x-amz-object-lock-mode') !== undefined) needed.push(on('PutObjectRetention', objectArn));
  if (header('if-match') !== undefined && action === 'PutObject') needed.push(on('GetObject', objectArn));
  if (header('x-amz-bypass-governance-retention') === 'true') needed.push(on('BypassGovernanceRetention', objectArn));
  const own = header('x-amz-server-side-encryption-aws-kms-key-id');
  const key_ =
    own === undefined ? encryption(bucket) : { keyArn: own, bucketKey: encryption(bucket)?.bucketKey ?? false };
  if (key_ !== undefined)
    needed.push(
      ...kmsActions(action, wire).map(
        (name): Call => ({
          action: `kms:${name}`,
          resource: key_.keyArn,
          context: {
            ...everywhere,
            'kms:ViaService': `s3.${region}.amazonaws.com`,
            'kms:CallerAccount': account,
            'kms:EncryptionContext:aws:s3:arn': key_.bucketKey ? bucketArn : objectArn,
          },
        }),
      ),
    );
  const given =
    action !== 'GetObject'
      ? []
      : [
          { call: on('GetObjectTagging', objectArn), headers: /^x-amz-tagging-count$/ },
          { call: on('GetObjectRetention', objectArn), headers: /^x-amz-object-lock-(mode|retain-until-date)$/ },
          { call: on('GetObjectLegalHold', objectArn), headers: /^x-amz-object-lock-legal-hold$/ },
        ];
  // as AWS does: whoever may list this very name may know that it is not there
  return { needed, given, ifMissing: on('ListBucket', bucketArn, { 's3:prefix': key }) };
}

/** Every call goes over TLS on AWS; the emulator speaks plain HTTP. */
const everywhere = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };

function found(actions: [string, string, string][], { method, query, path }: Wire): string {
  const action = actions.find(([how, what]) => how === method && (what === '' || query.has(what)))?.[2];
  if (action === undefined) throw new Error(`no action is known for ${method} ${path}?${query}`);
  return action;
}

function listing({ query }: Wire): Context {
  return Object.fromEntries(
    ['prefix', 'delimiter', 'max-keys'].flatMap((name) => (query.has(name) ? [[`s3:${name}`, query.get(name)!]] : [])),
  );
}

/** User Guide, "Enforce conditional writes": beginning an upload and sending its pieces make no object. */
function makesObject({ method, query }: Wire): boolean {
  return method === 'PUT' ? !query.has('partNumber') : !query.has('uploads');
}

function writing(wire: Wire): Context {
  const { headers } = wire;
  const names = [
    'x-amz-server-side-encryption',
    'x-amz-server-side-encryption-aws-kms-key-id',
    'x-amz-storage-class',
    'if-match',
    'if-none-match',
  ];
  return {
    ...Object.fromEntries(
      names.flatMap((name) => (headers[name] === undefined ? [] : [[`s3:${name}`, headers[name]]])),
    ),
    's3:ObjectCreationOperation': String(makesObject(wire)),
  };
}

function tagsOf(tags: [string, string][]): Context {
  return {
    ...Object.fromEntries(tags.map(([name, value]) => [`s3:RequestObjectTag/${name}`, value])),
    's3:RequestObjectTagKeys': tags.map(([name]) => name),
  };
}

function taggedBy(body: string): [string, string][] {
  return [...body.matchAll(/<Key>([^<]*)<\/Key>\s*<Value>([^<]*)<\/Value>/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ]);
}

/**
 * S3 User Guide, "Using server-side encryption with AWS KMS keys": uploads in parts are decrypted when they are put
 * together.
 */
function kmsActions(action: string, { method, query }: Wire): string[] {
  if (action === 'GetObject') return method === 'GET' ? ['Decrypt'] : [];
  if (action !== 'PutObject') return [];
  if (query.has('uploadId')) return ['Decrypt'];
  return query.has('uploads') ? ['GenerateDataKey', 'Decrypt'] : ['GenerateDataKey'];
}
