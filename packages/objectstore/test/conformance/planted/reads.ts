import type { GetOptions, ObjectStore } from '../../../src/index.ts';
import { failedWith, type PlantedBug, storeError } from './plant.ts';

/** Both ways to read, with other options. */
const asking =
  (other: (options: GetOptions | undefined) => GetOptions | undefined): PlantedBug =>
  (good) => ({
    get: (key, options) => good.get(key, other(options)),
    getStream: (key, options) => good.getStream(key, other(options)),
  });

export const takesEndsForIncluded: PlantedBug = asking((options) => {
  const end = options?.range?.endExclusive;
  if (options?.range === undefined || end === undefined || !Number.isSafeInteger(end + 1)) return options;
  return { ...options, range: { ...options.range, endExclusive: end + 1 } };
});

/** The header of an open range from the last byte on is not the one of an empty range. */
export const refusesEmptyRanges: PlantedBug = (good) => ({
  get: async (key, options) => {
    const got = await good.get(key, options);
    if (options?.range !== undefined && got.bytes.byteLength === 0) {
      return good.get(key, { range: { start: got.meta.sizeBytes, endExclusive: got.meta.sizeBytes + 1 } });
    }
    return got;
  },
});

export const givesNothingBehindTheEnd: PlantedBug = (good) => ({
  get: (key, options) =>
    good.get(key, options).catch(async (error: unknown) => {
      const start = options?.range?.start ?? 0;
      if (!failedWith(error, 'INVALID_RANGE') || !Number.isSafeInteger(start) || start < 0) throw error;
      return good.get(key, { range: { start: 0, endExclusive: 0 } });
    }),
});

export const passesOverUnknownBounds: PlantedBug = asking(
  (options) =>
    options?.range && {
      ...options,
      range: { start: options.range.start, endExclusive: options.range.endExclusive },
    },
);

/** The size of the answer instead of that of the object. */
export const saysSizeOfPart: PlantedBug = (good) => ({
  get: async (key, options) => {
    const got = await good.get(key, options);
    return { ...got, meta: { ...got.meta, sizeBytes: got.bytes.byteLength } };
  },
});

export const saysRangeAskedFor: PlantedBug = (good) => ({
  get: async (key, options) => {
    const got = await good.get(key, options);
    const { start, endExclusive } = { ...got.range, ...options?.range };
    return { ...got, range: { start, endExclusive: endExclusive ?? got.range.endExclusive } };
  },
});

export const sharesBytes: PlantedBug = (good) => {
  const cache = new Map<string, Awaited<ReturnType<ObjectStore['get']>>>();
  return {
    get: async (key, options) => {
      const got = await good.get(key, options);
      const known = cache.get(got.meta.etag);
      if (options?.range === undefined && known !== undefined) return known;
      cache.set(got.meta.etag, got);
      return got;
    },
  };
};

export const sharesMeta: PlantedBug = (good) => {
  const cache = new Map<string, Awaited<ReturnType<ObjectStore['head']>>>();
  return {
    head: async (key, options) => {
      const meta = await good.head(key, options);
      const known = cache.get(meta.etag) ?? { ...meta };
      cache.set(meta.etag, known);
      return known;
    },
  };
};

export const ignoresConditions: PlantedBug = asking((options) => {
  const { ifMatch: _match, ifNoneMatch: _none, ...rest } = options ?? {};
  return rest;
});

/** A range without its conditions. */
export const ignoresConditionsOfRanges: PlantedBug = asking((options) =>
  options?.range === undefined ? options : { range: options.range, signal: options.signal },
);

export const saysPreconditionForNotModified: PlantedBug = (good) => ({
  get: (key, options) =>
    good.get(key, options).catch((error: unknown) => {
      throw failedWith(error, 'NOT_MODIFIED') ? storeError('PRECONDITION_FAILED') : error;
    }),
});

export const saysPreconditionForAbsent: PlantedBug = (good) => ({
  get: (key, options) =>
    good.get(key, options).catch((error: unknown) => {
      throw failedWith(error, 'NOT_FOUND') && options?.ifMatch ? storeError('PRECONDITION_FAILED') : error;
    }),
});
