import { setImmediate as tick } from 'node:timers/promises';
import { exists, isStream, LARGE_BYTES, type PlantedBug, storeError, whole } from './plant.ts';

export const replacesWithIfAbsent: PlantedBug = (good) => ({
  put: (key, body, options) => good.put(key, body, options && { ...options, ifAbsent: false }),
});

/** Looks, and puts a moment later. */
export const looksBeforePut: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    const { ifAbsent, ...rest } = options ?? {};
    if (ifAbsent && (await exists(good, key))) throw storeError('ALREADY_EXISTS');
    await tick();
    return good.put(key, body, rest);
  },
});

/** As `looksBeforePut`, but only where a body is uploaded in several requests. */
export const looksBeforeLargePut: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    const { ifAbsent, ...rest } = options ?? {};
    const bytes = isStream(body) ? await whole(body) : body;
    if (bytes?.byteLength < LARGE_BYTES) return good.put(key, bytes, options);
    if (ifAbsent && (await exists(good, key))) throw storeError('ALREADY_EXISTS');
    await tick();
    return good.put(key, bytes, rest);
  },
});

export const comparesBeforePut: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    const { ifMatch, ...rest } = options ?? {};
    if (ifMatch !== undefined && (await good.head(key)).etag !== ifMatch)
      throw storeError('PRECONDITION_FAILED');
    await tick();
    return good.put(key, body, rest);
  },
});

export const ignoresIfMatch: PlantedBug = (good) => ({
  put: (key, body, options) => good.put(key, body, options && { ...options, ifMatch: undefined }),
});

export const createsWithIfMatch: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    if (options?.ifMatch !== undefined && !(await exists(good, key))) return good.put(key, body);
    return good.put(key, body, options);
  },
});

export const saysNotFoundWithIfMatch: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    if (options?.ifMatch !== undefined && !(await exists(good, key))) throw storeError('NOT_FOUND');
    return good.put(key, body, options);
  },
});

export const prefersIfAbsent: PlantedBug = (good) => ({
  put: (key, body, options) => good.put(key, body, options?.ifAbsent ? { ifAbsent: true } : options),
});

/** Gives a starred etag to the store as HTTP would take it. */
export const takesStarForAny: PlantedBug = (good) => ({
  put: async (key, body, options) =>
    good.put(key, body, options?.ifMatch === '*' ? { ifMatch: (await good.head(key)).etag } : options),
});

export const passesOverUnknownOptions: PlantedBug = (good) => ({
  put: (key, body, options) => {
    const { ifAbsent, ifMatch, contentType, metadata, signal } = options ?? {};
    return good.put(key, body, { ifAbsent, ifMatch, contentType, metadata, signal });
  },
});
