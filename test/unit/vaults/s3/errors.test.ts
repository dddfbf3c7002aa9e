import { describe, expect, test } from '@jest/globals';
import { BackupError, isBackupError } from '../../../../core/domain/errors.ts';
import { attemptsOf, isDamage, nameOf, s3Error, statusOf } from '../../../../core/vaults/s3/errors.ts';

/** Rows by the first line of what they begin with: an error as a whole would bring its stack into the name of a test. */
function named<Rest extends unknown[]>(rows: [unknown, ...Rest][]): [string, unknown, ...Rest][] {
  return rows.map(([from, ...rest]) => [String(from), from, ...rest]);
}

describe('what a failed request means', () => {
  const error = (name: string, status?: number, more: object = {}) =>
    Object.assign(new Error(name), {
      name,
      ...(status !== undefined && { $metadata: { httpStatusCode: status, attempts: 2 } }),
      ...more,
    });
  const network = (message: string, code = 'EX') => Object.assign(new Error(message), { code });

  test.each(
    named<[string, RegExp | undefined]>([
      [error('NoSuchBucket', 404), 'vault-unreachable', /^make the bucket, or correct its name$/],
      [error('NoSuchKey', 404), 'object-missing', /nightjar verify/],
      [error('NotFound', 404), 'object-missing', /nightjar verify/],
      [error('QuotaExceeded', 403), 'vault-full', /^enlarge the quota, or keep fewer backups$/],
      [error('EntityTooLarge', 400), 'vault-full', /quota/],
      [error('InsufficientStorage', 400), 'vault-full', /quota/],
      [error('XMinioStorageFull', 400), 'vault-full', /quota/],
      [error('Unknown', 507), 'vault-full', /quota/],
      [error('PermanentRedirect', 301), 'vault-unreachable', /^set the vault's region to the bucket's$/],
      [error('AuthorizationHeaderMalformed', 400), 'vault-unreachable', /region/],
      [error('IllegalLocationConstraintException', 400), 'vault-unreachable', /region/],
      [error('InvalidAccessKeyId', 403), 'vault-denied', /^the store does not know this access key/],
      [error('SignatureDoesNotMatch', 403), 'vault-denied', /^the secret is not that of the access key/],
      [
        error('RequestTimeTooSkewed', 403),
        'vault-denied',
        /^the clock of this machine is wrong by more than 15 minutes/,
      ],
      [error('ExpiredToken', 400), 'vault-denied', /^log in to AWS again/],
      [error('InvalidToken', 400), 'vault-denied', /^log in/],
      [error('CredentialsProviderError'), 'vault-denied', /^log in/],
      [error('TokenProviderError'), 'vault-denied', /^log in/],
      [
        error('AccessDenied', 403),
        'vault-denied',
        /^allow these credentials s3:ListBucket on the bucket, and s3:GetObject/,
      ],
      [error('Unauthorized', 401), 'vault-denied', /^allow/],
      [
        error('RequestTimeout', 400),
        'vault-unreachable',
        /^check the vault's endpoint \(http or https, host and port\)/,
      ],
      [error('SlowDown', 503), 'vault-unreachable', /^check/],
      [error('Unknown', 502), 'vault-unreachable', /^check/],
      [error('Unknown', 503), 'vault-unreachable', /^check/],
      [error('Unknown', 504), 'vault-unreachable', /^check/],
      [error('InvalidDigest', 400), 'vault-failed', /changes data/],
      [error('XAmzContentSHA256Mismatch', 400), 'vault-failed', /changes data/],
      [error('XAmzContentChecksumMismatch', 400), 'vault-failed', /changes data/],
      [
        error('NotImplemented', 501),
        'vault-failed',
        /^the store lacks what was asked for: try checksums: when-required, or tags: false$/,
      ],
      [error('NotAListing'), 'vault-failed', /endpoint that of an S3 store/],
      [error('InternalError', 500), 'vault-failed', undefined],
      [network('connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED'), 'vault-unreachable', /^check/],
      [error('TimeoutError'), 'vault-unreachable', /^check/],
      [error('AbortError'), 'vault-unreachable', /^check/],
      [error('AggregateError'), 'vault-unreachable', /^check/],
      [
        network(
          'write EPROTO 0A:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../deps/x.c:1:',
        ),
        'vault-unreachable',
        /^the endpoint speaks no TLS/,
      ],
      [network('packet length too long'), 'vault-unreachable', /^the endpoint speaks no TLS/],
      [network('odd', 'EPROTO'), 'vault-unreachable', /^the endpoint speaks no TLS/],
      [network('self-signed certificate'), 'vault-unreachable', /^the endpoint's certificate is not trusted here/],
      [network("Hostname/IP does not match certificate's altnames"), 'vault-unreachable', /not trusted/],
      [network('odd', 'CERT_HAS_EXPIRED'), 'vault-unreachable', /not trusted/],
      [network('odd', 'DEPTH_ZERO_SELF_SIGNED_CERT'), 'vault-unreachable', /not trusted/],
      [new Error('odd'), 'vault-failed', undefined],
      ['a word', 'vault-failed', undefined],
      [null, 'vault-failed', undefined],
    ]),
  )('%s, %#', (_, from, code, hint) => {
    const made = s3Error('read s3://b/k', from);
    expect(made).toMatchObject({ code, cause: from });
    if (hint === undefined) expect(made.hint).toBeUndefined();
    else expect(made.hint).toMatch(hint);
    expect(s3Error('another', made)).toBe(made);
  });

  test.each(
    named<[string]>([
      [error('AccessDenied', 403), 'read k: AccessDenied (HTTP 403)'],
      [Object.assign(error('AccessDenied', 403), { message: 'no right' }), 'read k: AccessDenied: no right (HTTP 403)'],
      [Object.assign(error('Teapot', 418), { message: 'UnknownError' }), 'read k: Teapot (HTTP 418)'],
      [
        network('write EPROTO 0A:error:0A00010B:SSL routines:a:wrong version number:../deps/x.c:1:'),
        'read k: write EPROTO: wrong version number',
      ],
      [new Error('odd'), 'read k: odd'],
    ]),
  )('the words of %s', (_, from, words) => {
    expect(s3Error('read k', from).message).toBe(words);
  });

  test('what the store said is found behind an error of ours, too', () => {
    const made = s3Error('read k', error('BadDigest', 400));
    expect([statusOf(made), attemptsOf(made), nameOf(made), isDamage(made)]).toEqual([400, 2, 'BadDigest', true]);
    const none = new BackupError('vault-failed', 'odd');
    expect([statusOf(none), attemptsOf(none), nameOf(none), isDamage(none)]).toEqual([undefined, 1, '', false]);
    expect([statusOf(null), statusOf('x'), nameOf(null), nameOf(undefined)]).toEqual([undefined, undefined, '', '']);
    expect(isBackupError(made, 'vault-failed')).toBe(true);
  });
});
