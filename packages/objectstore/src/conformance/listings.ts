import type { ListOptions, ListPage, ObjectMeta, ObjectStore } from '../object-store.ts';
import { bytes } from './bodies.ts';

/** All pages of a listing. */
export async function pages(store: ObjectStore, prefix: string, options?: ListOptions): Promise<ListPage[]> {
  const all: ListPage[] = [];
  for await (const page of store.list(prefix, options)) all.push(page);
  return all;
}

/** The objects of all pages of a listing. */
export async function listAll(
  store: ObjectStore,
  prefix: string,
  options?: ListOptions,
): Promise<ObjectMeta[]> {
  return (await pages(store, prefix, options)).flatMap(({ objects }) => objects);
}

/** The keys of all pages of a listing. */
export async function keys(store: ObjectStore, prefix: string, options?: ListOptions): Promise<string[]> {
  return (await listAll(store, prefix, options)).map((meta) => meta.key);
}

/** The keys and groups of all pages of a listing with a delimiter. */
export async function grouped(store: ObjectStore, prefix: string, options?: ListOptions) {
  const all = await pages(store, prefix, { delimiter: '/', ...options });
  return {
    objects: all.flatMap(({ objects }) => objects.map(({ key }) => key)),
    commonPrefixes: all.flatMap(({ commonPrefixes }) => commonPrefixes),
  };
}

/** Puts an object at each key, some at a time. The body is the key. */
export async function putKeys(store: ObjectStore, all: readonly string[]): Promise<void> {
  for (let at = 0; at < all.length; at += 50) {
    await Promise.all(all.slice(at, at + 50).map((key) => store.put(key, bytes(key))));
  }
}
