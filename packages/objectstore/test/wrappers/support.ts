import { join } from 'node:path';
import { test } from 'vitest';
import {
  createMemoryObjectStore,
  type ListPage,
  type ObjectStore,
  openLocalObjectStore,
  type StoreCapabilities,
} from '../../src/index.ts';
import { objectStoreConformance } from '../../src/testing.ts';
import { tempDir } from '../local/helpers.ts';

type Wrap = (store: ObjectStore) => ObjectStore;

/** The conformance suite over what `wrap` makes of an empty memory store. */
export function conformanceOverMemory(wrap: Wrap): void {
  suite(createMemoryObjectStore().capabilities, async () => createMemoryObjectStore(), wrap);
}

/** The conformance suite over what `wrap` makes of an empty local store. */
export function conformanceOverLocal(wrap: Wrap): void {
  const openLocal = async () => openLocalObjectStore({ root: join(await tempDir(), 'root') });
  suite({ ifAbsent: true, ifMatch: false, attributes: false, flatKeys: false }, openLocal, wrap);
}

function suite(beneath: StoreCapabilities, open: () => Promise<ObjectStore>, wrap: Wrap): void {
  // A wrapper may change what it declares, from what is declared to it.
  const declaring = overriding(createMemoryObjectStore(), { capabilities: beneath });
  for (const { name, run } of objectStoreConformance(wrap(declaring).capabilities, { manyKeys: 1001 })) {
    test(name, async () => run(wrap(await open())));
  }
}

/** All bytes of a stream, as text. */
export async function streamText(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** All pages of a listing. */
export async function pagesOf(listing: AsyncIterable<ListPage>): Promise<ListPage[]> {
  const pages: ListPage[] = [];
  for await (const page of listing) pages.push(page);
  return pages;
}

/** The store with some of its methods done otherwise. */
export function overriding(store: ObjectStore, methods: Partial<ObjectStore>): ObjectStore {
  return {
    capabilities: store.capabilities,
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    getStream: (...args) => store.getStream(...args),
    head: (...args) => store.head(...args),
    list: (...args) => store.list(...args),
    delete: (...args) => store.delete(...args),
    deleteMany: (...args) => store.deleteMany(...args),
    copy: (...args) => store.copy(...args),
    close: () => store.close(),
    ...methods,
  };
}
