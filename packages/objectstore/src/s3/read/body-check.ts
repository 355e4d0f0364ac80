import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { encodeCrc32 } from '../write/checksum.ts';

/** The checksums of an answer, in base64. */
export interface ChecksumHeaders {
  readonly ChecksumCRC32?: string | undefined;
  readonly ChecksumSHA256?: string | undefined;
  readonly ChecksumSHA1?: string | undefined;
}

/** Sums up a body as it arrives. */
export interface BodyCheck {
  update(chunk: Uint8Array): void;
  /** Whether the bytes so far are those that the server's checksum is of. */
  matches(): boolean;
}

/**
 * The check of a whole object against the checksum that the server gives: CRC-32, SHA-256 or SHA-1, which Node.js can
 * compute natively. `undefined` if there is none of these (CRC-32C and CRC-64/NVME are not checked), or only one of
 * checksums of parts (`…-3`), which a whole read cannot tell apart again.
 */
export function bodyCheckFor(headers: ChecksumHeaders): BodyCheck | undefined {
  const { ChecksumCRC32, ChecksumSHA256, ChecksumSHA1 } = headers;
  if (isWhole(ChecksumCRC32)) return crcCheck(ChecksumCRC32);
  if (isWhole(ChecksumSHA256)) return hashCheck('sha256', ChecksumSHA256);
  if (isWhole(ChecksumSHA1)) return hashCheck('sha1', ChecksumSHA1);
  return undefined;
}

function isWhole(checksum: string | undefined): checksum is string {
  return checksum !== undefined && !/-\d+$/.test(checksum);
}

function crcCheck(expected: string): BodyCheck {
  let sum = 0;
  return {
    update: (chunk) => {
      sum = crc32(chunk, sum);
    },
    matches: () => encodeCrc32(sum) === expected,
  };
}

function hashCheck(algorithm: string, expected: string): BodyCheck {
  const hash = createHash(algorithm);
  return { update: (chunk) => void hash.update(chunk), matches: () => hash.digest('base64') === expected };
}
