import { setImmediate as tick } from 'node:timers/promises';
import type { ObjectStore, PutBody, PutOptions } from '../../../src/index.ts';
import { isStream, LARGE_BYTES, type PlantedBug, storeError, whole } from './plant.ts';

type PutStream = (
  good: ObjectStore,
  key: string,
  body: AsyncIterable<Uint8Array>,
  options?: PutOptions,
) => Promise<PutBody>;

/** Puts what `put` makes of a stream instead of the stream. */
const streaming =
  (put: PutStream): PlantedBug =>
  (good) => ({
    put: async (key, body, options) =>
      good.put(key, isStream(body) ? await put(good, key, body, options) : body, options),
  });

export const showsParts: PlantedBug = streaming(async (good, key, body) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk.slice());
    await good.put(key, Buffer.concat(chunks));
  }
  return Buffer.concat(chunks);
});

/** Stores what came before the source failed. */
export const keepsWhatCame: PlantedBug = streaming(async (_good, _key, body) => {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk.slice());
  } catch {
    // This is the bug.
  }
  return Buffer.concat(chunks);
});

export const keepsChunks: PlantedBug = streaming(async (_good, _key, body) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
});

export const endsAtEmptyChunks: PlantedBug = streaming(async (_good, _key, body) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    if (chunk.byteLength === 0 && chunks.length > 0) break;
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks);
});

/** Never says `return` to a source. */
export const neverEndsSources: PlantedBug = (good) => ({
  put: (key, body, options) => {
    if (!isStream(body)) return good.put(key, body, options);
    const source = body[Symbol.asyncIterator]();
    return good.put(key, { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) }, options);
  },
});

/** Opens a source once to see that it is one. */
export const opensSourcesTwice: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    if (isStream(body)) await body[Symbol.asyncIterator]().next();
    return good.put(key, body, options);
  },
});

export const readsStreamsAgain: PlantedBug = (good) => ({
  put: async (key, body, options) =>
    good.put(
      key,
      isStream(body) ? { [Symbol.asyncIterator]: () => body[Symbol.asyncIterator]() } : body,
      options,
    ),
});

/** Puts the parts of a large body together in the wrong order. */
export const swapsParts: PlantedBug = streaming(async (_good, _key, body) => {
  const all = await whole(body);
  if (all.byteLength <= LARGE_BYTES) return all;
  return Buffer.concat([all.subarray(LARGE_BYTES), all.subarray(0, LARGE_BYTES)]);
});

/** Is done before the signal can end it, and says that it was ended. */
export const saysAbortedWhenDone: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    const put = await good.put(key, body, options);
    await tick();
    if (options?.signal?.aborted) throw storeError('ABORTED');
    return put;
  },
});

/** Says that it was ended, and goes on. */
export const goesOnWhenAborted: PlantedBug = (good) => ({
  put: (key, body, options) => {
    const { signal, ...rest } = options ?? {};
    if (signal === undefined || signal.aborted || !(body instanceof Uint8Array))
      return good.put(key, body, options);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(storeError('ABORTED')), { once: true });
      const later = async () => {
        for (let ticks = 0; ticks < 5; ticks += 1) await tick();
        return good.put(key, body, rest);
      };
      later().then(resolve, reject);
    });
  },
});

export const takesAbortsForFailures: PlantedBug = (good) => ({
  put: async (key, body, options) => {
    if (!isStream(body) || options?.signal?.aborted) return good.put(key, body, options);
    try {
      return await good.put(key, await whole(body), options);
    } catch {
      throw storeError('IO_ERROR');
    }
  },
});
