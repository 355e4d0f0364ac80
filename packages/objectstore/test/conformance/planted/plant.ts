import {
  createMemoryObjectStore,
  type ObjectStore,
  ObjectStoreError,
  type PutBody,
} from '../../../src/index.ts';

/** A bug: what a store with it does instead. `good` is the store without it. */
export type PlantedBug = (good: ObjectStore) => Partial<ObjectStore>;

/** An empty memory store with some methods replaced by wrong ones. */
export function plant(bug: PlantedBug): ObjectStore {
  const good = createMemoryObjectStore();
  const honest: ObjectStore = {
    capabilities: good.capabilities,
    put: (...args) => good.put(...args),
    get: (...args) => good.get(...args),
    getStream: (...args) => good.getStream(...args),
    head: (...args) => good.head(...args),
    list: (...args) => good.list(...args),
    delete: (...args) => good.delete(...args),
    deleteMany: (...args) => good.deleteMany(...args),
    copy: (...args) => good.copy(...args),
    close: () => good.close(),
  };
  return { ...honest, ...bug(honest) };
}

/** Whether there is an object. */
export function exists(store: ObjectStore, key: string): Promise<boolean> {
  return store.head(key).then(
    () => true,
    () => false,
  );
}

/** Whether an error has a code. */
export function failedWith(error: unknown, code: string): boolean {
  return ObjectStoreError.is(error) && error.code === code;
}

/** An error as stores give them. */
export function storeError(
  code: 'ALREADY_EXISTS' | 'PRECONDITION_FAILED' | 'NOT_FOUND' | 'IO_ERROR' | 'ABORTED',
) {
  return new ObjectStoreError(code, 'planted');
}

/** From here on a body counts as large in these bugs. */
export const LARGE_BYTES = 64 * 1024;

/** All bytes of a body. */
export async function whole(body: PutBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

/** Whether a body is a stream. */
export const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof (body as Partial<AsyncIterable<unknown>> | undefined)?.[Symbol.asyncIterator] === 'function';
