import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { IcebergError } from '@danube/iceberg';
import type { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentials } from './aws-credentials.ts';
import type { AuthRequest } from './rest-auth.ts';

/** What a signature is made with. */
export interface SigningParameters {
  readonly region: string;
  readonly service: string;
  readonly credentials: AwsCredentials;
  readonly date: Date;
  /** Whether the hash of the body is also sent, as `x-amz-content-sha256`. Default true. */
  readonly sendHash?: boolean;
}

/** Headers that signing makes; those of a request that are called so are kept under another name. */
const made = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];

/**
 * The headers that sign a request with AWS Signature Version 4, as other services than S3 want it: path segments are
 * encoded once more than they are sent, and the body is hashed. All headers of the request are signed but those that
 * proxies change, so they must be sent as they are. One that is called as a header made here is moved to
 * `original-…`: `authorization` to `original-authorization`.
 *
 * Errors: `UNSUPPORTED_FEATURE` if `@smithy/signature-v4` is not installed.
 */
export async function sigV4Headers(
  request: Omit<AuthRequest, 'signal'>,
  { region, service, credentials, date, sendHash = true }: SigningParameters,
): Promise<Readonly<Record<string, string>>> {
  const { SignatureV4: Signer } = await loadSigner();
  const { url, method, body } = request;
  const headers = withoutMade(request.headers);
  const signer: SignatureV4 = new Signer({
    region,
    service,
    credentials: toIdentity(credentials),
    sha256: Sha256,
    applyChecksum: sendHash,
  });
  const { headers: signed } = await signer.sign(
    {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: queryOf(url),
      headers: { ...headers, host: url.host },
      ...(body !== undefined && { body }),
    },
    { signingDate: date },
  );
  const added = Object.entries(signed).filter(([name]) => name !== 'host' && !(name in request.headers));
  const replaced = made.filter((name) => name in signed).map((name) => [name, signed[name]]);
  return Object.fromEntries([...added, ...replaced]);
}

function withoutMade(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    kept[made.includes(name) ? `original-${name}` : name] = value;
  return kept;
}

/** Parameters as they are meant: a space may be sent as `+` or `%20`, and is signed as `%20` both times. */
function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] as string) : values;
  }
  return query;
}

function toIdentity({ accessKeyId, secretAccessKey, sessionToken }: AwsCredentials) {
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

async function loadSigner(): Promise<typeof import('@smithy/signature-v4')> {
  try {
    return await import('@smithy/signature-v4');
  } catch (cause) {
    throw new IcebergError(
      'UNSUPPORTED_FEATURE',
      'AWS Signature Version 4 needs another package: install @smithy/signature-v4',
      { cause },
    );
  }
}

/** The hash of the signer, as Node.js has it. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  /** The signer makes a new one instead. */
  reset(): void {
    throw new Error('a hash of Node.js cannot start again');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
