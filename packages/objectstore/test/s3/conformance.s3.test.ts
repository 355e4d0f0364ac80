import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ObjectStore, openS3ObjectStore } from '../../src/index.ts';
import { objectStoreConformance } from '../../src/testing.ts';
import { createBucket } from '../support/s3-client.ts';
import { type S3Server, startMoto, startVersitygw } from '../support/s3-servers.ts';

const MIB = 1024 * 1024;
const capabilities = { ifAbsent: true, ifMatch: true, attributes: true, flatKeys: true };
/** Large bodies go up in two parts. */
const parts = { partSizeBytes: 5 * MIB, multipartThresholdBytes: 5 * MIB };
const parameters = { multipartBytes: 5 * MIB + 1, manyKeys: 5000 };

/** Promises that a server does not keep, whoever asks. The run fails when it does one day. */
const versitygwGaps = [
  // It does not know `encoding-type`, and XML has no such characters: it lists U+FFFD for them.
  'characters that XML has not in keys are taken literally by every method',
];
const motoGaps = [
  // It ignores the If-Match of CompleteMultipartUpload.
  'streams, also large ones, are put with ifMatch as bytes are',
  // It finds no page for a key with a line feed.
  'line feeds in keys are taken literally by every method',
];
/** Promises that moto breaks or keeps by chance, so that it says nothing about us. versitygw is asked. */
const motoRaces = [
  // It checks the If-None-Match of CompleteMultipartUpload first, and makes the object later.
  '4 simultaneous ifAbsent puts of large streams, 2 rounds: exactly one wins, and its body is there',
  // It ignores x-amz-copy-source-if-match.
  'copy during replacing puts copies one whole version',
];

describe.each([
  // It keeps objects as files: `a` and `a/b` cannot both exist, and segments end at 255 bytes.
  ['versitygw', () => startVersitygw(), { ...parameters, serverKeepsPaths: true }, versitygwGaps, []],
  ['moto', () => startMoto(), { ...parameters, manyKeys: 1200 }, motoGaps, motoRaces],
] as const)('S3 store on %s', (_, start, adapted, gaps: readonly string[], races: readonly string[]) => {
  let server: S3Server;
  let buckets = 0;
  beforeAll(async () => {
    server = await start();
    return () => server.stop();
  }, 60_000);
  const stores: ObjectStore[] = [];
  afterAll(() => Promise.all(stores.map((store) => store.close())));

  async function emptyStore(): Promise<ObjectStore> {
    buckets += 1;
    const bucket = `case-${buckets}`;
    await createBucket(server, bucket);
    const { endpoint, region, accessKeyId, secretAccessKey } = server;
    const credentials = { accessKeyId, secretAccessKey };
    const store = await openS3ObjectStore({
      bucket,
      endpoint,
      region,
      credentials,
      pathStyle: true,
      ...parts,
    });
    stores.push(store);
    return store;
  }

  const cases = objectStoreConformance(capabilities, adapted);
  for (const { name, run } of cases.filter((each) => !races.includes(each.name))) {
    test(name, { fails: gaps.includes(name), timeout: 60_000 }, async () => run(await emptyStore()));
  }

  test('the gaps of the server are cases of the suite', () => {
    const names = cases.map(({ name }) => name);
    expect([...gaps, ...races].filter((name) => !names.includes(name))).toEqual([]);
  });
});
