import { Agent } from 'node:https';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { requireListings } from './reading/listing.ts';

/**
 * How stores check what they receive: by CRC-32C in a header (AWS and current stores), or by MD5, like older
 * S3-compatible ones.
 */
export type Checksums = 'when-supported' | 'when-required';

export type S3ClientOptions = {
  /** The bucket's region. An endpoint without regions accepts any. */
  region?: string | undefined;
  /** A store other than AWS: `https://minio.internal:9000`. Buckets are then part of the path. */
  endpoint?: string | undefined;
  /** Without it, the SDK looks where AWS programs look: environment, profile, role. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** @default when-supported */
  checksums?: Checksums | undefined;
  /** Certificate authority of the endpoint, PEM, if the system's authorities are not enough. */
  ca?: string | undefined;
  /** Longest silence of a connection, milliseconds. @default 60000 */
  silenceMs?: number | undefined;
};

/** Longest wait for a connection, including name resolution. */
const connectionMs = 10_000;
/** Attempts at a request that fails for a transient reason, including the first. */
const attempts = 4;
const sockets = 50;

/**
 * The SDK's client with limits that hold: a silent connection is an error (`requestTimeout` alone only warns),
 * transient failures are retried, connections are reused. We compute the checksums: the SDK's own are plain JavaScript
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
 * Over TLS, bodies are sent unsigned, as AWS's own tools do: TLS keeps others out, and the signed checksum (or MD5)
 * header guards against damage. This saves a SHA-256 over everything, here and in the store. Over plain HTTP it applies
 * only to the parts of large uploads: the manifest has their SHA-256 and is itself signed, as every small object is.
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
