import { Agent } from 'node:https';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { requireListings } from './reading/listing.ts';

/**
 * How stores check what they receive: by CRC-32C in a header (AWS and current stores), or by MD5 as older S3-compatible
 * ones do.
 */
export type Checksums = 'when-supported' | 'when-required';

export type S3ClientOptions = {
  /** Of the bucket. An endpoint without regions takes any. */
  region?: string | undefined;
  /** Of a store other than AWS: `https://minio.internal:9000`. Buckets are then part of the path. */
  endpoint?: string | undefined;
  /** Without it, the SDK looks where AWS programs look: environment, profile, role. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** @default when-supported */
  checksums?: Checksums | undefined;
  /** Certificate authority of the endpoint, PEM, where the system's do not do. */
  ca?: string | undefined;
  /** Longest silence of a connection, milliseconds. @default 60000 */
  silenceMs?: number | undefined;
};

/** Longest wait for a connection, name look-up included. */
const connectionMs = 10_000;
/** Tries of a request that fails for a passing reason, the first one included. */
const attempts = 4;
const sockets = 50;

/**
 * The SDK's client with limits that hold: a connection that stays silent is an error (`requestTimeout` alone only
 * warns), passing failures are retried, connections are reused. Checksums are ours: the SDK's own are plain JavaScript
 * and slower than the network.
 */
export function s3Client(options: S3ClientOptions): S3Client {
  const checks = options.checksums === 'when-required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED';
  const region = options.region ?? (options.endpoint === undefined ? undefined : 'us-east-1');
  const config: S3ClientConfig = {
    ...(region === undefined ? {} : { region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint, forcePathStyle: true }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    maxAttempts: attempts,
    followRegionRedirects: options.endpoint === undefined,
    requestChecksumCalculation: checks,
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectionMs,
      socketTimeout: options.silenceMs ?? 60_000,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: sockets },
      httpsAgent: new Agent({
        keepAlive: true,
        maxSockets: sockets,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      }),
    },
  };
  const client = new S3Client(config);
  leaveBodiesUnsigned(client);
  requireListings(client);
  return client;
}

/**
 * Over TLS, bodies go unsigned, as AWS's own tools send them: TLS keeps others out, and the checksum (or MD5) header,
 * which is signed, guards against damage. Saves a SHA-256 over everything, here and in the store. Over plain HTTP that
 * holds for the parts of large uploads alone: their SHA-256 stands in the manifest, which is signed as every small
 * object is.
 */
function leaveBodiesUnsigned(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const request = args.request as { protocol?: string; headers?: Record<string, string> };
      const unsigned =
        context.commandName === 'UploadPartCommand' ||
        (context.commandName === 'PutObjectCommand' && request.protocol === 'https:');
      if (unsigned && request.headers !== undefined) {
        request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      }
      return next(args);
    },
    { step: 'build', name: 'leaveBodiesUnsigned' },
  );
}
