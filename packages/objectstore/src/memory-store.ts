import { ObjectStoreError } from './errors.ts';
import { compareKeys, parseKey, parsePrefix } from './key.ts';
import type { ObjectMeta, ObjectStore } from './object-store.ts';
import { checkRange, decodePageToken, pageLimit, resolveRange, toPage } from './request-checks.ts';

/**
 * Creates an empty store in this process's memory: for tests and for data that may vanish. It keeps every promise of
 * `ObjectStore` except that nothing outlives the process. Bodies are copied on the way in and out. A listing sorts all
 * matching keys, so it is meant for thousands of objects, not millions.
 */
export function createMemoryObjectStore(): ObjectStore {
  const objects = new Map<string, { body: Uint8Array; meta: ObjectMeta }>();
  let version = 0;

  const find = (key: string) => {
    parseKey(key);
    const object = objects.get(key);
    if (object === undefined) {
      throw new ObjectStoreError('NOT_FOUND', `there is no object "${key}"`, { context: { key } });
    }
    return object;
  };

  return {
    async put(key, body, options) {
      parseKey(key);
      if (options?.ifAbsent && objects.has(key)) {
        throw new ObjectStoreError('ALREADY_EXISTS', `there is an object "${key}" already`, {
          context: { key },
        });
      }
      version += 1;
      const meta: ObjectMeta = {
        key,
        sizeBytes: body.byteLength,
        lastModifiedMs: Date.now(),
        etag: `m${version}`,
      };
      objects.set(key, { body: new Uint8Array(body), meta });
      return meta;
    },

    async get(key, options) {
      checkRange(key, options?.range);
      const { body } = find(key);
      const { start, endExclusive } = resolveRange(key, options?.range, body.byteLength);
      return body.slice(start, endExclusive);
    },

    async head(key) {
      return find(key).meta;
    },

    async list(prefix, options) {
      parsePrefix(prefix);
      const limit = pageLimit(options);
      const after = decodePageToken(options?.pageToken);
      const found = [...objects.values()]
        .map((object) => object.meta)
        .filter(({ key }) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
        .sort((a, b) => compareKeys(a.key, b.key));
      return toPage(found.slice(0, limit + 1), limit);
    },

    async delete(key) {
      parseKey(key);
      objects.delete(key);
    },
  };
}
