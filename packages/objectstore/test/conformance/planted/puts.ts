import { failedWith, isStream, LARGE_BYTES, type PlantedBug, storeError, whole } from './plant.ts';

export const saysWrongEtag: PlantedBug = (good) => ({
  put: async (...args) => ({ ...(await good.put(...args)), etag: '"0"' }),
});

/** An etag of the size alone. */
export const weakEtags: PlantedBug = (good) => ({
  put: async (...args) => {
    const { sizeBytes } = await good.put(...args);
    return { sizeBytes, etag: `e${sizeBytes}` };
  },
});

/** Removes the object that was there before the new one is complete. */
export const removesFirst: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    if (isStream(body) && !options?.ifAbsent) await good.delete(key);
    return good.put(key, body, options);
  },
});

export const losesTheCause: PlantedBug = (good) => ({
  put: (...args) =>
    good.put(...args).catch((error: unknown) => {
      throw failedWith(error, 'IO_ERROR') ? storeError('IO_ERROR') : error;
    }),
});

/** Loses what does not fill a part. */
export const losesTheLastPart: PlantedBug = (good) => ({
  put: (key, body, options) =>
    good.put(
      key,
      body instanceof Uint8Array && body.byteLength > LARGE_BYTES ? body.subarray(0, LARGE_BYTES) : body,
      options,
    ),
});

export const losesAttributesOfLargeBodies: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    const all = isStream(body) ? await whole(body) : body;
    if (all?.byteLength < LARGE_BYTES) return good.put(key, all, options);
    return good.put(key, all, options && { ...options, metadata: undefined, contentType: undefined });
  },
});

export const keepsOldAttributes: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    const old = await good.head(key).catch(() => undefined);
    const { contentType, metadata } = { ...old, ...options };
    return good.put(key, body, { ...options, contentType, metadata });
  },
});

export const losesEmptyMetadata: PlantedBug = (good) => ({
  put: (key, body, options) => {
    if (options?.metadata === undefined) return good.put(key, body, options);
    const metadata = Object.fromEntries(Object.entries(options.metadata).filter(([, value]) => value !== ''));
    return good.put(key, body, { ...options, metadata });
  },
});
