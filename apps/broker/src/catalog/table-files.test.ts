import { createTableMetadata, type LoadedTable, type TableIdentifier } from '@danube/iceberg';
import { createFileIO, createMemoryObjectStore } from '@danube/objectstore';
import { expect, test } from 'vitest';
import { TableFiles } from './table-files.ts';

const BUCKET = 's3://b';

function table(name: string, location: string): LoadedTable {
  const schema = { fields: [{ id: 1, name: 'i', required: true, type: 'long' as const }] };
  const metadata = createTableMetadata({ location, schema });
  return { identifier: { namespace: ['a'], name }, metadata, metadataLocation: `${location}/m.json` };
}

/** A bucket for each table, as if each had keys of its own, and one for the rest. */
function setUp(failures: Error[] = []) {
  const events: string[] = [];
  const open = (name: string) => {
    const store = createMemoryObjectStore();
    const io = createFileIO({ store, baseUri: BUCKET });
    const close = async () => void events.push(`close ${name}`);
    return { io, close, keys: () => store.list('') };
  };
  const others = open('others');
  const opened = new Map<string, ReturnType<typeof open>>();
  const files = new TableFiles(async ({ name }: TableIdentifier) => {
    events.push(`open ${name}`);
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    opened.set(name, open(name));
    return opened.get(name)!;
  }, others.io);
  return { files, others, opened, events };
}

const bytes = new Uint8Array([1, 2, 3]);

test('each file is reached by the store of its table, which is opened once; others by the rest', async () => {
  const { files, others, opened, events } = setUp();
  files.saw(table('t', `${BUCKET}/a/t`));
  files.saw(table('t2', `${BUCKET}/a/t2/`));
  files.saw(table('inner', `${BUCKET}/a/t/inner`));
  files.saw(table('local', 'file:///a/local'));
  expect(events).toEqual([]);
  const written = ['a/t/data/x=1/f', 'a/t2/f', 'a/t/inner/data/f', 'a/t3/f', 'f'].map(
    (key) => `${BUCKET}/${key}`,
  );
  await Promise.all([...written, ...written].map((location) => files.writeFile(location, bytes)));
  expect([...events].sort()).toEqual(['open inner', 'open t', 'open t2']);
  for (const location of written) {
    expect(await files.readFile(location)).toEqual(bytes);
    expect(await files.readRange(location, 1, 2)).toEqual(bytes.subarray(1, 2));
    expect(await files.fileSize(location)).toBe(3);
  }
  const where = [opened.get('t'), opened.get('t2'), opened.get('inner'), others, others];
  for (const [index, location] of written.entries())
    expect(await where[index]!.io.fileSize(location)).toBe(3);
  await files.deleteFile(written[0]!);
  await expect(opened.get('t')!.io.fileSize(written[0]!)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('what could not be opened is opened again; closing closes what was opened, and is final', async () => {
  const { files, events } = setUp([new Error('no keys today')]);
  files.saw(table('t', `${BUCKET}/a/t`));
  await expect(files.writeFile(`${BUCKET}/a/t/f`, bytes)).rejects.toThrow('no keys today');
  await files.writeFile(`${BUCKET}/a/t/f`, bytes);
  await files.close();
  expect(events).toEqual(['open t', 'open t', 'close t']);
  await expect(files.readFile(`${BUCKET}/a/t/f`)).rejects.toMatchObject({ code: 'CLOSED' });
});

test('closing does not wait for a store that is being opened, and that one is closed when it is open', async () => {
  let isOpen = () => {};
  const opening = new Promise<void>((resolve) => {
    isOpen = resolve;
  });
  const events: string[] = [];
  const io = createFileIO({ store: createMemoryObjectStore(), baseUri: BUCKET });
  const files = new TableFiles(async () => {
    await opening;
    return { io, close: async () => void events.push('close') };
  }, io);
  files.saw(table('t', `${BUCKET}/a/t`));
  const written = files.writeFile(`${BUCKET}/a/t/f`, bytes);
  await files.close();
  isOpen();
  await expect(written).rejects.toMatchObject({ code: 'CLOSED' });
  expect(events).toEqual(['close']);
});
