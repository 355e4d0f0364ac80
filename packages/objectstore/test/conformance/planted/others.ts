import { setImmediate as tick } from 'node:timers/promises';
import type { CallOptions, ObjectStore } from '../../../src/index.ts';
import { failedWith, type PlantedBug, storeError } from './plant.ts';

/** All calls about a key, about another one instead. */
export const naming =
  (name: (key: string) => string): PlantedBug =>
  (good) => ({
    put: (key, ...rest) => good.put(name(key), ...rest),
    get: (key, ...rest) => good.get(name(key), ...rest),
    getStream: (key, ...rest) => good.getStream(name(key), ...rest),
    head: (key, ...rest) => good.head(name(key), ...rest),
    delete: (key, ...rest) => good.delete(name(key), ...rest),
    deleteMany: (keys, ...rest) => good.deleteMany(keys.map(name), ...rest),
    copy: (from, to, ...rest) => good.copy(name(from), name(to), ...rest),
  });

export const ignoresSignals: PlantedBug = (good) => {
  const without = <T extends CallOptions>(options: T | undefined) =>
    options && { ...options, signal: undefined };
  return {
    delete: (key, options) => good.delete(key, without(options)),
    deleteMany: (keys, options) => good.deleteMany(keys, without(options)),
  };
};

export const ignoresSignalsOfListings: PlantedBug = (good) => ({
  list: (prefix, options) =>
    good.list(prefix, options?.signal?.aborted ? options : options && { ...options, signal: undefined }),
});

export const losesReasons: PlantedBug = (good) => ({
  head: (...args) =>
    good.head(...args).catch((error: unknown) => {
      throw failedWith(error, 'ABORTED') ? storeError('ABORTED') : error;
    }),
});

/** Listens to the signal and never stops. */
export const keepsListening: PlantedBug = (good) => ({
  head: (key, options) => {
    options?.signal?.addEventListener('abort', () => {});
    return good.head(key, options);
  },
});

export const worksAfterClose: PlantedBug = () => ({ close: async () => {} });

export const closesOnce: PlantedBug = (good) => {
  let closed = false;
  return {
    close: async () => {
      if (closed) throw storeError('IO_ERROR');
      closed = true;
      await good.close();
    },
  };
};

/** Fails with whatever the lower layer says when it is closed. */
export const breaksAtClose: PlantedBug = (good) => {
  let closed = false;
  return {
    list: async function* (prefix, options) {
      for await (const page of good.list(prefix, options)) {
        yield page;
        if (closed) throw new TypeError('cannot read properties of undefined');
      }
    },
    close: async () => {
      closed = true;
      await tick();
      await good.close();
    },
  };
};

export const declaresTooMuch: PlantedBug = (good): Partial<ObjectStore> => ({
  capabilities: { ...good.capabilities, ifMatch: false },
});
