import { join } from 'node:path';
import { describe, test } from 'vitest';
import {
  createMemoryObjectStore,
  type ListPage,
  type ObjectStore,
  openLocalObjectStore,
} from '../../src/index.ts';
import { objectStoreConformance } from '../../src/testing.ts';
import { tempDir } from '../local/helpers.ts';

/** The conformance suite over what `wrap` makes of an empty memory store and of an empty local one. */
export function conformanceOf(wrap: (store: ObjectStore) => ObjectStore): void {
  const wrapped = async (name: 'memory' | 'local') => {
    if (name === 'memory') return wrap(createMemoryObjectStore());
    return wrap(await openLocalObjectStore({ root: join(await tempDir(), 'root') }));
  };
  const local = { ifAbsent: true, ifMatch: false, attributes: false, flatKeys: false };
  const declared = { memory: createMemoryObjectStore().capabilities, local };
  for (const name of ['memory', 'local'] as const) {
    // Read off a wrapped store, so that what a wrapper changes of them is honoured.
    const { maxKeyBytes } = wrap(createMemoryObjectStore()).capabilities;
    describe(`over the ${name} store`, () => {
      for (const { name: promise, run } of objectStoreConformance({ ...declared[name], maxKeyBytes })) {
        test(promise, async () => run(await wrapped(name)));
      }
    });
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
