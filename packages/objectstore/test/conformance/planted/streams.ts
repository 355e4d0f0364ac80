import { Readable } from 'node:stream';
import type { GetStreamResult } from '../../../src/index.ts';
import { failedWith, type PlantedBug, storeError } from './plant.ts';

/** Streams what another stream yields, changed. */
const streaming =
  (change: (got: GetStreamResult) => AsyncIterable<unknown> | Iterable<unknown>): PlantedBug =>
  (good) => ({
    getStream: async (key, options) => {
      const got = await good.getStream(key, options);
      return { ...got, stream: Readable.from(change(got)) };
    },
  });

/** Two requests, each of the version that is there then. */
export const readsInHalves: PlantedBug = (good) => ({
  get: async (key, options) => {
    const first = await good.get(key, options);
    if (first.bytes.byteLength < 2000) return first;
    await new Promise(setImmediate);
    const middle = first.range.start + 1000;
    const { bytes } = await good.get(key, {
      range: { start: middle, endExclusive: first.range.endExclusive },
    });
    return { ...first, bytes: new Uint8Array(Buffer.concat([first.bytes.subarray(0, 1000), bytes])) };
  },
});

/** A request a piece, each of the version that is there then. */
export const streamsByName: PlantedBug = (good) => ({
  getStream: async (key, options) => {
    const { meta, range, stream } = await good.getStream(key, options);
    stream.destroy();
    const pieces = async function* () {
      for (let start = range.start; start < range.endExclusive; start += 9000) {
        const endExclusive = Math.min(start + 9000, range.endExclusive);
        yield Buffer.from((await good.get(key, { range: { start, endExclusive } })).bytes);
      }
    };
    return { meta, range, stream: Readable.from(pieces()) };
  },
});

/** Copies by name in two requests. */
export const copiesInHalves: PlantedBug = (good) => ({
  copy: async (from, to, options) => {
    const { bytes, meta } = await good.get(from, options);
    if (bytes.byteLength < 2000) return good.copy(from, to, options);
    await new Promise(setImmediate);
    const rest = await good.get(from, { range: { start: 1000, endExclusive: meta.sizeBytes } });
    return good.put(to, Buffer.concat([bytes.subarray(0, 1000), rest.bytes]));
  },
});

export const endsStreamsEarly: PlantedBug = streaming(async function* ({ stream, range }) {
  let left = Math.max(0, range.endExclusive - range.start - 1);
  for await (const chunk of stream) {
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
  }
});

export const streamsText: PlantedBug = streaming(async function* ({ stream }) {
  for await (const chunk of stream) yield chunk.toString('latin1');
});

export const streamsSharedMemory: PlantedBug = (good) => {
  const held = new Map<string, Uint8Array>();
  return {
    getStream: async (key, options) => {
      const got = await good.getStream(key, options);
      const bytes = held.get(got.meta.etag) ?? (await good.get(key, options)).bytes;
      held.set(got.meta.etag, bytes);
      got.stream.destroy();
      return { ...got, stream: Readable.from([Buffer.from(bytes.buffer)], { objectMode: false }) };
    },
    get: async (key, options) => {
      const got = await good.get(key, options);
      return { ...got, bytes: new Uint8Array(held.get(got.meta.etag) ?? got.bytes) };
    },
  };
};

/** Fails when it is read rather than when it is asked for. */
export const opensStreamsLate: PlantedBug = (good) => ({
  getStream: (key, options) =>
    good.getStream(key, options).catch((error: unknown) => {
      if (!failedWith(error, 'NOT_FOUND')) throw error;
      const stream = new Readable({ read: () => stream.destroy(error as Error) });
      return {
        meta: { key, sizeBytes: 0, lastModifiedMs: 0, etag: 'e' },
        range: { start: 0, endExclusive: 0 },
        stream,
      };
    }),
});

export const streamsOnWhenAborted: PlantedBug = (good) => ({
  getStream: (key, options) => {
    const { signal, ...rest } = options ?? {};
    return good.getStream(key, signal?.aborted ? options : rest);
  },
});

/** Only so many streams at a time, and one that is left early counts for ever. */
export const leaksStreams: PlantedBug = (good) => {
  let open = 0;
  return {
    getStream: async (key, options) => {
      if (open >= 50) await new Promise((_, reject) => setTimeout(reject, 50, storeError('IO_ERROR')));
      const got = await good.getStream(key, options);
      open += 1;
      got.stream.once('end', () => {
        open -= 1;
      });
      return got;
    },
  };
};
