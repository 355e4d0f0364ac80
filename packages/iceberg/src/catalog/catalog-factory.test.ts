import { expect, test } from 'vitest';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import { createCatalogFactory, type OpenCatalog } from './catalog-factory.ts';
import { createMemoryCatalog } from './memory-catalog.ts';

/** A catalog of one's own, as an opener makes it. */
async function openMemory(options: {
  readonly warehouse: string;
}): Promise<OpenCatalog & { warehouse: string }> {
  const catalog = createMemoryCatalog({ warehouse: options.warehouse, io: createMemoryFileIO() });
  return Object.assign(catalog, { close: async () => {}, warehouse: options.warehouse });
}

test('a catalog is opened by its type, with the other fields as options', async () => {
  const catalogs = createCatalogFactory({ memory: openMemory });
  expect(catalogs.types).toEqual(['memory']);
  const catalog = await catalogs.open({ type: 'memory', warehouse: 'mem://a' });
  expect(catalog.warehouse).toBe('mem://a');
  await catalog.createNamespace(['n']);
  // Nothing is shared: each is one of its own.
  expect(await (await catalogs.open({ type: 'memory', warehouse: 'mem://a' })).listNamespaces()).toEqual([]);
});

test('a type that was not handed in is refused with those that were, also one that every object has', async () => {
  const catalogs = createCatalogFactory({ memory: openMemory, other: openMemory });
  for (const type of ['rest', 'toString', '__proto__', undefined]) {
    await expect(catalogs.open({ type: type as 'memory', warehouse: 'mem://a' })).rejects.toThrow(
      `INVALID_ARGUMENT: there is no catalog type "${type}" here; there are memory, other`,
    );
  }
  expect(() => createCatalogFactory({ rest: undefined as never })).toThrow('INVALID_ARGUMENT');
});

test('types tell which options each type takes, and which catalog it gives', async () => {
  const catalogs = createCatalogFactory({ memory: openMemory });
  const check = async () => {
    // @ts-expect-error: no such type.
    await catalogs.open({ type: 'rest', warehouse: 'mem://a' });
    // @ts-expect-error: an option is missing.
    await catalogs.open({ type: 'memory' });
    // @ts-expect-error: an option of the wrong type.
    await catalogs.open({ type: 'memory', warehouse: 1 });
    const { warehouse }: { warehouse: string } = await catalogs.open({
      type: 'memory',
      warehouse: 'mem://a',
    });
    return warehouse;
  };
  // That the lines above compile, and these errors are errors, is what is tested; at run time the first is refused.
  await expect(check()).rejects.toThrow('INVALID_ARGUMENT');
});

test('what opening fails with comes through', async () => {
  const failure = new Error('no');
  const catalogs = createCatalogFactory({
    memory: (_options: object) => Promise.reject<OpenCatalog>(failure),
  });
  await expect(catalogs.open({ type: 'memory' })).rejects.toBe(failure);
});
