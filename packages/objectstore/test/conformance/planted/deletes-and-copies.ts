import { exists, type PlantedBug, storeError } from './plant.ts';

export const failsToDeleteAbsent: PlantedBug = (good) => ({
  delete: async (key, options) => {
    await good.head(key, options);
    return good.delete(key, options);
  },
});

export const deletesBelow: PlantedBug = (good) => ({
  deleteMany: async (keys, options) => {
    const below: string[] = [];
    for (const key of keys.filter((each) => /^[a-z]+$/.test(each))) {
      for await (const { objects } of good.list(`${key}/`)) below.push(...objects.map((meta) => meta.key));
    }
    return good.deleteMany([...keys, ...below], options);
  },
});

export const deletesFirstThousand: PlantedBug = (good) => ({
  deleteMany: (keys, options) => good.deleteMany(keys.slice(0, 1000), options),
});

export const rejectsForOneKey: PlantedBug = (good) => ({
  deleteMany: async (keys, options) => {
    const failures = await good.deleteMany(keys, options);
    if (failures[0] !== undefined) throw failures[0].error;
    return failures;
  },
});

export const reordersFailures: PlantedBug = (good) => ({
  deleteMany: async (...args) => [...(await good.deleteMany(...args))].reverse(),
});

export const saysNothingOfFailures: PlantedBug = (good) => ({
  deleteMany: async (...args) => {
    await good.deleteMany(...args);
    return [];
  },
});

export const tellsOnceOfFailures: PlantedBug = (good) => ({
  deleteMany: async (keys, options) =>
    good.deleteMany(Array.isArray(keys) ? [...new Set(keys)] : keys, options),
});

export const takesTextForKeys: PlantedBug = (good) => ({
  deleteMany: async (keys, options) => good.deleteMany(typeof keys === 'string' ? [...keys] : keys, options),
});

export const losesAttributesAtCopy: PlantedBug = (good) => ({
  copy: async (from, to, options) => good.put(to, (await good.get(from, options)).bytes),
});

export const keepsAttributesAtCopy: PlantedBug = (good) => ({
  copy: async (from, to, options) => {
    const { metadata } = await good.head(to).catch(() => good.head(from));
    return good.put(to, (await good.get(from, options)).bytes, { metadata });
  },
});

export const saysSourceEtagAtCopy: PlantedBug = (good) => ({
  copy: async (from, to, options) => ({
    ...(await good.copy(from, to, options)),
    etag: (await good.head(from)).etag,
  }),
});

export const movesAtCopy: PlantedBug = (good) => ({
  copy: async (from, to, options) => {
    const copied = await good.copy(from, to, options);
    if (from !== to) await good.delete(from);
    return copied;
  },
});

export const leavesTargetsAtCopy: PlantedBug = (good) => ({
  copy: async (from, to, options) => {
    const there = await good.head(to).catch(() => undefined);
    return there ?? good.copy(from, to, options);
  },
});

export const clearsTargetsAtCopy: PlantedBug = (good) => ({
  copy: async (from, to, options) => {
    await good.head(to, options).catch(() => undefined);
    if (!options?.signal?.aborted) await good.delete(to);
    return good.copy(from, to, options);
  },
});

/** S3 refuses this unless something about the object changes. */
export const refusesCopyOntoItself: PlantedBug = (good) => ({
  copy: async (from, to, options) => {
    if (from === to && (await exists(good, from))) throw storeError('IO_ERROR');
    return good.copy(from, to, options);
  },
});
