import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { tempDir } from '../local/helpers.ts';
import { startGuarded } from '../support/guarded-process.ts';
import { createBucket } from '../support/s3-client.ts';
import { startVersitygw } from '../support/s3-servers.ts';

const CHILD = join(import.meta.dirname, 'stream-child.ts');
const MIB = 1024 * 1024;
const SIZE_MIB = 1024;
const LIMIT_MIB = 128;
const TIMEOUT_MS = 180_000;

/** Puts and reads a stream in a process of its own, so that its memory is that of the stream alone. */
async function streamed(kind: 'local' | 's3', where: string) {
  const args = ['--conditions=@danube/source', CHILD, kind, where, String(SIZE_MIB)];
  const child = await startGuarded(process.execPath, args);
  onTestFinished(() => child.stop());
  await child.whenEnded;
  try {
    return JSON.parse(child.output()) as Record<string, unknown>;
  } catch {
    throw new Error(child.output());
  }
}

const right = {
  sizeBytes: SIZE_MIB * MIB,
  receivedBytes: SIZE_MIB * MIB,
  sameEtag: true,
  sameContent: true,
  growthMib: expect.toSatisfy((growth: number) => growth < LIMIT_MIB, `less than ${LIMIT_MIB}`),
};

test(
  'a stream of 1 GiB is put on S3 and read back, whole, in less than 128 MiB',
  async () => {
    const server = await startVersitygw();
    onTestFinished(() => server.stop());
    await createBucket(server, 'puts');
    expect(await streamed('s3', server.endpoint)).toMatchObject(right);
  },
  TIMEOUT_MS,
);

test(
  'a stream of 1 GiB is put in a directory and read back, whole, in less than 128 MiB',
  async () => {
    expect(await streamed('local', await tempDir())).toMatchObject(right);
  },
  TIMEOUT_MS,
);
