import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createObjectStoreFactory, type UploadJournal } from '../../src/index.ts';

/** A server on which every key has one upload under way, until that is aborted; says which keys were. */
async function serverWithUploads() {
  const aborted: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    if (request.method === 'DELETE') {
      aborted.push(pathname);
      response.writeHead(204).end();
      return;
    }
    const key = searchParams.get('prefix') ?? '';
    const upload = aborted.includes(`${pathname.replace(/\/$/, '')}/${key}`)
      ? ''
      : `<Upload><Key>${key}</Key><UploadId>1</UploadId><Initiated>2026-01-01T00:00:00Z</Initiated></Upload>`;
    const xml = `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${upload}</ListMultipartUploadsResult>`;
    response.writeHead(200, { 'content-type': 'application/xml' }).end(xml);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { aborted, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const settings = { region: 'r', pathStyle: true, credentials: { accessKeyId: 'a', secretAccessKey: 's' } };

test('the buckets of a factory share its journal: each ends the uploads of its own notes, and leaves the others', async () => {
  const { aborted, endpoint } = await serverWithUploads();
  const notes = ['one', 'two', 'two'].map((bucket, i) => ({ bucket, key: `k${i}`, endpoint }));
  const forgotten: string[] = [];
  const uploadJournal: UploadJournal = {
    note: () => Promise.reject(new Error('nothing is put here')),
    leftOver: async () =>
      notes
        .filter(({ key }) => !forgotten.includes(key))
        .map((note) => ({ ...note, remove: async () => void forgotten.push(note.key) })),
  };
  const factory = createObjectStoreFactory({ s3: { ...settings, endpoint, uploadJournal } });
  onTestFinished(() => factory.close());
  await factory.open('s3://one/some/prefix');
  expect([aborted, forgotten]).toEqual([['/one/k0'], ['k0']]);
  await factory.open('s3://two');
  expect(aborted.slice(1).sort()).toEqual(['/two/k1', '/two/k2']);
  expect(forgotten).toEqual(['k0', 'k1', 'k2']);
  await factory.open('s3://two/again');
  expect(aborted).toHaveLength(3);
});

/** A journal that keeps what it knows to itself, as that of `openUploadJournal` does. */
class PrivateJournal implements UploadJournal {
  readonly #asked: () => void;

  constructor(asked: () => void) {
    this.#asked = asked;
  }

  note(): Promise<never> {
    return Promise.reject(new Error('nothing is put here'));
  }

  async leftOver(): Promise<readonly []> {
    this.#asked();
    return [];
  }
}

test('stores of two journals are two, however alike the journals look; one journal is one store', async () => {
  const asked: string[] = [];
  const [one, two] = ['one', 'two'].map((name) => new PrivateJournal(() => asked.push(name)));
  const factory = createObjectStoreFactory();
  onTestFinished(() => factory.close());
  const { credentials } = settings;
  for (const uploadJournal of [one, two, one]) {
    const keys = { ...credentials, sessionToken: undefined };
    await factory.open({ type: 's3', bucket: 'bucket', ...settings, credentials: keys, uploadJournal });
  }
  await factory.open({ type: 's3', bucket: 'bucket', ...settings, endpoint: undefined, uploadJournal: one });
  expect(asked).toEqual(['one', 'two']);
});
